"""What a question means after others; eval/dialogues.jsonl holds the many, these are the kinds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.assistant import Assistant
from rag.datatypes import AnswerKind
from rag.dialogue import standalone
from rag.leaning import Likeness, read_leaning
from tests.conftest import HashingEmbedder

pytestmark = pytest.mark.weights


embed = HashingEmbedder().embed
leaning = read_leaning()


def leans(words: str, before: str) -> bool:
    return leaning.leans(words, before, Likeness(before=0.5))


def understood(assistant: Assistant, *turns: str) -> str:
    *history, question = turns
    return assistant.ask(question, history).standalone_question


@pytest.mark.parametrize(
    ("turns", "holds", "lacks"),
    [
        (("How long is a session in the US?", "And in London?"), ("session", "London"), ("US",)),
        (
            ("Can I ring Amen Clinics?", "no wait, I meant APN London"),
            ("ring", "London"),
            ("Amen",),
        ),
        (("Does it help with social anxiety?", "what about ptsd"), ("help", "ptsd"), ("anxiety",)),
        (("What happens before a session?", "I mean after"), ("after", "session"), ("before",)),
        (("Is ketamine addictive?", "why?"), ("addictive", "why"), ()),
        (("Can it be used against pain?", "any particular conditions?"), ("pain", "condition"), ()),
        (("What is the nasal spray?", "is it FDA approved"), ("spray", "approved"), ()),
        (("Are there facilitators at ATMA?", "what training do they have"), ("facilitators",), ()),
        (
            ("How long is a session in the US?", "And in London?", "how much of that is the peak?"),
            ("London", "peak"),
            ("US",),
        ),
    ],
)
def test_a_follow_up_carries_what_it_leans_on_and_drops_what_it_replaces(
    real_assistant: Assistant,
    turns: tuple[str, ...],
    holds: tuple[str, ...],
    lacks: tuple[str, ...],
) -> None:
    found = understood(real_assistant, *turns)
    assert all(words in found for words in holds), found
    assert not any(words in found for words in lacks), found


@pytest.mark.parametrize(
    "question",
    [
        "How long does a session last?",
        "and how much does it cost?",
        "is this stuff legal",
        "year of the one-third study?",
        "My nerves hurt all day long. Has this ever been tried for that?",
        "Do they take anyone, or is there a check beforehand?",
        "What happens in the first session at London?",
    ],
)
def test_a_complete_question_is_never_altered(real_assistant: Assistant, question: str) -> None:
    earlier = ("Can it harm the bladder?", "What are the side effects?")
    assert understood(real_assistant, *earlier, question) == question


def test_the_second_one_is_the_second_thing_that_was_quoted(real_assistant: Assistant) -> None:
    earlier = "What are the warning signs of ketamine misuse?"
    found = understood(real_assistant, earlier, "tell me more about the second one")
    assert "higher doses" in found


def test_danger_and_greetings_before_are_no_context(real_assistant: Assistant) -> None:
    assert understood(real_assistant, "hello", "why?") == "why?"
    assert understood(real_assistant, "I want to die", "is it free?") == "is it free?"
    answer = real_assistant.ask("I want to die", ["How long does a session last?"])
    assert answer.kind is AnswerKind.CRISIS


@pytest.mark.parametrize(
    "words",
    ["so " * 300 + "x", "so, . " * 100 + "x", "really?! " * 100 + "x", "and " * 300 + "x",
     "no " + "not " * 250 + " " * 990 + ".",
     "not a " * 200, "i mean " * 200 + "x", "what about " * 100 + "x", "is that " * 200 + "z"],
)  # fmt: skip
def test_no_words_make_the_rules_search_for_ever(words: str) -> None:
    # With two ways to read each space the first of these took minutes, and twice as long
    # with every further word.
    assert standalone(
        words, ["Is it safe?"], (), embed=embed, quoted=lambda _: (), unnamed=str, leans=leans
    )


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=3))
def test_any_words_after_any_words_are_understood_as_something(
    words: str, history: list[str]
) -> None:
    found = standalone(
        words,
        history,
        (),
        embed=embed,
        quoted=lambda _: ("One.", "Two."),
        unnamed=str,
        leans=leans,
    )
    assert found if words else True
    alone = standalone(words, (), (), embed=embed, quoted=lambda _: (), unnamed=str, leans=leans)
    assert alone == words


def test_a_follow_up_is_searched_nearer_to_what_was_typed_last(real_assistant: Assistant) -> None:
    before, typed = (
        "What are the risks of taking ketamine at home with no one there?",
        "and allergies?",
    )
    _, joined = real_assistant.understood(f"{before} – {typed}")
    _, vector = real_assistant.understood(f"{before} – {typed}", typed)
    _, alone = real_assistant.understood(typed)
    assert float(vector @ alone) > float(joined @ alone)
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-5)
    assert any("allerg" in q.text for q in real_assistant.ask(typed, [before]).quotes)
