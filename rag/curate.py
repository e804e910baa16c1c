"""What a question bank lacks: passages nobody asks for, questions that stand in it twice, drafts.

Nothing here changes a bank; its owner does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag.datatypes import BankEntry, Chunk, Document, Sentence, SentenceKind
from rag.sparse import terms

# What a visitor may ask for; contact lines, comments and references only now and then.
_INFORMATIVE = frozenset({SentenceKind.PROSE, SentenceKind.LIST, SentenceKind.LEAD_IN})
_WORD = re.compile(r"[^\W\d_][\w’'-]{2,}")
_DEFINES = re.compile(r"(?P<what>(?:an? |the )?[\w’' -]{3,50}?) (?:is|are) (?:an?|the) ", re.I)
_MEASURE = re.compile(
    r"\b(?:\d[\d,.–-]*|one|two|three|four|five|six|seven|eight|nine|ten|twelve)\b"
    r".{0,20}\b(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?)\b",
    re.I,
)
_KEYWORDS = 4
_LINK = re.compile(r"\b(?:it|this|that|these|those|they|there)\b", re.I)


@dataclass(frozen=True, slots=True)
class Repeated:
    """A question that stands in two entries; with different answers one of them is wrong."""

    question: str
    topics: tuple[str, str]
    same_answer: bool


def without_questions(
    chunks: Iterable[Chunk], bank: Iterable[BankEntry]
) -> tuple[tuple[Chunk, Sentence], ...]:
    """The informative sentences that no entry of the bank quotes, in the pages' order."""
    quoted: dict[str, list[tuple[int, int]]] = {}
    for entry in bank:
        for place in (*(p for point in entry.points for p in point), *entry.nearest):
            quoted.setdefault(place.document, []).append((place.span.start, place.span.end))
    return tuple(
        (chunk, sentence)
        for chunk in chunks
        for sentence in chunk.sentences
        if sentence.kind in _INFORMATIVE
        and not any(
            start < sentence.span.end and sentence.span.start < end
            for start, end in quoted.get(chunk.document.id, ())
        )
    )


def repeated(bank: Sequence[BankEntry]) -> tuple[Repeated, ...]:
    """Questions of the same words in two entries, letter case and punctuation apart."""
    first: dict[tuple[str, ...], BankEntry] = {}
    found = []
    for entry in bank:
        for question in entry.questions:
            words = tuple(word.casefold() for word in re.findall(r"\w+", question))
            other = first.setdefault(words, entry)
            if other is not entry:
                found.append(
                    Repeated(
                        question, (other.topic, entry.topic), set(other.points) == set(entry.points)
                    )
                )
    return tuple(found)


def drafts(
    lacking: Iterable[tuple[Chunk, Sentence]], chunks: Sequence[Chunk]
) -> Iterator[dict[str, object]]:
    """An entry of ``questions.jsonl`` for each sentence, its questions made by rule.

    They are a start for the owner to put into people's words: what the heading asks, what
    is defined, how long it takes, and the sentence's rarest words as somebody would type
    them into a search box.
    """
    frequency = Counter(
        term for chunk in chunks for s in chunk.sentences for term in set(_terms(chunk.document, s))
    )
    for chunk, sentence in lacking:
        words = chunk.document.slice(sentence.span)
        yield {
            "topic": f"draft: {' '.join(words.split()[:6])}",
            "questions": list(dict.fromkeys(_questions(chunk, words, frequency))),
            "points": [[{"page": chunk.document.id, "quote": words} | _nth(chunk, sentence)]],
        }


def _questions(chunk: Chunk, words: str, frequency: Mapping[str, int]) -> Iterator[str]:
    heading = chunk.headings[-1].strip() if chunk.headings else ""
    if heading.endswith("?"):
        yield heading
    defined = _DEFINES.match(words)
    if defined and not _LINK.match(defined["what"]):
        yield f"What is {defined['what'].strip()}?"
    if _MEASURE.search(words):
        yield f"How long is it: {heading}?" if heading else "How long does it take?"
    rarest = sorted(
        dict.fromkeys(_WORD.findall(words)),
        key=lambda word: (min((frequency[t] for t in terms(word)), default=1 << 30), -len(word)),
    )
    yield " ".join(word for word in _WORD.findall(words) if word in rarest[:_KEYWORDS])
    if heading and not heading.endswith("?"):
        yield f"What do the pages say about {heading}?"


def _nth(chunk: Chunk, sentence: Sentence) -> dict[str, int]:
    """Which occurrence of its words a sentence is, where it is not the first."""
    words = chunk.document.slice(sentence.span)
    before = chunk.document.text.count(words, 0, sentence.span.end)
    return {"occurrence": before} if before > 1 else {}


def _terms(document: Document, sentence: Sentence) -> list[str]:
    return terms(document.slice(sentence.span))
