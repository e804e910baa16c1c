"""Choose the few numbers of ``rag/calibration.json`` on the dev questions.

``python -m eval.calibrate`` prints what it would choose and what that gives on the dev
questions; ``--write`` writes it. Test questions are not read.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from eval.measure import Pair, grounding_figures, pairs, silence_figures
from eval.questions import read_pages, read_questions
from eval.systems import ask_all, ours
from eval.values import Figure, Kind, Question
from rag.assistant import Assistant, open_assistant
from rag.evidence import Calibration
from rag.settings import read_settings

CALIBRATION = Path(__file__).parent.parent / "rag" / "calibration.json"
_SILENT = frozenset({Kind.NEAR_MISS, Kind.OFF_TOPIC})
# The most answerable questions that may be refused, as a share.
_FALSE_ABSTENTION = 0.10
# The share of off-topic questions for which nothing is near enough to be shown.
_FAR = 0.8


def fit(old: Calibration, asked: Sequence[Pair]) -> Calibration:
    """Platt's two numbers on the questions' best scores, and the operating point."""
    # Without any evidence there is no score to fit; such a question is refused anyway.
    found = [pair for pair in asked if pair.said.probability]
    probabilities = np.array([pair.said.probability for pair in found])
    scores = (np.log(probabilities / (1 - probabilities)) - old.intercept) / old.slope
    answerable = np.array([pair.question.kind.answerable for pair in found])
    model = LogisticRegression(C=1e6, class_weight="balanced")
    model.fit(scores[:, None], answerable)
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    fitted = replace(old, slope=round(slope, 2), intercept=round(intercept, 2))
    point = _operating_point([fitted.probability(float(s)) for s in scores[answerable]])
    off_topic = np.array([pair.question.kind is Kind.OFF_TOPIC for pair in found])
    floor = np.quantile([fitted.probability(float(s)) for s in scores[off_topic]], _FAR)
    nearest = min(math.ceil(float(floor) * 100) / 100, point)
    return replace(fitted, operating_point=point, nearest_point=nearest)


def _operating_point(probabilities: Sequence[float]) -> float:
    """The highest probability (in steps of 0.01) that refuses few enough answerable questions."""
    allowed = sorted(probabilities)[int(_FALSE_ABSTENTION * len(probabilities))]
    return math.floor(allowed * 100) / 100


def _asked(assistant: Assistant, questions: Sequence[Question]) -> tuple[Pair, ...]:
    system = ours(assistant, read_pages(assistant.settings.corpus))
    return pairs(questions, [timed.said for timed in ask_all(system, questions)])


def _print(name: str, asked: Sequence[Pair]) -> None:
    figures: dict[str, Figure] = grounding_figures(asked) | silence_figures(asked, asked)
    print(f"{name}, on {len(asked)} dev questions:")
    for measure, found in figures.items():
        print(f"  {measure:34} {found.value:.3f}  ({found.low:.3f} to {found.high:.3f})")


def main() -> None:
    """Print the choice, and write it if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write rag/calibration.json")
    arguments = parser.parse_args()
    assistant = open_assistant(read_settings())
    questions = [
        question
        for question in read_questions(read_pages(assistant.settings.corpus), "dev")
        if not question.history and (question.kind.answerable or question.kind in _SILENT)
    ]
    asked = _asked(assistant, questions)
    chosen = fit(assistant.calibration, asked)
    _print("before", asked)
    _print("chosen", _asked(replace(assistant, calibration=chosen), questions))
    print(json.dumps(asdict(chosen)))
    if arguments.write:
        CALIBRATION.write_text(json.dumps(asdict(chosen), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
