"""Files, ``sources.toml`` and the question bank → ``Corpus``; the only reader of pages."""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from rag.bank import BANK, read_bank
from rag.blocks import read_blocks
from rag.datatypes import BankEntry, BlockKind, CorpusError, Document, Problem, Source

SOURCES = "sources.toml"
SUFFIXES = frozenset({".txt", ".md"})
LEARNT = "learnt"
"""The folder beside the pages that holds what was learnt from their question bank."""
_PATIENCE = 5
_NOT_PAGES = frozenset({"readme", "licence", "license", "changelog"})


@dataclass(frozen=True, slots=True)
class Corpus:
    """The pages and bank entries that could be read, and what was wrong with the others."""

    documents: tuple[Document, ...]
    problems: tuple[Problem, ...]
    digest: str
    most_bytes: int
    bank: tuple[BankEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    source: Source
    sha256: str


def read_corpus(folder: Path, *, most_bytes: int) -> Corpus:
    """Read every page of a folder; a file that cannot be read is named, the rest are read.

    Args:
        folder: holds .txt and .md pages, at any depth, and an optional sources.toml.
        most_bytes: the largest page taken, in bytes.

    Raises:
        CorpusError: the folder or its sources.toml cannot be used at all.
    """
    for _ in range(_PATIENCE):
        digest = corpus_digest(folder)
        corpus = _read(folder, most_bytes, digest)
        # A page that is edited while the others are read belongs to neither state.
        if corpus_digest(folder) == digest:
            return corpus
    raise CorpusError(f"The pages in {folder} keep changing while they are read. Try again.")


def _read(folder: Path, most_bytes: int, digest: str) -> Corpus:
    entries = _read_sources(folder)
    documents: list[Document] = []
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    for path in _files(folder):
        page = _read_page(folder, path, entries, most_bytes)
        if isinstance(page, Document) and page.digest in seen:
            page = _copy_of(page.id, seen[page.digest])
        if isinstance(page, Problem):
            problems.append(page)
            continue
        seen[page.digest] = page.id
        documents.append(page)
        problems.extend(_changed(page, entries))
    named = {problem.path for problem in problems} | {document.id for document in documents}
    problems.extend(_missing(entries, named))
    bank = read_bank(folder, documents)
    problems.extend(bank.problems)
    return Corpus(tuple(documents), tuple(problems), digest, most_bytes, bank.entries)


def corpus_digest(folder: Path) -> str:
    """sha256 over the names and bytes of everything that decides what the documents are.

    Raises:
        CorpusError: there is no such folder.
    """
    digest = hashlib.sha256()
    beside = [path for path in (folder / SOURCES, folder / BANK) if path.is_file()]
    for path in beside + list(_files(folder)):
        digest.update(os.fsencode(path.relative_to(folder)) + b"\0" + _digest_of(path) + b"\0")
    return digest.hexdigest()


def _digest_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return b"unreadable"


def _files(folder: Path) -> Iterator[Path]:
    """The folder's files in the order of their names, without hidden ones and README."""
    if not folder.is_dir():
        raise CorpusError(
            f"There is no folder {folder}. Name the folder of pages with --corpus, or make it "
            "and put .txt or .md pages in it."
        )
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in parts) or parts[0] == LEARNT
        if not hidden and path.name != SOURCES and path.is_file() and _may_be_page(path):
            yield path


def _may_be_page(path: Path) -> bool:
    return path.stem.lower() not in _NOT_PAGES and path.suffix.lower() != ".jsonl"


