"""The question bank: what people ask, the quotes that answer it, and what is known to be missing.

``questions.jsonl`` lies beside the pages, one entry a line::

    {"topic": "…", "questions": ["…"], "points": [[{"page": "…", "quote": "…"}]]}
    {"gap": "…", "questions": ["…"], "nearest": [{"page": "…", "quote": "…"}]}

Quotes are found in the pages each time, so that an edit elsewhere on a page breaks none;
``"occurrence": 2`` means the second time that the words stand on the page. A gap with
``"off_topic": true`` has nothing to do with the pages; an entry with ``"differ": true`` is
one on which the pages do not agree, and each of its points is a side.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.datatypes import BankEntry, Document, Place, Problem, Span

BANK = "questions.jsonl"
_KNOWN = {"gap", "topic", "questions", "points", "nearest", "off_topic", "differ"}
_MEND = "`python -m rag bank` lists all such entries."


@dataclass(frozen=True, slots=True)
class Bank:
    """The entries that can be used, and what is wrong with the others."""

    entries: tuple[BankEntry, ...] = ()
    problems: tuple[Problem, ...] = ()


class _BrokenEntryError(Exception):
    """An entry that cannot be used, in words."""


def read_bank(folder: Path, documents: Iterable[Document]) -> Bank:
    """The bank of a folder of pages; without a file it is empty.

    A quote that its page no longer holds is named and left out, and with the last quote
    of the last point the entry: it never becomes a gap.
    """
    path = folder / BANK
    try:
        content = path.read_bytes() if path.is_file() else b""
        lines = content.decode("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        return Bank((), (Problem(BANK, f"cannot be read ({error})", "Save it as UTF-8."),))
    pages = {document.id: document for document in documents}
    entries: list[BankEntry] = []
    problems: list[Problem] = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                entry = _entry(line, pages, problems, f"{BANK}, line {number}")
            except _BrokenEntryError as error:
                problems.append(Problem(f"{BANK}, line {number}", str(error), _MEND))
            else:
                entries.append(entry)
    return Bank(tuple(entries), tuple(problems))


def _entry(
    line: str, pages: Mapping[str, Document], problems: list[Problem], where: str
) -> BankEntry:
    try:
        row = json.loads(line)
        questions = tuple(" ".join(question.split()) for question in row["questions"])
        gap, points = row.get("gap"), row.get("points") or ()
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise _BrokenEntryError(f"is no entry with a list of questions ({error!r})") from error
    if unknown := sorted(set(row) - _KNOWN):
        raise _BrokenEntryError(f"has {', '.join(unknown)}, which an entry does not have")
    if not questions or not all(questions):
        raise _BrokenEntryError("has no question, or an empty one")
    if bool(gap) == bool(points):
        raise _BrokenEntryError("needs either points that answer, or the name of a gap")
    try:
        found = [tuple(_places(point, pages, problems, where)) for point in points]
        nearest = tuple(_places(row.get("nearest") or (), pages, problems, where))
    except (KeyError, TypeError, AttributeError) as error:
        raise _BrokenEntryError(f"has a quote without page or words ({error!r})") from error
    kept = tuple(point for point in found if point)
    if points and not kept:
        raise _BrokenEntryError("holds no quote any more that stands in a page")
    if row.get("differ") and len(points) < 2:
        raise _BrokenEntryError("has fewer than two sides to differ")
    return BankEntry(
        topic=str(gap or row.get("topic", "")),
        questions=questions,
        points=kept,
        nearest=nearest,
        off_topic=bool(gap and row.get("off_topic")),
        differ=bool(row.get("differ")),
    )


def _places(
    quotes: Iterable[Mapping[str, Any]],
    pages: Mapping[str, Document],
    problems: list[Problem],
    where: str,
) -> Iterator[Place]:
    for quote in quotes:
        page, words = quote["page"], quote["quote"]
        span = _span(pages[page].text, words, quote.get("occurrence", 1)) if page in pages else None
        if span is None:
            shown = words if len(words) <= 60 else f"{words[:60]}…"
            problems.append(Problem(where, f"{page} does not hold “{shown}”", _MEND))
        else:
            yield Place(page, span)


def _span(text: str, words: str, occurrence: int) -> Span | None:
    start = -1
    for _ in range(max(int(occurrence), 1)):
        start = text.find(words, start + 1)
        if start < 0 or not words.strip() or words != words.strip():
            return None
    return Span(start, start + len(words))
