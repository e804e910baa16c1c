"""Our retrieval, evidence and abstention on public question sets that nobody here wrote.

``python -m eval.public --data DIR`` reads the sets in DIR, which is no part of this
project, and writes ``eval/report/public.md`` and ``public.json``. Every passage of a set is
a page, indexed in a folder that is deleted again. Nothing is trained or chosen here.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TaskID, TimeElapsedColumn
from scipy.stats import rankdata
from sklearn.metrics import ndcg_score

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
from eval.statistics import figure, mean_figure
from eval.values import Figure, Place
from rag.blocks import read_blocks
from rag.corpus import LEARNT, Corpus
from rag.datatypes import Document, Source
from rag.dense import DenseIndex
from rag.embed import Embedder, SentenceTransformerEmbedder
from rag.evidence import Calibration, find_evidence, read_calibration
from rag.ground import text_digest
from rag.index import Index, build_index, open_index, sentence_text
from rag.retrieve import retrieve
from rag.scope import read_scope
from rag.settings import Settings
from rag.sparse import SparseIndex
from rag.split import TiktokenTokenizer

REPORT = Path(__file__).with_name("report")
OURS, SPARSE, DENSE = "ours", "BM25 only", "dense only"
SYSTEMS = (OURS, SPARSE, DENSE)
AUROC = "answerability AUROC"
RIGHT = "first sentence right"
MRR = "MRR of sentences"
PAIRS = "own answer above near miss"
REFUSED = "unanswerable refused"
WRONGLY_REFUSED = "answerable refused"
NDCG = "nDCG@10"
_DEPTH = 10
# Chunks to look at for ten abstracts: an abstract is cut into about three.
_CHUNKS = 60
_NONE_FOUND = "none found"
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
# Only figures that we are sure of; none of them is on the same questions.
LITERATURE: Mapping[tuple[str, str], str] = {
    ("squad2", REFUSED): (
        "0.739: MiniLM-L12 trained on SQuAD 2.0, whole dev set (deepset’s model card)"
    ),
    ("scifact", NDCG): (
        "BM25 0.665 (BEIR, arXiv:2104.08663); all-MiniLM-L6-v2 0.645 (MTEB, arXiv:2210.07316); "
        "both 300 other claims, all 5,183 abstracts"
    ),
}


@dataclass(frozen=True, slots=True)
class Answered:
    """What a system makes of one question to one passage: sentences, best first, and a score."""

    score: float
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Library:
    """Passages as an opened index, and all of their sentences by passage."""

    index: Index = field(repr=False)
    embedder: Embedder = field(repr=False)
    calibration: Calibration
    rows: Mapping[str, tuple[int, ...]] = field(repr=False)
    places: tuple[Place, ...] = field(repr=False)
    postings: SparseIndex = field(repr=False)


@dataclass(frozen=True, slots=True)
class SetReport:
    """The figures of one set: by measure, then by system."""

    name: str
    rows: int
    used: int
    passages: int
    unquotable: int
    figures: Mapping[str, Mapping[str, Figure]]


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


def right(place: Place, gold: Sequence[Place]) -> bool:
    """Whether a sentence shares at least half of itself, or of a gold place, with that place."""
    return any(2 * place.shared(one) >= min(place.length, one.length) for one in gold)


def reciprocal_rank(places: Sequence[Place], gold: Sequence[Place]) -> float:
    """1 / rank of the first right sentence; 0 if there is none."""
    return next((1 / at for at, one in enumerate(places, start=1) if right(one, gold)), 0.0)


def reading_figures(
    asked: Sequence[Asked], answered: Sequence[Answered], *, point: float | None = None
) -> dict[str, Figure]:
    """Every measure that a set of questions to single passages allows, of one system.

    Args:
        asked: the questions.
        answered: what the system made of each.
        point: the score below which it refuses; None for a system that never does.
    """
    figures: dict[str, Figure] = {}
    if not all(one.answerable for one in asked):
        figures |= _silence_figures(asked, answered, point)
    golden = [(one, got) for one, got in zip(asked, answered, strict=True) if one.gold]
    groups = [one.group for one, _ in golden]
    if golden:
        first = [float(any(right(p, one.gold) for p in got.places[:1])) for one, got in golden]
        ranks = [reciprocal_rank(got.places, one.gold) for one, got in golden]
        figures |= {RIGHT: mean_figure(first, groups), MRR: mean_figure(ranks, groups)}
    return figures


def _silence_figures(
    asked: Sequence[Asked], answered: Sequence[Answered], point: float | None
) -> dict[str, Figure]:
    labels = np.array([one.answerable for one in asked])
    scores = np.array([got.score for got in answered])
    groups = [one.group for one in asked]
    figures = {AUROC: figure(lambda picks: separation(labels[picks], scores[picks]), groups)}
    pairs = _pairs(asked, answered)
    if pairs:
        figures[PAIRS] = mean_figure([won for _, won in pairs], [group for group, _ in pairs])
    if point is not None:
        for name, wanted in ((REFUSED, False), (WRONGLY_REFUSED, True)):
            rows = [at for at, one in enumerate(asked) if one.answerable == wanted]
            below = [float(answered[row].score < point) for row in rows]
            figures[name] = mean_figure(below, [groups[row] for row in rows])
    return figures


def separation(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """AUROC of scores for labels; not a number where all labels are the same.

    Mann and Whitney's U over the number of pairs (1947): as ``abstaining.auroc``, and much
    faster, which counts where it is taken of a thousand samples.
    """
    of = int(labels.sum())
    if of in {0, len(labels)}:
        return float("nan")
    above = float(rankdata(scores)[labels].sum()) - of * (of + 1) / 2
    return above / (of * (len(labels) - of))


def _pairs(asked: Sequence[Asked], answered: Sequence[Answered]) -> list[tuple[str, float]]:
    """The group of each pair, and whether its own answer scored above its near miss; ½ if even."""
    scores: dict[str, dict[bool, float]] = {}
    groups = {one.pair: one.group for one in asked if one.pair}
    for one, got in zip(asked, answered, strict=True):
        scores.setdefault(one.pair, {})[one.answerable] = got.score
    return [
        (group, (1 + float(np.sign(scores[pair][True] - scores[pair][False]))) / 2)
        for pair, group in groups.items()
    ]


# ------------------------------------------------------------------ all passages are searched


def ndcg_at_10(ranked: Sequence[str], gold: frozenset[str]) -> float:
    """Discounted gain of the first ten over that of the best order of all (binary relevance).

    Järvelin and Kekäläinen 2002; what is relevant and not among the ten still counts in the
    best order.
    """
    first = list(ranked[:_DEPTH])
    gains = [float(one in gold) for one in first] + [0.0] * (_DEPTH - len(first))
    gains += [1.0] * len(gold - set(first))
    return float(ndcg_score([gains], [[-float(at) for at in range(len(gains))]], k=_DEPTH))


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


# ------------------------------------------------------------------ what is written

_ABOUT = (
    "Public question sets that nobody here wrote, read by our own code: every passage is a page, "
    "split, indexed, searched and judged as pages are. Only rows of the test part (sha256 of the "
    "group below a fifth) are asked, and nothing was trained or chosen on any of them: the "
    "calibration is that of our own dev questions. None of this text is part of the project. "
    "Made by `python -m eval.public --data DIR`, in about six minutes on one "
    "core; the last tables say where only a sample was asked."
)
_MEANINGS = (
    f"{AUROC}: how often a passage that answers has a higher score than one that is silent; 0.5 "
    "is a coin toss. Our score is the probability of the best sentence.",
    f"{PAIRS}: medquad puts each question to its own answer and to the answer of another type of "
    "question about the same disease; how often the former scores higher.",
    f"{REFUSED}, {WRONGLY_REFUSED}: the share below the operating point that is shipped. The "
    "baselines have none.",
    f"{RIGHT}, {MRR}: over questions with a gold answer. A sentence is right when it shares half "
    "of itself, or of the gold, with the gold. Sentences are as our own code splits them, for the "
    "baselines too.",
    f"{NDCG}: ours ranks abstracts by their best chunk; the baselines search whole abstracts "
    "with their titles, as BEIR and MTEB do. Ours leaves titles out, as it does on our pages.",
    "BM25 only, dense only: BM25, or the cosine of the same embedder, of each sentence alone.",
)
_CAUTIONS = (
    "Where fewer questions were asked than there are, they are a seeded sample.",
    "squad2’s test part is two articles: its intervals are by paragraph, the others by the set’s "
    "own group.",
    "scifact is searched in a seeded part of its abstracts, with all that its claims cite: the "
    "figure is higher than over all 5,183.",
    "The embedder’s makers trained it on the training parts of SQuAD 2.0 and Natural Questions "
    "(where clapnq’s questions come from) and on scientific abstracts: for these sets its "
    "domain is not new.",
    "medquad’s near misses may answer in passing what another type asks; nobody checked.",
    "Literature is named only where we are sure of the figure, and is of other questions than "
    "these: a point of reference, not a win or a loss.",
    "Left out: pubmedqa (yes, no or maybe, which this program never says).",
)


def markdown(reports: Sequence[SetReport], receipt: Mapping[str, str]) -> str:
    """The report: figures, what they mean, what was read."""
    header = ("set", "measure", "n", *SYSTEMS, "literature")
    figures = [
        (one.name, name, str(got[OURS].count), *_cells(got), _literature(one.name, name))
        for one in reports
        for name, got in one.figures.items()
    ]
    read = [
        (one.name, str(one.rows), str(one.used), str(one.passages), str(one.unquotable))
        for one in reports
    ]
    parts = (
        "# Public question sets",
        _ABOUT,
        "Mean and 95 % bootstrap interval by group.",
        _table(header, figures),
        _bullets(_MEANINGS),
        "## What was read",
        _table(("set", "rows in the test part", "asked", "passages", "without a sentence"), read),
        _bullets(_CAUTIONS),
        "## Measured on",
        _table(("what", "digest or value"), list(receipt.items())),
    )
    return "\n\n".join(parts) + "\n"


def _cells(got: Mapping[str, Figure]) -> tuple[str, ...]:
    return tuple(_shown(got.get(system)) for system in SYSTEMS)


def _shown(found: Figure | None) -> str:
    return f"{found.value:.2f} ({found.low:.2f}–{found.high:.2f})" if found else "–"


def _literature(name: str, measured: str) -> str:
    return LITERATURE.get((name, measured), _NONE_FOUND)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows))


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def as_json(reports: Sequence[SetReport], receipt: Mapping[str, str]) -> str:
    """Everything in the report, for programs."""
    sets = {
        one.name: {
            **{key: value for key, value in asdict(one).items() if key != "name"},
            "literature": {name: _literature(one.name, name) for name in one.figures},
        }
        for one in reports
    }
    return json.dumps({"sets": sets, "receipt": receipt}, indent=1, ensure_ascii=False) + "\n"


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
