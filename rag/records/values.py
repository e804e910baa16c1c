"""What is kept, as values. Words come in here scrubbed (``rag.keeping``)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from rag.datatypes import AnswerKind


@dataclass(frozen=True, slots=True)
class QuoteShown:
    """A quote that was shown: its page, its place there, and the sha256 of the page."""

    document: str
    start: int
    end: int
    digest: str


@dataclass(frozen=True, slots=True)
class Vote:
    """Somebody found an answer helpful, or not; ``reason`` is "" where none was given.

    ``question`` and ``reason`` are scrubbed, ``index`` is the digest of the index that answered.
    """

    when: datetime
    question: str
    helpful: bool
    reason: str
    kind: AnswerKind
    quotes: tuple[QuoteShown, ...]
    index: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A scrubbed question that the pages do not answer, and how likely it was that they do."""

    when: datetime
    question: str
    probability: float
    index: str


@dataclass(frozen=True, slots=True)
class AskedInVain:
    """The same question, however often: its newest wording, its count, and each record."""

    question: str
    count: int
    newest: datetime
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """How much is kept, and the hour of the oldest; None where nothing is."""

    votes: int
    helpful: int
    unanswered: int
    oldest: datetime | None


def folded(words: str) -> str:
    """Words without what does not tell questions apart: capitals, marks, spaces."""
    plain = unicodedata.normalize("NFKC", words).casefold()
    return " ".join("".join(mark if mark.isalnum() else " " for mark in plain).split())
