"""Public question sets, written by nobody here, as passages and questions.

They lie in a folder of gzipped JSON lines, one sub-folder a set, which is never part of
this project. Only the test part of a set is read, see ``in_test_part``.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from eval.values import Place

SEED = 20_261_121
_TEST_PART = 51
_ABSTRACTS = 400
FILES = {
    "squad2": ("squad2.jsonl.gz",),
    "clapnq": ("dev.jsonl.gz",),
    "selqa": ("dev.jsonl.gz", "test_part.jsonl.gz"),
    "medquad": ("medquad.jsonl.gz",),
    "scifact": ("corpus.jsonl.gz", "queries_train.jsonl.gz", "qrels/train.tsv"),
}
"""What is read of each set, in its own folder."""
Row = dict[str, Any]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Passage:
    """A text that a set gives; it becomes a page of its own."""

    id: str
    text: str = field(repr=False)
    title: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question put to one passage.

    ``gold`` are the places of a right answer; empty where the passage is silent, and where
    the whole passage is the answer. ``group`` is what goes together in a bootstrap sample;
    ``pair`` names the two of a set that puts each question to its answer and to a near miss.
    """

    group: str
    question: str
    passage: str
    answerable: bool
    gold: tuple[Place, ...] = ()
    pair: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A set that puts each question to one passage; ``rows`` are those of its test part."""

    name: str
    rows: int
    used: int
    passages: tuple[Passage, ...]
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Words to search all passages for, and the ids of those that should be found."""

    group: str
    words: str
    gold: frozenset[str]


@dataclass(frozen=True, slots=True)
class Searching:
    """A set that searches many passages; ``rows`` are those of its test part."""

    name: str
    rows: int
    used: int
    passages: tuple[Passage, ...]
    asked: tuple[Wanted, ...]


def in_test_part(group: str) -> bool:
    """Whether rows of this group are for reporting only: about a fifth, by sha256."""
    return hashlib.sha256(group.encode("utf-8")).digest()[0] < _TEST_PART


def sample(items: Sequence[Item], key: Callable[[Item], str], count: int) -> tuple[Item, ...]:
    """At most ``count`` items by a seeded digest of their keys, in their old order."""
    kept = sorted(range(len(items)), key=lambda at: (_shuffled(key(items[at])), at))[:count]
    return tuple(items[at] for at in sorted(kept))


def read_squad2(folder: Path, limit: int) -> Reading:
    """SQuAD 2.0: half the questions have no answer in their paragraph.

    The test part is two articles, so it is the paragraph that goes together.
    """
    rows = [row for row in _rows(folder, "squad2") if in_test_part(row["title"])]
    used = sample(rows, lambda row: row["id"], limit)
    asked = (
        Asked(
            row["para"],
            row["question"],
            row["para"],
            not row["is_impossible"],
            tuple(Place(row["para"], at, at + len(words)) for at, words in row["answers"]),
        )
        for row in used
    )
    texts = {row["para"]: row["context"] for row in used}
    return Reading("squad2", len(rows), len(used), _passages(texts), tuple(asked))


def read_clapnq(folder: Path, limit: int) -> Reading:
    """CLAP NQ: questions from Natural Questions, half of them with a passage that is silent."""
    rows = [row for row in _rows(folder, "clapnq") if in_test_part(row["title"])]
    used = sample(rows, lambda row: row["id"], limit)
    asked = (
        Asked(
            row["title"],
            row["question"],
            row["id"],
            row["answerable"],
            _places(row["id"], row["sentences"], _selected(row)),
        )
        for row in used
    )
    texts = {row["id"]: " ".join(row["sentences"]) for row in used}
    return Reading("clapnq", len(rows), len(used), _passages(texts), tuple(asked))


def _selected(row: Row) -> set[int]:
    """The sentences that any of the annotators took for the answer."""
    return {at for chosen in row["selected_sentences"] for at in chosen if row["answerable"]}


