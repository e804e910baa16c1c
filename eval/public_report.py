"""The figures of public sets → ``public.md`` and ``public.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from eval.public_measures import (
    AUROC,
    MRR,
    NDCG,
    OURS,
    PAIRS,
    REFUSED,
    RIGHT,
    SYSTEMS,
    WRONGLY_REFUSED,
    SetReport,
)
from eval.values import Figure

_NONE_FOUND = "none found"
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
