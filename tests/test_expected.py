from __future__ import annotations

import pytest

from rag.expected import lacks_expected


@pytest.mark.parametrize(
    ("question", "answering", "beside"),
    [
        ("What does one cost?", "A first call is free.", "It lasts two hours."),
        ("what do they charge per month", "$40 a month", "The lamp lasts nine minutes."),
        ("How old must she be?", "We treat adults aged 18 to 65.", "He died in 2023."),
        ("when'd they allow it", "It was approved in 1970.", "It was approved as an anesthetic."),
        ("How many visits do people need?", "After six to eight sessions.", "After some sessions."),
        ("how long till it works", "It works within hours.", "It works through glutamate."),
        ("When was it approved?", "In March 2019.", "You may feel calm, and march on."),
        ("how fast is it", "It is known for its rapid onset.", "It is a nasal spray."),
    ],
)
def test_words_without_the_sort_of_thing_that_is_asked_for_do_not_answer(
    question: str, answering: str, beside: str
) -> None:
    assert lacks_expected(question, [beside])
    assert not lacks_expected(question, [answering])
    assert not lacks_expected(question, [beside, answering])


def test_a_question_for_no_such_sort_lacks_nothing() -> None:
    assert not lacks_expected("Is it safe?", ["It is."])
    assert not lacks_expected("Who is in charge of the patient?", ["A doctor is."])
    assert not lacks_expected("Is it safe?", [])
    assert lacks_expected("What does it cost?", [])
