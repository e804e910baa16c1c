"""What is measured on public sets: answers and gold in, figures out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import ndcg_score

from eval.public_sets import Asked
from eval.statistics import figure, mean_figure
from eval.values import Figure, Place

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


@dataclass(frozen=True, slots=True)
class Answered:
    """What a system makes of one question to one passage: sentences, best first, and a score."""

    score: float
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class SetReport:
    """The figures of one set: by measure, then by system."""

    name: str
    rows: int
    used: int
    passages: int
    unquotable: int
    figures: Mapping[str, Mapping[str, Figure]]


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


def ndcg_at_10(ranked: Sequence[str], gold: frozenset[str]) -> float:
    """Discounted gain of the first ten over that of the best order of all (binary relevance).

    Järvelin and Kekäläinen 2002; what is relevant and not among the ten still counts in the
    best order.
    """
    first = list(ranked[:_DEPTH])
    gains = [float(one in gold) for one in first] + [0.0] * (_DEPTH - len(first))
    gains += [1.0] * len(gold - set(first))
    return float(ndcg_score([gains], [[-float(at) for at in range(len(gains))]], k=_DEPTH))
