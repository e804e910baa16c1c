from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rag.assistant import Assistant
from rag.datatypes import Answer, AnswerKind, Triage, TriageKind
from rag.keeping import Keeping, open_keeping
from rag.triage import gives_help, read_triage_table

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)


@pytest.fixture
def keeping(assistant: Assistant) -> Keeping:
    return open_keeping(assistant)


def in_vain(assistant: Assistant, question: str = "Which wombats eat granite?") -> Answer:
    answer = assistant.ask(question)
    assert answer.kind is AnswerKind.NOT_IN_SOURCES
    return answer


def answered(assistant: Assistant) -> Answer:
    answer = assistant.ask("How many minutes before the blue lamp is bright?")
    assert answer.kind is AnswerKind.ANSWER
    assert answer.quotes
    return answer


def test_a_question_asked_in_vain_is_kept_scrubbed(assistant: Assistant, keeping: Keeping) -> None:
    question = "I'm Priya Shah (priya@x.org), which wombats eat granite?"
    kept = keeping.unanswered_from(in_vain(assistant, question), now=NOW)
    assert kept
    assert kept.question == "I'm [name] ([email]), which wombats eat granite?"
    assert (kept.when, kept.index) == (NOW, assistant.index.digest)
    assert 0 <= kept.probability < 1


def test_what_is_answered_or_is_no_question_is_not_asked_in_vain(
    assistant: Assistant, keeping: Keeping
) -> None:
    assert keeping.unanswered_from(answered(assistant), now=NOW) is None
    greeting = assistant.ask("hello")
    assert greeting.kind is AnswerKind.GREETING
    assert keeping.unanswered_from(greeting, now=NOW) is None


def test_of_a_follow_up_the_question_that_was_searched_is_kept_and_nothing_before(
    assistant: Assistant, keeping: Keeping
) -> None:
    answer = in_vain(assistant)
    joined = replace(answer, question="and why?", standalone_question="Why do wombats eat?")
    kept = keeping.unanswered_from(
        replace(joined, receipt=replace(joined.receipt, history=("my secret",))), now=NOW
    )
    assert kept
    assert kept.question == "Why do wombats eat?"
    assert "secret" not in repr(kept)


def test_a_vote_holds_what_was_shown_and_who_is_not_in_it(
    assistant: Assistant, keeping: Keeping
) -> None:
    answer = answered(assistant)
    vote = keeping.vote_from(
        answer, helpful=False, reason="  Too long for me. Mail priya@x.org, Priya Shah\0 ", now=NOW
    )
    assert vote
    assert (vote.helpful, vote.kind, vote.when) == (False, AnswerKind.ANSWER, NOW)
    assert vote.reason == "Too long for me. Mail [email], [name]"
    shown = [(q.document, q.start, q.end, q.digest) for q in vote.quotes]
    assert shown == [
        (q.document.id, q.span.start, q.span.end, q.document.digest) for q in answer.quotes
    ]
    assert keeping.vote_from(answer, helpful=True, now=NOW) == replace(
        vote, helpful=True, reason=""
    )


@pytest.mark.parametrize(
    "words", ["I want to kill myself", "i cant go on, better off dead", "quiero matarme"]
)
def test_words_of_danger_are_never_kept(assistant: Assistant, keeping: Keeping, words: str) -> None:
    crisis = assistant.ask(words)
    assert crisis.kind is AnswerKind.CRISIS
    assert keeping.unanswered_from(crisis, now=NOW) is None
    assert keeping.vote_from(crisis, helpful=True, now=NOW) is None
    assert keeping.vote_from(answered(assistant), helpful=False, reason=words, now=NOW) is None
    # A follow-up may have taken them in from the question before.
    joined = replace(in_vain(assistant), standalone_question=words)
    assert keeping.unanswered_from(joined, now=NOW) is None
    assert keeping.vote_from(joined, helpful=True, now=NOW) is None


def test_what_follows_words_of_danger_is_not_kept(assistant: Assistant, keeping: Keeping) -> None:
    after = assistant.ask("what does a session cost", ["I want to kill myself"])
    assert after.kind is AnswerKind.NOT_IN_SOURCES
    assert keeping.unanswered_from(after, now=NOW) is None


@pytest.mark.parametrize("rule", ["near danger", "advice.decide, near danger", "danger.alike"])
def test_an_answer_that_showed_help_is_not_kept(
    assistant: Assistant, keeping: Keeping, rule: str
) -> None:
    answer = in_vain(assistant)
    answer = replace(answer, receipt=replace(answer.receipt, rule=rule))
    assert keeping.unanswered_from(answer, now=NOW) is None
    assert keeping.vote_from(answer, helpful=True, now=NOW) is None


def test_a_reason_that_is_near_danger_keeps_nothing_of_the_vote(assistant: Assistant) -> None:
    near = Keeping(
        scrub=str,
        triage=lambda words: Triage(TriageKind.QUESTION, "near danger" if words == "hm" else ""),
    )
    assert near.vote_from(answered(assistant), helpful=True, reason="hm", now=NOW) is None
    assert near.vote_from(answered(assistant), helpful=True, reason="ok", now=NOW)


def test_every_rule_that_shows_telephone_numbers_is_known_for_it() -> None:
    table = read_triage_table(region="US")
    for rule in table.rules:
        assert gives_help(rule.id) == (rule.kind is TriageKind.DANGER) == ("911" in rule.notice)
    for probability in (0.0, 0.12, 0.5, 0.8, 1.0):
        found = replace(table, points=dict.fromkeys(table.points, probability)).read(
            "is it bad that i took some of my sister's tablets"
        )
        assert gives_help(found.rule) == ("911" in found.notice)


def test_of_a_long_reason_the_beginning_is_kept_and_no_half_of_a_word(
    assistant: Assistant, keeping: Keeping
) -> None:
    reason = "so slow " * 249 + "priya.shah@example.org " + "so slow " * 20_000
    vote = keeping.vote_from(answered(assistant), helpful=False, reason=reason, now=NOW)
    assert vote
    assert len(vote.reason) <= 2_002
    assert vote.reason.endswith("slow …")
    assert "priya" not in vote.reason
