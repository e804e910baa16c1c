from __future__ import annotations

import hashlib

import pytest

from rag.assistant import Assistant
from rag.blocks import read_blocks
from rag.compose import compose, silence_of
from rag.datatypes import (
    Document,
    Evidence,
    Role,
    Sentence,
    SentenceKind,
    Source,
    Span,
    Statement,
)
from rag.evidence import Scored


def scored(
    document: Document, words: str, score: float, kind: SentenceKind = SentenceKind.PROSE
) -> Scored:
    start = document.text.index(words)
    sentence = Sentence(kind, Span(start, start + len(words)))
    return Scored(Evidence(document, sentence, score), score)


def told(*found: Scored, steps: bool = False) -> tuple[Statement, ...]:
    return compose(found, steps=steps, most=4, keep=0.8, role=Role.ANSWER)


def test_two_clinics_that_give_other_numbers_are_both_shown_and_not_folded(
    assistant: Assistant,
) -> None:
    south, north = assistant.documents["lamp.txt"], assistant.documents["lamp-north.txt"]
    statements = told(
        scored(south, "It needs nine minutes before it is bright.", 0.9),
        scored(north, "It needs twelve minutes before it is bright.", 0.5),
    )
    assert [s.quotes[0].attribution for s in statements] == ["Southern Lamps", "Northern Lamps"]


def test_the_same_words_on_two_pages_are_one_statement_with_both_publishers(
    assistant: Assistant,
) -> None:
    south, north = assistant.documents["lamp.txt"], assistant.documents["lamp-north.txt"]
    words = "The blue lamp warms up slowly."
    (statement,) = told(scored(south, words, 0.9), scored(north, words, 0.85))
    assert [q.attribution for q in statement.quotes] == ["Southern Lamps", "Northern Lamps"]
    assert [q.number for q in statement.quotes] == [1, 2]


def test_a_sentence_that_leans_on_the_one_before_is_quoted_with_it(assistant: Assistant) -> None:
    south = assistant.documents["lamp.txt"]
    (statement,) = told(scored(south, "It needs nine minutes before it is bright.", 0.9))
    assert statement.text == (
        "The blue lamp warms up slowly. It needs nine minutes before it is bright."
    )


def test_a_question_for_steps_gets_the_whole_run_verbatim(assistant: Assistant) -> None:
    north = assistant.documents["lamp-north.txt"]
    step = scored(north, "You plug the lamp in.", 0.9)
    (whole,) = told(step, steps=True)
    assert whole.text == north.text[north.text.index("Here is what") :].rstrip()
    (alone,) = told(step)
    assert alone.text == "You plug the lamp in."


def test_neighbouring_sentences_become_one_quote(assistant: Assistant) -> None:
    north = assistant.documents["lamp-north.txt"]
    (statement,) = told(
        scored(north, "Mind the glass.", 0.9), scored(north, "You unpack the lamp.", 0.88)
    )
    assert statement.text == "You unpack the lamp. Mind the glass."


def test_what_is_far_below_the_best_is_not_quoted(assistant: Assistant) -> None:
    north = assistant.documents["lamp-north.txt"]
    statements = told(
        scored(north, "You unpack the lamp.", 0.9),
        scored(north, "A green light comes on.", 0.7),
    )
    assert len(statements) == 1


def test_what_the_bank_chose_is_quoted_as_it_stands(assistant: Assistant) -> None:
    south = assistant.documents["lamp.txt"]
    words = "It needs nine minutes before it is bright."
    (statement,) = told(scored(south, words, 0.9, SentenceKind.CHOSEN))
    assert statement.text == words


def test_silence_names_who_does_not_say_it_only_where_somebody_else_does(
    assistant: Assistant,
) -> None:
    south, north = assistant.documents["lamp.txt"], assistant.documents["lamp-north.txt"]
    assert silence_of([south], elsewhere=False) == "The sources do not say."
    assert silence_of([south], elsewhere=True) == "Southern Lamps does not say."
    both = silence_of([south, north], elsewhere=True)
    assert both == "Southern Lamps and Northern Lamps do not say."


def test_nothing_found_is_nothing_said() -> None:
    assert compose((), steps=False, most=4, keep=0.8, role=Role.ANSWER) == ()


def page(text: str, name: str = "page.txt") -> Document:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Document(name, Source("T", publisher=name), text, read_blocks(text), digest)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It may increase your blood pressure.", "It may decrease your blood pressure."),
        ("It is safe for most adults who take it.", "It is unsafe for most adults who take it."),
        ("The effects last for about 40 minutes.", "The effects last for about 40 hours."),
        ("The usual dose is 50 mg a day.", "The usual dose is 50 mcg a day."),
        ("It is rarely addictive for adults.", "It is often addictive for adults."),
        ("People come for eleven sessions.", "People come for thirteen sessions."),
        ("It may cure low mood in adults.", "It does cure low mood in adults."),
        ("Take 5 mg, then up to 10 mg.", "Take 10 mg, then up to 5 mg."),
    ],
)
def test_sentences_that_differ_in_one_word_are_never_folded(one: str, other: str) -> None:
    pages = page(f"T\n\n{one}\n", "a.txt"), page(f"T\n\n{other}\n", "b.txt")
    statements = told(scored(pages[0], one, 0.9), scored(pages[1], other, 0.89))
    assert [(s.text, len(s.quotes)) for s in statements] == [(one, 1), (other, 1)]


def test_an_item_of_a_list_of_things_not_to_do_is_quoted_under_its_lead_in() -> None:
    text = (
        "T\n\nNever do any of these things after a session:\n\n"
        "- Take a double dose to make it last.\n- Drive a car home.\n"
    )
    (statement,) = told(scored(page(text), "Drive a car home.", 0.9))
    assert statement.text.startswith("Never do any of these things")
    assert statement.text.endswith("Drive a car home.")


def test_a_sentence_too_long_for_the_embedder_is_quoted_whole() -> None:
    long = "It would be wrong, " + "and many would agree, " * 60 + "to say that it is safe."
    document = page(f"T\n\nFirst. {long} Last one.\n")
    start = document.text.index("to say that")
    fragment = Sentence(SentenceKind.FRAGMENT, Span(start, start + len("to say that it is safe.")))
    (statement,) = told(Scored(Evidence(document, fragment, 0.9), 0.9))
    assert statement.text == long
