"""Our retrieval, evidence and abstention on public question sets that nobody here wrote.

``python -m eval.public --data DIR`` reads the sets in DIR, which is no part of this
project, and writes ``eval/report/public.md`` and ``public.json``. Every passage of a set is
a page, indexed in a folder that is deleted again. Nothing is trained or chosen here.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TaskID, TimeElapsedColumn

from eval.public_measures import (
    DENSE,
    NDCG,
    OURS,
    SPARSE,
    SYSTEMS,
    Answered,
    SetReport,
    ndcg_at_10,
    reading_figures,
)
from eval.public_report import as_json, markdown
from eval.public_sets import (
    FILES,
    SEED,
    Asked,
    Passage,
    Reading,
    Searching,
    Wanted,
    read_clapnq,
    read_medquad,
    read_scifact,
    read_selqa,
    read_squad2,
)
from eval.statistics import mean_figure
from eval.values import Figure, Place
from rag.blocks import read_blocks
from rag.calibration import Calibration, read_calibration
from rag.corpus import LEARNT, Corpus
from rag.datatypes import Document, Source
from rag.dense import DenseIndex
from rag.embed import Embedder, SentenceTransformerEmbedder
from rag.evidence import find_evidence
from rag.ground import text_digest
from rag.index import Index, build_index, open_index, sentence_text
from rag.retrieve import retrieve
from rag.scope import read_scope
from rag.settings import Settings
from rag.sparse import SparseIndex
from rag.split import TiktokenTokenizer

REPORT = Path(__file__).with_name("report")
_DEPTH = 10
# Chunks to look at for ten abstracts: an abstract is cut into about three.
_CHUNKS = 60
_ALL = 1_000_000

Found = Mapping[str, "Answered"]


@dataclass(frozen=True, slots=True)
class SetPlan:
    """How a set is read, and how many of its questions are asked where no limit is given."""

    read: Callable[[Path, int], Reading | Searching]
    most: int = _ALL


SETS: Mapping[str, SetPlan] = {
    "squad2": SetPlan(read_squad2),
    "clapnq": SetPlan(read_clapnq),
    "selqa": SetPlan(read_selqa),
    "medquad": SetPlan(read_medquad, 100),
    "scifact": SetPlan(read_scifact),
}


@dataclass(frozen=True, slots=True)
class Library:
    """Passages as an opened index, and all of their sentences by passage."""

    index: Index = field(repr=False)
    embedder: Embedder = field(repr=False)
    calibration: Calibration
    rows: Mapping[str, tuple[int, ...]] = field(repr=False)
    places: tuple[Place, ...] = field(repr=False)
    postings: SparseIndex = field(repr=False)


Progressed = Callable[[int, int], None]
"""Told how much is done, of how much."""
Told = Callable[[str, int, int], None]
"""Told what is going on, how much of it is done, of how much."""


# ------------------------------------------------------------------ passages → an index


def corpus_of(passages: Sequence[Passage]) -> Corpus:
    """Passages as pages; their publishers have no names that a question could name."""
    documents = tuple(
        Document(
            passage.id,
            Source(passage.title),
            passage.text,
            read_blocks(passage.text, title=passage.title),
            text_digest(passage.text),
        )
        for passage in passages
    )
    digest = text_digest("\n".join(f"{document.id} {document.digest}" for document in documents))
    return Corpus(documents, (), digest, Settings().file_bytes)


def open_library(
    passages: Sequence[Passage],
    folder: Path,
    *,
    embedder: Embedder,
    calibration: Calibration,
    progress: Progressed | None = None,
) -> Library:
    """Index passages in ``folder`` by the very code that indexes pages."""
    build_index(
        corpus_of(passages),
        folder,
        embedder=embedder,
        tokenizer=TiktokenTokenizer(),
        chunk_tokens=Settings().chunk_tokens,
        progress=progress,
    )
    index = open_index(folder)
    sentences = [(chunk, sentence) for chunk in index.chunks for sentence in chunk.sentences]
    rows: dict[str, list[int]] = {passage.id: [] for passage in passages}
    for row, (chunk, _) in enumerate(sentences):
        rows[chunk.document.id].append(row)
    return Library(
        index,
        embedder,
        calibration,
        {name: tuple(found) for name, found in rows.items()},
        tuple(Place(c.document.id, s.span.start, s.span.end) for c, s in sentences),
        SparseIndex.build([sentence_text(chunk, sentence) for chunk, sentence in sentences]),
    )


# ------------------------------------------------------------------ one passage is read


def answer(library: Library, asked: Asked) -> Found:
    """What each system makes of a question to one passage."""
    scope = read_scope(asked.question, [library.index.documents[asked.passage]])
    scope = replace(scope, documents=frozenset({asked.passage}))
    vector = library.embedder.embed([scope.question])[0]
    hits = retrieve(library.index, vector, scope=scope, count=Settings().retrieved_chunks)
    reading = find_evidence(
        library.index, hits, (), vector, scope=scope, calibration=library.calibration
    )
    spans = [scored.evidence.sentence.span for scored in reading.found]
    ours = Answered(
        reading.probability,
        tuple(Place(asked.passage, span.start, span.end) for span in spans),
    )
    rows = library.rows[asked.passage]
    cosines = library.index.sentence_vectors.search(vector, len(rows), among=rows)
    words = library.postings.search(asked.question, len(rows), among=rows)
    return {
        OURS: ours,
        SPARSE: _answered(library, rows, words),
        DENSE: _answered(library, rows, cosines),
    }


def _answered(
    library: Library, rows: Sequence[int], found: Sequence[tuple[int, float]]
) -> Answered:
    """Sentences as a search ranked them, then those that it left out, as they stand."""
    ranked = dict(found)
    order = [*ranked, *(row for row in rows if row not in ranked)]
    score = found[0][1] if found else 0.0
    return Answered(score, tuple(library.places[row] for row in order))


# ------------------------------------------------------------------ all passages are searched


def search_all(
    library: Library, passages: Sequence[Passage], asked: Sequence[Wanted], told: Progressed
) -> dict[str, list[list[str]]]:
    """The ids of the passages that each system finds, best first, for each question.

    The baselines search whole passages, titles included, as BEIR and MTEB do.
    """
    texts, names = [one.text for one in passages], [one.id for one in passages]
    postings = SparseIndex.build(texts)
    dense = DenseIndex.build(library.embedder.embed(texts))
    found: dict[str, list[list[str]]] = {name: [] for name in SYSTEMS}
    for at, one in enumerate(asked, start=1):
        scope = read_scope(one.words, library.index.documents.values())
        vector = library.embedder.embed([scope.question])[0]
        hits = retrieve(library.index, vector, scope=scope, count=_CHUNKS)
        found[OURS].append(list(dict.fromkeys(hit.chunk.document.id for hit in hits)))
        found[SPARSE].append([names[row] for row, _ in postings.search(one.words, _DEPTH)])
        found[DENSE].append([names[row] for row, _ in dense.search(vector, _DEPTH)])
        told(at, len(asked))
    return found


# ------------------------------------------------------------------ a set, and all of them


def measure(given: Reading | Searching, library: Library, told: Progressed) -> SetReport:
    """The figures of one set, of our system and the two baselines."""
    by_system: dict[str, dict[str, Figure]] = {}
    if isinstance(given, Searching):
        groups = [one.group for one in given.asked]
        for name, ranked in search_all(library, given.passages, given.asked, told).items():
            gains = [ndcg_at_10(r, o.gold) for r, o in zip(ranked, given.asked, strict=True)]
            by_system[name] = {NDCG: mean_figure(gains, groups)}
    else:
        found = []
        for at, one in enumerate(given.asked, start=1):
            found.append(answer(library, one))
            told(at, len(given.asked))
        for name in SYSTEMS:
            point = library.calibration.operating_point if name == OURS else None
            answered = [systems[name] for systems in found]
            by_system[name] = reading_figures(given.asked, answered, point=point)
    return SetReport(
        given.name,
        given.rows,
        given.used,
        len(given.passages),
        sum(not rows for rows in library.rows.values()),
        {
            name: {system: got[name] for system, got in by_system.items() if name in got}
            for name in by_system[OURS]
        },
    )


def evaluate(
    data: Path, names: Sequence[str], *, limit: int | None, embedder: Embedder, told: Told
) -> tuple[SetReport, ...]:
    """Read, index and measure one set after another.

    Args:
        data: the folder that holds a folder for each set.
        names: the sets.
        limit: how many questions of each at most; None for what the set's plan says.
        embedder: makes the vectors.
        told: hears how far it is.
    """
    reports = []
    calibration = read_calibration()
    for name in names:
        plan = SETS[name]
        given = plan.read(data / name, min(limit or plan.most, plan.most))
        with tempfile.TemporaryDirectory() as folder:
            library = open_library(
                given.passages,
                Path(folder) / "index",
                embedder=embedder,
                calibration=calibration,
                progress=partial(told, f"{name}: embedding"),
            )
            reports.append(measure(given, library, partial(told, f"{name}: asking")))
    return tuple(reports)


class Shown:
    """A progress bar for each thing that is going on."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def told(self, what: str, done: int, of: int) -> None:
        """Move the bar of ``what``, which appears when it is first heard of."""
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what)
        self._progress.update(self._tasks[what], completed=done, total=of)


