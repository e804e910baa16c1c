"""How well a system knows when the pages are silent: measures over many questions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import roc_auc_score

Floats = Sequence[float]


def auroc(answerable: Floats, silent: Floats) -> float:
    """How often an answerable question has the higher probability; 0.5 is a coin toss.

    Area under the ROC curve (Hanley and McNeil 1982); ties count half.
    """
    labels = [1] * len(answerable) + [0] * len(silent)
    return float(roc_auc_score(labels, [*answerable, *silent]))


def risk_coverage(probabilities: Floats, right: Floats) -> tuple[tuple[float, float], ...]:
    """(coverage, risk) when ever more questions are answered, the most probable first.

    Risk is the share of wrong answers among those given (El-Yaniv and Wiener 2010).
    Equal probabilities are answered together.
    """
    order = np.argsort(-np.asarray(probabilities), kind="stable")
    ordered = np.asarray(probabilities)[order]
    wrong = np.cumsum(1.0 - np.asarray(right)[order])
    counts = np.arange(1, len(ordered) + 1)
    last = np.append(ordered[1:] != ordered[:-1], [True])
    return tuple(
        (float(count / len(ordered)), float(errors / count))
        for count, errors in zip(counts[last], wrong[last], strict=True)
    )


def aurc(probabilities: Floats, right: Floats) -> float:
    """Mean risk over all coverages, 0 (best) to 1 (Geifman and El-Yaniv 2019)."""
    curve = risk_coverage(probabilities, right)
    widths = np.diff([0.0, *(coverage for coverage, _ in curve)])
    return float(np.dot(widths, [risk for _, risk in curve]))


def selective_accuracy(probabilities: Floats, right: Floats, coverage: float) -> float:
    """Share right among the ``coverage`` share of questions that are most probable."""
    count = max(round(coverage * len(probabilities)), 1)
    order = np.argsort(-np.asarray(probabilities), kind="stable")[:count]
    return float(np.asarray(right)[order].mean())


def reliability(
    probabilities: Floats, outcomes: Floats, bins: int = 10
) -> tuple[tuple[float, float, int], ...]:
    """(mean probability, share of outcomes, count) for each bin of equal width with any."""
    p, y = np.asarray(probabilities), np.asarray(outcomes)
    place = np.minimum((p * bins).astype(int), bins - 1)
    return tuple(
        (float(p[place == at].mean()), float(y[place == at].mean()), int((place == at).sum()))
        for at in range(bins)
        if (place == at).any()
    )


def calibration_error(probabilities: Floats, outcomes: Floats) -> float:
    """Mean distance of probability and share, weighted by count (ECE, Naeini et al. 2015)."""
    rows = reliability(probabilities, outcomes)
    total = sum(count for _, _, count in rows)
    return sum(abs(mean - share) * count for mean, share, count in rows) / total
