from __future__ import annotations

from pathlib import Path

import pytest

from rag.assistant import Assistant
from rag.datatypes import ModelError
from rag.places import Places, read_places


@pytest.fixture(scope="module")
def places(real_assistant: Assistant) -> Places:
    return real_assistant.places


@pytest.mark.parametrize(
    "question",
    [
        "How long is a session in Leeds?",
        "leeds clinic how long",
        "Who would look after my dad at the Manchester place?",
        "Glasgow – who decides how much you get?",
        "number for your people in New York please",
        "Is the London session as long as the one at the Dublin clinic?",
        "What can I expect from a session in Leeds?",
        "I'm thinking of having a session in  Leeds, how long is it?",
        "I'm in Leeds. How long is a session in Dublin?",
    ],
)
def test_a_clinic_where_no_page_is_is_noticed(places: Places, question: str) -> None:
    assert places.away(question, named="London" in question)


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("I'm in Leeds, is it addictive?", False),
        ("We live in Cardiff. How long is a session in London?", True),
        ("Can I come to London from Leeds?", True),
        ("How long is a session in London?", True),
        ("Was it used in Vietnam?", False),
        ("Can I travel from the London clinic to Dublin the same day?", True),
        ("Can people in Wales come to the London clinic?", True),
        ("My mum went to Spain. Is ketamine addictive?", False),
        ("I'm a nurse in Ohio, is it safe?", False),
        ("Are there clinics in America?", True),
        ("Has it been looked into, or are we guinea pigs?", False),
        ("What does a man at rest in bed feel?", False),
    ],
)
def test_where_somebody_is_and_what_pages_name_is_not_elsewhere(
    places: Places, question: str, *, named: bool
) -> None:
    assert not places.away(question, named=named)


def test_a_session_elsewhere_is_not_answered_from_the_pages(real_assistant: Assistant) -> None:
    assert real_assistant.ask("How long does a session take?").statements
    answer = real_assistant.ask("How long does a session take at the Leeds clinic?")
    assert answer.kind == "not_in_sources"


def test_a_page_that_is_named_after_such_a_place_is_asked_instead(
    real_assistant: Assistant,
) -> None:
    answer = real_assistant.ask("And in London?", ["How long is a session at the Leeds clinic?"])
    assert "Leeds" not in answer.standalone_question
    assert any("two hours" in quote.text for quote in answer.quotes)


def test_a_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"places\.txt"):
        read_places((), tmp_path / "places.txt")
    (tmp_path / "places.txt").write_text("# nothing\n", encoding="utf-8")
    assert not read_places((), tmp_path / "places.txt").away("in Leeds?", named=False)
