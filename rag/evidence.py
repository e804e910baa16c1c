"""Question + what was found → what answers it, and how likely it is that anything does.

Bank entries and sentences that are like the question vote for what they would quote, and
known gaps vote for silence; a vote weighs ``exp(similarity / temperature)``, as in
matching networks (Vinyals et al. 2016, arXiv:1606.04080). Four numbers go through a
logistic model, whose output is the probability that the pages answer at all (Platt 1999).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rag.datatypes import (
    BlockKind,
    Document,
    Evidence,
    Hit,
    Match,
    ModelError,
    Place,
    Sentence,
    SentenceKind,
    Span,
)
from rag.embed import FloatArray
from rag.index import Index
from rag.scope import Scope

# More strange words than these say no more.
_STRANGERS = 2
_CALIBRATION = Path(__file__).with_name("calibration.json")


@dataclass(frozen=True, slots=True)
class Calibration:
    """The few numbers that turn similarities into a decision; fitted by ``eval.calibrate``.

    A sentence's similarity is the mean of its own cosine with the question and, weighted
    by ``chunk_weight``, that of the chunk it stands in; with ``sentence_offset`` added it
    stands beside the bank's; a bank question that names another clinic is set back by
    ``aside``. ``temperature`` is how sharply the likest outvote the others;
    each further point of an entry has ``order`` less weight than the one before.
    ``*_weight`` and ``intercept`` make the log-odds that the pages answer, where there is no
    question bank ``plain_weight`` and ``plain_intercept`` alone. Below
    ``operating_point`` the sources are said to be silent; where nothing is as like the
    question as ``nearest_point``, nothing is shown as the nearest thing either. What has
    less than ``keep`` of the best one's votes is not quoted. All sides are quoted where an
    entry on which the pages differ is less like the question than the likest by at most
    ``differing``. ``contact_bonus`` is added to
    the similarity of contact lines where somebody asks how to reach a clinic.
    """

    chunk_weight: float
    sentence_offset: float
    aside: float
    temperature: float
    order: float
    keep: float
    differing: float
    contact_bonus: float
    share_weight: float
    nearness_weight: float
    gap_weight: float
    stranger_weight: float
    intercept: float
    plain_weight: float
    plain_intercept: float
    operating_point: float
    nearest_point: float

    def probability(self, votes: Votes) -> float:
        """The probability that the pages answer (0 to 1)."""
        odds = (
            self.share_weight * votes.share
            + self.nearness_weight * votes.nearness
            + self.gap_weight * votes.gap
            + self.stranger_weight * min(votes.strangers, _STRANGERS)
            + self.intercept
        )
        if not votes.banked:
            odds = self.plain_weight * votes.nearness + self.plain_intercept
        return 1.0 / (1.0 + math.exp(-odds))


def read_calibration(path: Path = _CALIBRATION) -> Calibration:
    """The calibration that is shipped.

    Raises:
        ModelError: the file is not one that ``eval.calibrate`` wrote.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Calibration(**{name: float(values[name]) for name in Calibration.__slots__})
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"{path.name} cannot be used: {error!r}. Run `python -m eval.calibrate`."
        ) from error


@dataclass(frozen=True, slots=True)
class Votes:
    """What decides whether the pages answer.

    ``share`` is the share of all votes that is not for silence (0 to 1); ``nearness`` and
    ``gap`` are the highest similarities of what answers and of a known gap (-1 to 1; 0 where
    there is none); ``strangers`` counts words that stand neither in the pages nor in any
    answered question. Without a bank (``banked``) only ``nearness`` says anything.
    """

    share: float
    nearness: float
    gap: float
    strangers: int
    banked: bool


@dataclass(frozen=True, slots=True)
class Scored:
    """A piece of evidence, with its share of the votes that are not for silence (0 to 1)."""

    evidence: Evidence
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """Evidence, likeliest to answer first, and the probability that any of it does.

    Where the pages ``differ`` on what is asked, the best evidence of each side stands first.
    ``nearest`` is what comes nearest to an answer where none is given: what the bank names,
    if a known gap is most like the question. ``on_topic`` is whether anything found is of
    the question's subject; ``matches`` are the bank entries like the question, best first.
    """

    found: tuple[Scored, ...]
    votes: Votes
    probability: float
    nearest: tuple[Scored, ...]
    on_topic: bool
    matches: tuple[Match, ...]
    differ: bool


@dataclass(frozen=True, slots=True)
class _Voter:
    """A bank entry or a sentence that is like the question, and what it would quote.

    ``points`` are groups of alternative places; none is a vote for silence. Where the pages
    ``differ``, they are the sides that these take.
    """

    similarity: float
    points: tuple[tuple[Evidence, ...], ...]
    differ: bool = False


def find_evidence(
    index: Index,
    hits: Sequence[Hit],
    matches: Sequence[Match],
    vector: FloatArray,
    *,
    scope: Scope,
    calibration: Calibration,
) -> Reading:
    """What may answer, best first; ties keep the order of the bank and of the pages.

    Args:
        index: where hits and matches come from.
        hits: the chunks to read closely.
        matches: bank entries like the question, best first.
        vector: float32[d], the question's unit vector.
        scope: only what it admits is evidence.
        calibration: turns similarities into votes, and votes into a probability.
    """
    sentences = _sentence_voters(index, hits, vector, scope, calibration)
    voters = [*_bank_voters(index, matches, scope), *sentences]
    weights = _weights(voters, calibration.temperature)
    spoken = sum(weight for voter, weight in zip(voters, weights, strict=True) if voter.points)
    votes = Votes(
        share=spoken / sum(weights) if voters else 0.0,
        nearness=max((voter.similarity for voter in voters if voter.points), default=0.0),
        gap=max((match.similarity for match in matches if match.entry.gap), default=0.0),
        strangers=index.words.strangers(scope.question),
        banked=bool(index.bank),
    )
    probability = calibration.probability(votes) if spoken else 0.0
    elected = _elect(voters, weights, calibration.order)
    sides = _sides(elected, voters, votes.nearness - calibration.differing)
    elected = [*sides, *(one for one in elected if one not in sides)]
    total = sum(weight for _, weight in elected)
    found = tuple(
        Scored(replace(evidence, probability=probability * weight / total), weight / total)
        for evidence, weight in elected
    )
    on_topic = max(votes.nearness, votes.gap) >= calibration.nearest_point and not (
        matches and matches[0].entry.off_topic
    )
    nearest = _nearest(index, matches, scope, found)
    return Reading(found, votes, probability, nearest, on_topic, tuple(matches), differ=bool(sides))


