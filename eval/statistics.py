"""Intervals and comparisons that respect that questions on one topic go together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from eval.values import Figure

RESAMPLES = 1000
_SEED = 20_261_121
Picks = NDArray[np.intp]


def resample(topics: Sequence[str], *, resamples: int = RESAMPLES) -> tuple[Picks, ...]:
    """Row numbers of bootstrap samples that draw whole topics (Field and Welsh 2007)."""
    names = sorted(set(topics))
    rows = {name: np.flatnonzero(np.asarray(topics) == name) for name in names}
    generator = np.random.default_rng(_SEED)
    draws = generator.integers(len(names), size=(resamples, len(names)))
    return tuple(np.concatenate([rows[names[at]] for at in draw]) for draw in draws)


def figure(
    measure: Callable[[Picks], float], topics: Sequence[str], *, resamples: int = RESAMPLES
) -> Figure:
    """A measure of all rows with its 95 % percentile interval (Efron 1979), by topic.

    Samples for which the measure is undefined (not a number) are left out.
    """
    everything = np.arange(len(topics))
    values = np.array([measure(picks) for picks in resample(topics, resamples=resamples)])
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return Figure(
        round(float(measure(everything)), 6),
        round(float(low), 6),
        round(float(high), 6),
        len(topics),
    )


def mean_figure(values: Sequence[float], topics: Sequence[str]) -> Figure:
    """The mean of values with its interval."""
    array = np.asarray(values, dtype=np.float64)
    return figure(lambda picks: float(array[picks].mean()), topics)


def paired_difference(
    now: Sequence[float], before: Sequence[float], topics: Sequence[str]
) -> Figure:
    """The mean of now - before, question by question, with its interval."""
    return mean_figure([a - b for a, b in zip(now, before, strict=True)], topics)


def mcnemar(now: Sequence[float], before: Sequence[float]) -> float:
    """The exact two-sided p-value that two systems are right equally often (McNemar 1947).

    Only questions on which they differ count; 1.0 where there is none.
    """
    won = sum(a > b for a, b in zip(now, before, strict=True))
    lost = sum(a < b for a, b in zip(now, before, strict=True))
    return float(binomtest(won, won + lost).pvalue) if won + lost else 1.0
