"""Documents, chunks, bank entries and words ↔ JSON lines, as they lie in ``index/``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from rag.datatypes import (
    Asked,
    BankEntry,
    Block,
    BlockKind,
    Chunk,
    Document,
    IndexCorruptError,
    Place,
    Sentence,
    SentenceKind,
    Source,
    Span,
)
from rag.words import Words

Row = dict[str, Any]
Value = TypeVar("Value")


def write_documents(path: Path, documents: Iterable[Document]) -> None:
    """One line for each page, its text included."""
    _write_lines(path, map(asdict, documents))


def write_chunks(path: Path, chunks: Iterable[Chunk], documents: Sequence[Document]) -> None:
    """One line for each chunk: offsets into the pages, never their text again."""
    numbers = {document.id: at for at, document in enumerate(documents)}
    _write_lines(path, (_chunk_line(chunk, numbers[chunk.document.id]) for chunk in chunks))


def read_documents(path: Path) -> tuple[Document, ...]:
    """What ``write_documents`` wrote.

    Raises:
        IndexCorruptError: a line cannot be read, or a page's text is not the one that was hashed.
    """
    return tuple(_read_lines(path, lambda _, line: _document(line)))


def read_chunks(path: Path, documents: Sequence[Document]) -> tuple[Chunk, ...]:
    """What ``write_chunks`` wrote.

    Raises:
        IndexCorruptError: a line cannot be read.
    """
    return tuple(_read_lines(path, lambda at, line: _chunk(at, line, documents)))


def write_bank(path: Path, bank: Iterable[BankEntry]) -> None:
    """One line for each entry: offsets into the pages in the place of its quotes."""
    _write_lines(path, map(asdict, bank))


def read_bank(path: Path) -> tuple[BankEntry, ...]:
    """What ``write_bank`` wrote.

    Raises:
        IndexCorruptError: a line cannot be read.
    """
    return tuple(_read_lines(path, lambda _, line: _bank_entry(line)))


def write_asked(path: Path, asked: Iterable[Asked]) -> None:
    """One line for each question of the bank."""
    _write_lines(
        path,
        (
            {
                "entry": one.entry,
                "documents": None if one.documents is None else sorted(one.documents),
            }
            for one in asked
        ),
    )


def read_asked(path: Path) -> tuple[Asked, ...]:
    """What ``write_asked`` wrote.

    Raises:
        IndexCorruptError: a line cannot be read.
    """
    return tuple(_read_lines(path, lambda _, line: _asked(line)))


def _asked(line: Row) -> Asked:
    documents = line["documents"]
    return Asked(line["entry"], None if documents is None else frozenset(documents))


def write_words(path: Path, words: Words) -> None:
    """One line: the known words with their counts, and the terms that are said."""
    _write_lines(path, [{"known": dict(words.known), "said": sorted(words.said)}])


def read_words(path: Path) -> Words:
    """What ``write_words`` wrote.

    Raises:
        IndexCorruptError: it cannot be read.
    """
    (found,) = _read_lines(path, lambda _, line: Words(line["known"], frozenset(line["said"])))
    return found


def _bank_entry(line: Row) -> BankEntry:
    return BankEntry(
        topic=line["topic"],
        questions=tuple(line["questions"]),
        points=tuple(tuple(map(_place, point)) for point in line["points"]),
        nearest=tuple(map(_place, line["nearest"])),
        off_topic=line["off_topic"],
        differ=line["differ"],
    )


def _place(line: Row) -> Place:
    return Place(line["document"], Span(**line["span"]))


def _chunk_line(chunk: Chunk, document: int) -> dict[str, object]:
    return {
        "document": document,
        "span": [chunk.span.start, chunk.span.end],
        "sentences": [[s.kind, s.span.start, s.span.end] for s in chunk.sentences],
        "headings": chunk.headings,
        "tokens": chunk.tokens,
    }


def _chunk(number: int, line: Row, documents: Sequence[Document]) -> Chunk:
    return Chunk(
        id=number,
        document=documents[line["document"]],
        span=Span(*line["span"]),
        sentences=tuple(
            Sentence(SentenceKind(kind), Span(start, end)) for kind, start, end in line["sentences"]
        ),
        headings=tuple(line["headings"]),
        tokens=line["tokens"],
    )


def _document(line: Row) -> Document:
    found = hashlib.sha256(line["text"].encode("utf-8")).hexdigest()
    if found != line["digest"]:
        raise ValueError(f"{line['id']} has sha256 {found}, expected {line['digest']}")
    source = line["source"] | {"names": tuple(line["source"]["names"])}
    return Document(
        id=line["id"],
        source=Source(**source),
        text=line["text"],
        blocks=tuple(_block(block) for block in line["blocks"]),
        digest=line["digest"],
    )


def _block(line: Row) -> Block:
    lead_in = Span(**line["lead_in"]) if line["lead_in"] else None
    return Block(
        kind=BlockKind(line["kind"]),
        span=Span(**line["span"]),
        level=line["level"],
        lead_in=lead_in,
        after_gap=line["after_gap"],
    )


def _write_lines(path: Path, lines: Iterable[dict[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _read_lines(path: Path, read: Callable[[int, Row], Value]) -> Iterator[Value]:
    try:
        # Not str.splitlines: pages hold other characters that it would break lines at.
        with path.open(encoding="utf-8", newline="\n") as file:
            for at, line in enumerate(file):
                yield read(at, json.loads(line))
    except (OSError, KeyError, TypeError, ValueError, IndexError) as error:
        raise IndexCorruptError(
            f"{path} cannot be read: {error}. Run `python -m rag index --rebuild`."
        ) from error