def _read_page(
    folder: Path, path: Path, entries: Mapping[str, _Entry], most_bytes: int
) -> Document | Problem:
    name = path.relative_to(folder).as_posix()
    if not name.isprintable():
        return Problem(ascii(name), "has a name that cannot be shown", "Give it another name.")
    if path.suffix.lower() not in SUFFIXES:
        return Problem(name, "is not a .txt or .md file", "Save the page's text as .txt, UTF-8.")
    if not path.resolve().is_relative_to(folder.resolve()):
        return Problem(name, "is a link out of the folder", "Copy the page into the folder.")
    try:
        size = path.stat().st_size
        if size > most_bytes:
            return Problem(
                name,
                f"has {size:,} bytes, more than the {most_bytes:,} that are read",
                "Split it, or raise RAG_FILE_BYTES.",
            )
        content = path.read_bytes()
    except OSError as error:
        return Problem(name, f"cannot be read ({error.strerror})", "Check its permissions.")
    entry = entries.get(name)
    return _document(name, content, entry.source if entry else Source(title=""))


def _document(name: str, content: bytes, source: Source) -> Document | Problem:
    if b"\0" in content:
        return Problem(name, "is binary, not text", "Save the page's text as .txt, UTF-8.")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        return Problem(
            name,
            f"is not UTF-8 (byte {content[error.start]:#04x} at {error.start:,})",
            "Save it again as UTF-8.",
        )
    if not text.strip("\ufeff\u200b \t\r\n"):
        return Problem(name, "is empty", "Put the page's text in it, or remove it.")
    blocks = read_blocks(text, title=source.title, markdown=name.lower().endswith(".md"))
    document = Document(name, source, text, blocks, hashlib.sha256(content).hexdigest())
    return document if source.title else replace(document, source=_titled(document))


def _titled(document: Document) -> Source:
    """A title from the page itself, or from its file's name, where the owner gave none."""
    titles = (b for b in document.blocks if b.kind in {BlockKind.TITLE, BlockKind.HEADING})
    first = next(titles, None)
    words = " ".join(document.slice(first.span).strip("# \t").split()) if first else ""
    return replace(document.source, title=words or Path(document.id).stem.replace("-", " "))


def _copy_of(name: str, other: str) -> Problem:
    return Problem(name, f"is a copy of {other}", "Remove one of the two.")


def _changed(page: Document, entries: Mapping[str, _Entry]) -> Iterator[Problem]:
    entry = entries.get(page.id)
    if entry and entry.sha256 and entry.sha256 != page.digest:
        yield Problem(
            page.id,
            f"has changed since {SOURCES} was written",
            f'Read what is new, then set its sha256 there to "{page.digest}".',
            left_out=False,
        )


def _missing(entries: Mapping[str, _Entry], named: set[str]) -> Iterator[Problem]:
    for name in sorted(entries.keys() - named):
        yield Problem(
            name,
            f"stands in {SOURCES}, but is the path of no page",
            'Write the path from this folder, as in "sub/page.txt", or take the entry out.',
        )


def _read_sources(folder: Path) -> dict[str, _Entry]:
    path = folder / SOURCES
    if not path.is_file():
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        if unknown := sorted(set(table) - {"source"}):
            raise TypeError(f"it has {', '.join(unknown)}, but only [[source]] is known")
        entries = [_entry(entry) for entry in table.get("source", [])]
        names = [name for name, _ in entries]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise TypeError(f"{', '.join(twice)} stands in it twice")
        return dict(entries)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError) as error:
        raise CorpusError(f"{path} cannot be used: {error}. Mend that line.") from error


def _entry(entry: Mapping[str, object]) -> tuple[str, _Entry]:
    known = {field.name for field in fields(Source)} | {"path", "sha256"}
    unknown = sorted(set(entry) - known)
    if unknown or not isinstance(entry.get("path"), str):
        raise TypeError(f"a source has path and {', '.join(sorted(known))}, not {unknown}")
    words = {name: str(entry.get(name, "")) for name in known - {"names"}}
    names = entry.get("names", [])
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise TypeError(f"names of {words['path']} is a list of words")
    path, sha256 = words.pop("path"), words.pop("sha256")
    return path, _Entry(Source(**words, names=tuple(names)), sha256)