def receipt_of(data: Path, names: Sequence[str], embedder: Embedder) -> dict[str, str]:
    """What was measured with what: digests of the data and the model, and the calibration."""
    calibration = ", ".join(f"{name} {value}" for name, value in asdict(read_calibration()).items())
    files = [data / name / file for name in names for file in FILES[name]]
    digests = {
        f"data: {path.relative_to(data).as_posix()}": hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
    return {"model": embedder.digest, "calibration": calibration, "seed": str(SEED)} | digests


def main() -> None:
    """Ask everything, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the public sets")
    parser.add_argument("--sets", default=",".join(SETS), help="which, with commas between")
    parser.add_argument("--limit", type=int, help="questions of each set, at most")
    parser.add_argument(
        "--learnt", action="store_true", help="with what was learnt from the bank: what it forgot"
    )
    arguments = parser.parse_args()
    names = arguments.sets.split(",")
    if unknown := sorted(set(names) - set(SETS)):
        parser.error(f"no such set: {', '.join(unknown)}; there are {', '.join(SETS)}")
    if arguments.limit is not None and arguments.limit < 1:
        parser.error(f"--limit takes at least 1, not {arguments.limit}")
    for name in names:
        if not (arguments.data / name).is_dir():
            parser.error(f"{arguments.data} holds no folder {name}")
    console, started = Console(stderr=True), time.perf_counter()
    embedder = SentenceTransformerEmbedder(Settings().corpus / LEARNT if arguments.learnt else None)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        reports = evaluate(
            arguments.data,
            names,
            limit=arguments.limit,
            embedder=embedder,
            told=Shown(progress).told,
        )
    receipt = receipt_of(arguments.data, names, embedder)
    REPORT.mkdir(exist_ok=True)
    text = markdown(reports, receipt)
    stem = "public-learnt" if arguments.learnt else "public"
    (REPORT / f"{stem}.md").write_text(text, encoding="utf-8", newline="\n")
    (REPORT / f"{stem}.json").write_text(as_json(reports, receipt), encoding="utf-8", newline="\n")
    print(text)
    console.print(f"{time.perf_counter() - started:.0f} seconds")


if __name__ == "__main__":
    main()
