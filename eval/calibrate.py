"""Choose the few numbers of ``rag/calibration.json`` on the dev questions.

``python -m eval.calibrate`` prints what it would choose and what that gives on the dev
questions; ``--write`` writes it. Test questions are not read.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from rag.assistant import Assistant, open_assistant
from rag.datatypes import AnswerKind, Document, Role, Span
from rag.evidence import Calibration
from rag.settings import read_settings

QUESTIONS = Path(__file__).with_name("questions.jsonl")
CALIBRATION = Path(__file__).parent.parent / "rag" / "calibration.json"
_ANSWERABLE = frozenset(
    {
        "factoid",
        "list",
        "duration",
        "process",
        "comparison",
        "disagreement",
        "definition",
        "risk",
        "attribution",
    }
)
_SILENT = frozenset({"near_miss", "off_topic"})
# The most answerable questions that may be refused, as a share.
_FALSE_ABSTENTION = 0.10
# A gold point is covered when this share of one of its gold quotes is quoted.
_COVERED = 0.6


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the fixed set; each point is a group of interchangeable gold places."""

    id: str
    kind: str
    words: str
    points: tuple[tuple[tuple[str, Span], ...], ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a calibration gives on a set of questions; every figure is a share (0 to 1)."""

    first_right: float
    coverage: float
    precision: float
    quotes: float
    false_abstention: float
    near_miss_refused: float
    off_topic_refused: float


def read_questions(path: Path, split: str, documents: dict[str, Document]) -> tuple[Question, ...]:
    """The questions of one split that need no earlier turn."""
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(
        Question(
            row["id"],
            row["kind"],
            row["question"],
            tuple(tuple(_place(quote, documents) for quote in point) for point in row["points"]),
        )
        for row in rows
        if row["split"] == split and not row["history"] and row["kind"] in _ANSWERABLE | _SILENT
    )


def _place(quote: dict[str, object], documents: dict[str, Document]) -> tuple[str, Span]:
    document = documents[str(quote["document"])]
    words, start = str(quote["quote"]), -1
    for _ in range(int(str(quote["occurrence"]))):
        start = document.text.index(words, start + 1)
    return document.id, Span(start, start + len(words))


def measure(assistant: Assistant, questions: Iterable[Question]) -> Figures:
    """Ask every question and count."""
    asked = [(question, assistant.ask(question.words)) for question in questions]
    answerable = [(q, a) for q, a in asked if q.kind in _ANSWERABLE]
    shown = [
        [(x.document.id, x.span) for x in a.quotes if x.role is Role.ANSWER] for _, a in answerable
    ]
    golds = [[place for point in q.points for place in point] for q, _ in answerable]
    refused = {
        kind: [a.kind is AnswerKind.NOT_IN_SOURCES for q, a in asked if q.kind == kind]
        for kind in _SILENT
    }
    return Figures(
        _mean(bool(s) and _right(s[0], g) for s, g in zip(shown, golds, strict=True)),
        _mean(
            np.mean([any(_covers(x, place) for x in s for place in point) for point in q.points])
            for (q, _), s in zip(answerable, shown, strict=True)
        ),
        _mean(_right(x, g) for s, g in zip(shown, golds, strict=True) for x in s),
        _mean(len(s) for s in shown if s),
        _mean(not s for s in shown),
        _mean(refused["near_miss"]),
        _mean(refused["off_topic"]),
    )


def _mean(values: Iterable[float | np.floating]) -> float:
    listed = [float(value) for value in values]
    return round(sum(listed) / max(len(listed), 1), 3)


def _shared(one: Span, other: Span) -> int:
    return max(min(one.end, other.end) - max(one.start, other.start), 0)


def _covers(shown: tuple[str, Span], gold: tuple[str, Span]) -> bool:
    length = gold[1].end - gold[1].start
    return shown[0] == gold[0] and _shared(shown[1], gold[1]) >= _COVERED * length


def _right(shown: tuple[str, Span], golds: Sequence[tuple[str, Span]]) -> bool:
    """Whether a quote overlaps a gold quote by half of either."""
    return any(
        shown[0] == document
        and 2 * _shared(shown[1], span) >= min(shown[1].end - shown[1].start, span.end - span.start)
        for document, span in golds
    )


def fit(assistant: Assistant, questions: Sequence[Question]) -> Calibration:
    """Platt's two numbers on the dev questions' best scores, and the operating point."""
    old = assistant.calibration
    asked = [(q, assistant.ask(q.words).probability) for q in questions]
    # Without any evidence there is no score to fit; such a question is refused anyway.
    found = [(q, p) for q, p in asked if p]
    probabilities = np.array([p for _, p in found])
    scores = (np.log(probabilities / (1 - probabilities)) - old.intercept) / old.slope
    answerable = np.array([q.kind in _ANSWERABLE for q, _ in found])
    model = LogisticRegression(C=1e6, class_weight="balanced")
    model.fit(scores[:, None], answerable)
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    fitted = replace(old, slope=round(slope, 3), intercept=round(intercept, 3))
    point = _operating_point([fitted.probability(float(s)) for s in scores[answerable]])
    return replace(fitted, operating_point=point)


def _operating_point(probabilities: Sequence[float]) -> float:
    """The highest probability (in steps of 0.01) that refuses few enough answerable questions."""
    ordered = sorted(probabilities)
    allowed = ordered[int(_FALSE_ABSTENTION * len(ordered))]
    return math.floor(allowed * 100) / 100


def main() -> None:
    """Print the choice, and write it if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write rag/calibration.json")
    arguments = parser.parse_args()
    assistant = open_assistant(read_settings())
    questions = read_questions(QUESTIONS, "dev", dict(assistant.documents))
    chosen = fit(assistant, questions)
    print(json.dumps(asdict(chosen)))
    for name, calibration in {"before": assistant.calibration, "chosen": chosen}.items():
        figures = measure(replace(assistant, calibration=calibration), questions)
        print(f"{name} on {len(questions)} dev questions:", json.dumps(asdict(figures)))
    if arguments.write:
        CALIBRATION.write_text(json.dumps(asdict(chosen), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