def _nearest(
    index: Index, matches: Sequence[Match], scope: Scope, found: tuple[Scored, ...]
) -> tuple[Scored, ...]:
    """What the known gap that is most like the question names; else what was found."""
    if not matches or not matches[0].entry.gap:
        return found
    places = (p for p in matches[0].entry.nearest if scope.admits_page(p.document))
    return tuple(Scored(_chosen(index, place), 1.0) for place in places)


def _bank_voters(index: Index, matches: Sequence[Match], scope: Scope) -> list[_Voter]:
    """The matches as voters; a reader's comment is quoted only where comments are asked about.

    That is so where the question says so, or where the likest entry itself quotes one.
    """
    voters: list[_Voter] = []
    comments = scope.comments
    for match in matches:
        admitted = [
            [_chosen(index, p) for p in point if scope.admits_page(p.document)]
            for point in match.entry.points
        ]
        if match is matches[0]:
            comments = comments or any(_is_comment(one) for point in admitted for one in point)
        kept = (tuple(e for e in point if comments or not _is_comment(e)) for point in admitted)
        points = tuple(point for point in kept if point)
        voter = _Voter(match.similarity, points, match.entry.differ and len(points) > 1)
        # An entry that lost all its points is no vote for silence.
        if voter.points or match.entry.gap:
            voters.append(voter)
    return voters


def _is_comment(evidence: Evidence) -> bool:
    return evidence.sentence.kind is SentenceKind.COMMENT


def _chosen(index: Index, place: Place) -> Evidence:
    document = index.documents[place.document]
    comment = any(
        block.kind is BlockKind.COMMENT and block.span.overlaps(place.span)
        for block in document.blocks
    )
    kind = SentenceKind.COMMENT if comment else SentenceKind.CHOSEN
    return Evidence(document, Sentence(kind, place.span), 0.0)


def _sentence_voters(
    index: Index,
    hits: Sequence[Hit],
    vector: FloatArray,
    scope: Scope,
    calibration: Calibration,
) -> list[_Voter]:
    """The sentences of the hits, most like the question first."""
    if not hits:
        return []
    chunks = sorted((hit.chunk for hit in hits), key=lambda chunk: chunk.id)
    chunk_scores = index.chunk_vectors.vectors([chunk.id for chunk in chunks]) @ vector
    rows = [
        index.first_sentences[chunk.id] + at
        for chunk in chunks
        for at in range(len(chunk.sentences))
    ]
    sentence_scores = index.sentence_vectors.vectors(rows) @ vector
    around = np.repeat(chunk_scores, [len(chunk.sentences) for chunk in chunks])
    weight = calibration.chunk_weight
    scores = (sentence_scores + weight * around) / (1.0 + weight) + calibration.sentence_offset
    if scope.contact:
        # A bare telephone number is like no question, yet is what a question for it wants.
        scores = scores + calibration.contact_bonus
    sentences = [(chunk.document, sentence) for chunk in chunks for sentence in chunk.sentences]
    voters = (
        _Voter(float(score), ((Evidence(document, sentence, 0.0),),))
        for (document, sentence), score in zip(sentences, scores, strict=True)
        if scope.narrows(document, sentence) and _can_answer(document, sentence, scope)
    )
    return sorted(voters, key=lambda voter: -voter.similarity)


def _can_answer(document: Document, sentence: Sentence, scope: Scope) -> bool:
    """Not questions, and lead-ins only where steps are asked for."""
    if sentence.kind is SentenceKind.LEAD_IN:
        return scope.steps
    return sentence.kind is not SentenceKind.PROSE or not document.slice(sentence.span).endswith(
        "?"
    )


def _weights(voters: Sequence[_Voter], temperature: float) -> list[float]:
    best = max((voter.similarity for voter in voters), default=0.0)
    return [math.exp((voter.similarity - best) / temperature) for voter in voters]


def _elect(
    voters: Sequence[_Voter], weights: Sequence[float], order: float
) -> list[tuple[Evidence, float]]:
    """What has votes, the most first, with its weight; overlapping places share their votes."""
    groups: list[_Group] = []
    for voter, weight in zip(voters, weights, strict=True):
        for at, point in enumerate(voter.points):
            group = next((group for group in groups if group.holds(point)), None)
            if group is None:
                groups.append(group := _Group())
            group.add(point, weight * (1.0 - order * min(at, 3)))
    return sorted(((group.best, group.weight) for group in groups), key=lambda pair: -pair[1])


def _sides(
    elected: Sequence[tuple[Evidence, float]], voters: Iterable[_Voter], least: float
) -> list[tuple[Evidence, float]]:
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


def _best_of(side: Sequence[Evidence], elected: Iterable[tuple[Evidence, float]]) -> Evidence:
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
