"""What of an answer may be kept, and in which words.

Nothing of somebody in danger, and nothing that tells who asked: no address, no browser, no
conversation. Pure; ``rag.records`` writes it down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from rag.assistant import Assistant, readable
from rag.datatypes import Answer, AnswerKind, Triage
from rag.records.values import QuoteShown, Unanswered, Vote
from rag.scrub import read_scrubber
from rag.triage import gives_help

# Of a longer text only its beginning is kept.
_MOST_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class Keeping:
    """Decides what is kept. ``scrub`` takes out who wrote words, ``triage`` tells danger."""

    scrub: Callable[[str], str]
    triage: Callable[[str], Triage]

    def unanswered_from(self, answer: Answer, *, now: datetime) -> Unanswered | None:
        """What is kept of a question asked in vain; None where the answer is another one."""
        if answer.kind is not AnswerKind.NOT_IN_SOURCES or self._danger(answer):
            return None
        question = self._kept(answer.standalone_question)
        probability = answer.probability or 0.0
        return Unanswered(now, question, round(probability, 4), answer.receipt.index)

    def vote_from(
        self, answer: Answer, *, helpful: bool, reason: str = "", now: datetime
    ) -> Vote | None:
        """What is kept of a vote; None where the answer, or the reason, is about danger."""
        reason = readable(reason)
        if self._danger(answer) or gives_help(self.triage(reason).rule):
            return None
        return Vote(
            when=now,
            question=self._kept(answer.standalone_question),
            helpful=helpful,
            reason=self._kept(reason),
            kind=answer.kind,
            quotes=tuple(
                QuoteShown(
                    quote.document.id, quote.span.start, quote.span.end, quote.document.digest
                )
                for quote in answer.quotes
            ),
            index=answer.receipt.index,
        )

    def _danger(self, answer: Answer) -> bool:
        if answer.kind is AnswerKind.CRISIS or gives_help(answer.receipt.rule):
            return True
        # What follows words of danger may go on about it without naming it.
        said = (answer.standalone_question, *answer.receipt.history)
        return any(gives_help(self.triage(words).rule) for words in said)

    def _kept(self, words: str) -> str:
        return self.scrub(_beginning(words)).strip()


def open_keeping(assistant: Assistant) -> Keeping:
    """What may be kept of this assistant's answers.

    Raises:
        ModelError: the scrubber's list cannot be read.
    """
    reviewers = [document.source.reviewer for document in assistant.documents.values()]
    scrubber = read_scrubber(known=assistant.index.words.known, public=reviewers)
    return Keeping(scrubber.scrub, assistant.sorted_words)


def _beginning(words: str) -> str:
    """At most so many characters, and no half of a word: half an e-mail is not seen for one."""
    if len(words) <= _MOST_CHARACTERS:
        return words
    return words[:_MOST_CHARACTERS].rpartition(" ")[0] + " …"
