"""Choose the few numbers of ``rag/calibration.json`` on the dev questions.

``python -m eval.calibrate`` prints what it would choose and what that gives on the dev
questions; ``--write`` writes it. Test questions are not read.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from eval.measure import Pair, grounding_figures, pairs, silence_figures
from eval.questions import read_pages, read_questions
from eval.systems import ask_all, ours
from eval.values import Figure, Kind, Question
from rag.assistant import Assistant, open_assistant
from rag.bank import BANK
from rag.calibration import Calibration, Votes
from rag.corpus import LEARNT
from rag.embed import Embedder, FloatArray
from rag.settings import read_settings

CALIBRATION = Path(__file__).parent.parent / "rag" / "calibration.json"
_SILENT = frozenset({Kind.NEAR_MISS, Kind.OFF_TOPIC})
# The most answerable questions that may be refused, as a share. 5 % are allowed of others; of two
# authors on whom nothing was chosen, 8 % were refused where 3 % were of those that chose.
_FALSE_ABSTENTION = 0.02
_FALSE_ABSTENTION_PLAIN = 0.10
_WEIGHTS = (
    "share_weight",
    "nearness_weight",
    "gap_weight",
    "stranger_weight",
    "lacking_weight",
    "away_weight",
)
_KEEPS = (0.3, 0.35, 0.4)


@dataclass(frozen=True, slots=True)
class Case:
    """What was found for one question, and whether the pages answer it."""

    votes: Votes
    answerable: bool


class Remembering:
    """An embedder that embeds each text once: a grid asks the same questions many times."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder, self._rows = embedder, dict[str, FloatArray]()
        self.digest, self.dimensions = embedder.digest, embedder.dimensions
        self.window, self.count = embedder.window, embedder.count

    def embed(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> FloatArray:
        """float32[len(texts), d], in the order of ``texts``."""
        new = [text for text in dict.fromkeys(texts) if text not in self._rows]
        self._rows |= dict(zip(new, self._embedder.embed(new, progress=progress), strict=True))
        return np.stack([self._rows[text] for text in texts])


def fit(old: Calibration, cases: Sequence[Case]) -> Calibration:
    """The weights of what decides (logistic regression), and the two points."""
    rows = np.array([_numbers(case.votes) for case in cases])
    answerable = np.array([case.answerable for case in cases])
    model = LogisticRegression(C=10.0, class_weight="balanced", max_iter=1000)
    model.fit(rows, answerable)
    weights = dict(zip(_WEIGHTS, model.coef_[0], strict=True))
    fitted = replace(
        old,
        intercept=round(float(model.intercept_[0]), 2),
        **{name: round(float(weight), 2) for name, weight in weights.items()},
    )
    said = sorted(fitted.probability(case.votes) for case in cases if case.answerable)
    point = math.floor(said[int(_FALSE_ABSTENTION * len(said))] * 100) / 100
    # Nothing that the pages answer may be taken for another subject.
    nearest = min(_nearness(case.votes) for case in cases if case.answerable)
    nearest = math.floor(nearest * 20) / 20
    return replace(fitted, operating_point=point, nearest_point=nearest)


def fit_plain(old: Calibration, cases: Sequence[Case]) -> Calibration:
    """Platt's two numbers where there is no bank, so that the same operating point serves."""
    scores = np.array([case.votes.nearness for case in cases])
    answerable = np.array([case.answerable for case in cases])
    model = LogisticRegression(C=1e6, class_weight="balanced")
    model.fit(scores[:, None], answerable)
    weight, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    allowed = sorted(scores[answerable])[int(_FALSE_ABSTENTION_PLAIN * sum(answerable))]
    wanted = math.log(old.operating_point / (1 - old.operating_point))
    shift = wanted - (weight * float(allowed) + intercept)
    return replace(old, plain_weight=round(weight, 2), plain_intercept=round(intercept + shift, 2))


def _plain(assistant: Assistant, questions: Sequence[Question], scratch: Path) -> Calibration:
    """The calibration with the numbers that hold without a bank, on the same pages."""
    pages = scratch / "pages"
    unasked = shutil.ignore_patterns(BANK, LEARNT)
    shutil.copytree(assistant.settings.corpus, pages, ignore=unasked)
    settings = replace(assistant.settings, corpus=pages, index=scratch / "index")
    bare = replace(open_assistant(settings), calibration=assistant.calibration)
    return fit_plain(assistant.calibration, tuple(cases_of(bare, questions)))


def _numbers(votes: Votes) -> tuple[float, ...]:
    """What is weighed, in the order of ``_WEIGHTS``."""
    told = float(votes.strangers), float(votes.lacking), float(votes.away)
    return votes.share, votes.nearness, votes.gap, *told


def _nearness(votes: Votes) -> float:
    return max(votes.nearness, votes.gap)


def cases_of(assistant: Assistant, questions: Sequence[Question]) -> Iterator[Case]:
    """What is found for each question, and for the twin of each answerable one."""
    for question in questions:
        answerable = question.kind.answerable
        yield Case(assistant.read(question.words).votes, answerable)
        if answerable and question.twin:
            yield Case(assistant.read(question.twin.question).votes, False)


def _with(assistant: Assistant, questions: Sequence[Question], **numbers: float) -> Assistant:
    """The assistant with these numbers, and the decision fitted to them."""
    changed = replace(assistant, calibration=replace(assistant.calibration, **numbers))
    cases = tuple(cases_of(changed, questions))
    return replace(changed, calibration=fit(changed.calibration, cases))


def _worth(asked: Sequence[Pair]) -> float:
    """Coverage, precision and first quote right of the answerable questions, added up."""
    answered = [pair for pair in asked if pair.question.kind.answerable]
    figures = grounding_figures(answered)
    names = ("gold points covered", "quote precision", "first quote right")
    return sum(figures[name].value for name in names)


def _asked(assistant: Assistant, questions: Sequence[Question]) -> tuple[Pair, ...]:
    system = ours(assistant, read_pages(assistant.settings.corpus))
    return pairs(questions, [timed.said for timed in ask_all(system, questions)])


def choose(assistant: Assistant, questions: Sequence[Question]) -> Assistant:
    """The best of a few on these questions."""
    quick = replace(assistant, embedder=Remembering(assistant.embedder))
    tried = (_with(quick, questions, keep=keep) for keep in _KEEPS)
    chosen = max(tried, key=lambda one: _worth(_asked(one, questions)))
    return replace(chosen, embedder=assistant.embedder)


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
    _print("before", _asked(assistant, questions))
    chosen = choose(assistant, questions)
    with tempfile.TemporaryDirectory() as scratch:
        chosen = replace(chosen, calibration=_plain(chosen, questions, Path(scratch)))
    _print("chosen", _asked(chosen, questions))
    print(json.dumps(asdict(chosen.calibration)))
    if arguments.write:
        text = json.dumps(asdict(chosen.calibration), indent=1)
        CALIBRATION.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