def read_selqa(folder: Path, limit: int) -> Reading:
    """SelQA: every sentence of a Wikipedia section is marked as answering or not."""
    rows = [row for row in _rows(folder, "selqa") if in_test_part(row["article"])]
    used = sample(rows, lambda row: f"{row['article']}\n{row['question']}", limit)
    texts = {_name(text := " ".join(row["sentences"])): text for row in used}
    asked = (
        Asked(
            row["article"],
            row["question"],
            name := _name(" ".join(row["sentences"])),
            answerable=True,
            gold=_places(
                name, row["sentences"], {at for at, label in enumerate(row["labels"]) if label}
            ),
        )
        for row in used
    )
    return Reading("selqa", len(rows), len(used), _passages(texts), tuple(asked))


def read_medquad(folder: Path, limit: int) -> Reading:
    """MedQuAD: each question with its own answer, and with one near miss.

    The near miss answers a question of another type about the same disease.
    """
    rows = [
        row
        for row in _rows(folder, "medquad")
        if in_test_part(row["focus"]) and row["answer"].strip()
    ]
    about: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        about[row["focus"]].append(row)
    paired = [(row, other) for row in rows if (other := _near_miss(row, about[row["focus"]]))]
    used = sample(paired, lambda pair: pair[0]["id"], limit)
    asked = (
        Asked(row["focus"], row["question"], _name(one["answer"]), one is row, pair=row["id"])
        for row, other in used
        for one in (row, other)
    )
    texts = {_name(one["answer"]): one["answer"] for pair in used for one in pair}
    return Reading("medquad", len(paired), len(used), _passages(texts), tuple(asked))


def _near_miss(row: Row, others: Sequence[Row]) -> Row | None:
    same = {other["answer"] for other in others if other["qtype"] == row["qtype"]}
    misses = [
        other for other in others if other["qtype"] != row["qtype"] and other["answer"] not in same
    ]
    return min(misses, key=lambda other: _shuffled(f"{row['id']}\n{other['id']}"), default=None)


def read_scifact(folder: Path, limit: int, abstracts: int = _ABSTRACTS) -> Searching:
    """SciFact, the training split: claims, and the abstracts that their authors cite.

    Searched are all abstracts that a claim used here cites, and others up to ``abstracts``.
    """
    corpus_file, claims_file, qrels_file = (folder / name for name in FILES["scifact"])
    qrels = _qrels(qrels_file)
    claims = [row for row in _lines(claims_file) if in_test_part(row["_id"])]
    used = sample(claims, lambda row: row["_id"], limit)
    wanted = tuple(Wanted(row["_id"], row["text"], frozenset(qrels[row["_id"]])) for row in used)
    gold = frozenset[str]().union(*(one.gold for one in wanted))
    corpus = list(_lines(corpus_file))
    others = [row for row in corpus if row["_id"] not in gold]
    more = {row["_id"] for row in sample(others, lambda r: r["_id"], max(abstracts - len(gold), 0))}
    passages = tuple(
        Passage(row["_id"], f"{row['title']}\n\n{' '.join(row['sentences'])}", row["title"])
        for row in corpus
        if row["_id"] in gold | more
    )
    return Searching("scifact", len(claims), len(used), passages, wanted)


def _qrels(path: Path) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        query, document, score = line.split("\t")
        if int(score) > 0:
            found[query].add(document)
    return found


def _rows(folder: Path, name: str) -> Iterator[Row]:
    for file in FILES[name]:
        yield from _lines(folder / file)


def _lines(path: Path) -> Iterator[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _places(passage: str, sentences: Sequence[str], chosen: Iterable[int]) -> tuple[Place, ...]:
    """Where some sentences stand once all are joined by spaces."""
    starts = [0]
    for sentence in sentences:
        starts.append(starts[-1] + len(sentence) + 1)
    return tuple(Place(passage, starts[at], starts[at + 1] - 1) for at in sorted(chosen))


def _passages(texts: Mapping[str, str]) -> tuple[Passage, ...]:
    return tuple(Passage(name, text) for name, text in sorted(texts.items()))


def _name(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def _shuffled(key: str) -> bytes:
    return hashlib.sha256(f"{SEED}\n{key}".encode()).digest()
