"""Question + what was found → what answers it, and how likely it is that anything does.

Bank entries and sentences that are like the question vote for what they would quote, and
known gaps vote for silence. A few numbers go through a logistic model, whose output is the
probability that the pages answer at all (Platt 1999).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rag.calibration import Calibration, Votes
from rag.datatypes import (
    BlockKind,
    Document,
    Evidence,
    Hit,
    Match,
    Place,
    Sentence,
    SentenceKind,
)
from rag.election import Elected, Voter, elect, sides_of, weigh
from rag.embed import FloatArray
from rag.expected import lacks_expected
from rag.index import Index
from rag.scope import Scope

# More strange words than these say no more.
_STRANGERS = 2


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
    weights = weigh(voters, calibration.temperature)
    elected = elect(voters, weights, calibration.order)
    nearness = max((voter.similarity for voter in voters if voter.points), default=0.0)
    sides = sides_of(elected, voters, nearness - calibration.differing)
    elected = [*sides, *(one for one in elected if one not in sides)]
    spoken = sum(weight for voter, weight in zip(voters, weights, strict=True) if voter.points)
    votes = Votes(
        share=spoken / sum(weights) if voters else 0.0,
        nearness=nearness,
        gap=max((match.similarity for match in matches if match.entry.gap), default=0.0),
        strangers=min(index.words.strangers(scope.question), _STRANGERS),
        lacking=lacks_expected(scope.question, _told(elected, calibration.keep)),
        away=scope.away,
        banked=bool(index.bank),
    )
    probability = calibration.probability(votes) if spoken else 0.0
    found = _scored(elected, probability)
    on_topic = max(votes.nearness, votes.gap) >= calibration.nearest_point and not (
        matches and matches[0].entry.off_topic
    )
    nearest = _nearest(index, matches, scope, found)
    return Reading(found, votes, probability, nearest, on_topic, tuple(matches), differ=bool(sides))


def _scored(elected: Sequence[Elected], probability: float) -> tuple[Scored, ...]:
    """What was elected, with the share of the probability that its votes give it."""
    total = sum(weight for _, weight in elected)
    return tuple(
        Scored(replace(evidence, probability=probability * weight / total), weight / total)
        for evidence, weight in elected
    )


def _told(elected: Sequence[Elected], keep: float) -> Iterator[str]:
    """The words of what has votes enough to be quoted."""
    for evidence, weight in elected:
        if weight >= keep * elected[0][1]:
            yield evidence.document.slice(evidence.sentence.span)


def _nearest(
    index: Index, matches: Sequence[Match], scope: Scope, found: tuple[Scored, ...]
) -> tuple[Scored, ...]:
    """What the known gap that is most like the question names; else what was found."""
    if not matches or not matches[0].entry.gap:
        return found
    places = (p for p in matches[0].entry.nearest if scope.admits_page(p.document))
    return tuple(Scored(_chosen(index, place), 1.0) for place in places)


def _bank_voters(index: Index, matches: Sequence[Match], scope: Scope) -> list[Voter]:
    """The matches as voters; a reader's comment is quoted only where comments are asked about.

    That is so where the question says so, or where the likest entry itself quotes one.
    """
    voters: list[Voter] = []
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
        voter = Voter(match.similarity, points, match.entry.differ and len(points) > 1)
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
) -> list[Voter]:
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
        Voter(float(score), ((Evidence(document, sentence, 0.0),),))
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
