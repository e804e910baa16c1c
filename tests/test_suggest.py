"""What could be asked next: a question of the bank, answered, and with something new."""

from __future__ import annotations

import pytest

from rag.assistant import Assistant
from rag.datatypes import AnswerKind

pytestmark = pytest.mark.weights
ASKED = ("how long does a session last", "Is ketamine addictive?", "can i drive home after")


@pytest.mark.parametrize("question", ASKED)
def test_what_is_offered_is_answered_with_something_not_shown_yet(
    real_assistant: Assistant, question: str
) -> None:
    answer = real_assistant.ask(question)
    assert len(answer.suggestions) <= 3
    shown = {quote.text for quote in answer.quotes}
    for offered in answer.suggestions:
        following = real_assistant.ask(offered, [question])
        assert following.kind in {AnswerKind.ANSWER, AnswerKind.MEDICAL_ADVICE}, offered
        assert following.standalone_question == offered
        assert {quote.text for quote in following.quotes} - shown, offered


def test_something_is_offered_for_what_the_pages_speak_of(real_assistant: Assistant) -> None:
    assert real_assistant.ask("Is ketamine addictive?").suggestions


def test_what_was_asked_is_not_offered_again(real_assistant: Assistant) -> None:
    first = real_assistant.ask("Is ketamine addictive?").suggestions
    again = real_assistant.ask("Is ketamine addictive?", first).suggestions
    assert not set(first) & set(again)


def test_nothing_is_offered_beside_help_or_for_another_subject(real_assistant: Assistant) -> None:
    for words in ("I want to die", "hello", "Who won the football?"):
        assert real_assistant.ask(words).suggestions == ()
