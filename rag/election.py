"""Votes → what is elected: places that say the same share their votes, sides stand together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag.datatypes import Evidence, Span


@dataclass(frozen=True, slots=True)
class Voter:
    """A bank entry or a sentence that is like the question, and what it would quote.

    ``points`` are groups of alternative places; none is a vote for silence. Where the pages
    ``differ``, they are the sides that these take.
    """

    similarity: float
    points: tuple[tuple[Evidence, ...], ...]
    differ: bool = False


Elected = tuple[Evidence, float]
"""A place, and what the votes for it weigh."""


def weigh(voters: Sequence[Voter], temperature: float) -> list[float]:
    """What each vote weighs beside the likest one's 1: ``exp(similarity / temperature)``.

    As in matching networks (Vinyals et al. 2016, arXiv:1606.04080).
    """
    best = max((voter.similarity for voter in voters), default=0.0)
    return [math.exp((voter.similarity - best) / temperature) for voter in voters]


def elect(voters: Sequence[Voter], weights: Sequence[float], order: float) -> list[Elected]:
    """What has votes, the most first, with its weight; overlapping places share their votes."""
    groups: list[_Group] = []
    for voter, weight in zip(voters, weights, strict=True):
        for at, point in enumerate(voter.points):
            group = next((group for group in groups if group.holds(point)), None)
            if group is None:
                groups.append(group := _Group())
            group.add(point, weight * (1.0 - order * min(at, 3)))
    return sorted(((group.best, group.weight) for group in groups), key=lambda pair: -pair[1])


def sides_of(elected: Sequence[Elected], voters: Iterable[Voter], least: float) -> list[Elected]:
    """The best evidence of every side, where the best of all is one; else nothing.

    All weigh as much as the best: none is an answer without the others. The sides are those
    of the entry most like the question on which the pages differ, if it is at least as like
    as ``least``.
    """
    for voter in voters:
        if voter.differ and voter.similarity >= least:
            sides = [_best_of(side, elected) for side in voter.points]
            if elected[0][0] in sides:
                sides.sort(key=lambda side: side != elected[0][0])
                return [(side, elected[0][1]) for side in dict.fromkeys(sides)]
    return []


def _best_of(side: Sequence[Evidence], elected: Iterable[Elected]) -> Evidence:
    """What was elected of a side, and else its first place."""
    return next((e for e, _ in elected if any(_same_place(e, one) for one in side)), side[0])


class _Group:
    """Places of the same thing said, while votes are counted."""

    def __init__(self) -> None:
        self.weight = 0.0
        self._places: list[tuple[Evidence, float]] = []

    @property
    def best(self) -> Evidence:
        """The place that most votes put first."""
        totals: dict[tuple[str, Span], float] = {}
        for evidence, weight in self._places:
            place = (evidence.document.id, evidence.sentence.span)
            totals[place] = totals.get(place, 0.0) + weight
        return max(
            (evidence for evidence, _ in self._places),
            key=lambda evidence: totals[evidence.document.id, evidence.sentence.span],
        )

    def holds(self, point: Iterable[Evidence]) -> bool:
        """Whether one of these places is there already, by half of the shorter."""
        return any(_same_place(one, other) for one, _ in self._places for other in point)

    def add(self, point: Sequence[Evidence], weight: float) -> None:
        """Count a vote: it is for the point, and for its first place before the others."""
        self.weight += weight
        self._places += [(evidence, weight * (at == 0)) for at, evidence in enumerate(point)]


def _same_place(one: Evidence, other: Evidence) -> bool:
    first, second = one.sentence.span, other.sentence.span
    return (
        one.document.id == other.document.id
        and 2 * first.shared(second) >= min(first.length, second.length) > 0
    )
