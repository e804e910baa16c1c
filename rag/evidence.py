"""Question + hits → sentences that may answer, each with a probability."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag.datatypes import Evidence, Hit, ModelError
from rag.embed import FloatArray
from rag.index import Index
from rag.retrieve import Scope

_CALIBRATION = Path(__file__).with_name("calibration.json")


@dataclass(frozen=True, slots=True)
class Calibration:
    """The few numbers that turn similarities into a decision; fitted by ``eval.calibrate``.

    A sentence's score is the mean of its own cosine with the question and, weighted by
    ``chunk_weight``, that of the chunk it stands in. Its probability of answering is
    ``1 / (1 + exp(-(slope * score + intercept)))`` (Platt 1999). Below ``operating_point``
    the sources are said to be silent; below ``nearest_point`` nothing is near enough to be
    shown even as the nearest thing. ``margin`` is how far below the best score a further
    quote may lie; ``contact_bonus`` is added to the scores of contact lines where somebody
    asks how to reach a clinic.
    """

    chunk_weight: float
    slope: float
    intercept: float
    operating_point: float
    nearest_point: float
    margin: float
    contact_bonus: float

    def probability(self, score: float) -> float:
        """The probability that a sentence of this score answers (0 to 1)."""
        return 1.0 / (1.0 + math.exp(-(self.slope * score + self.intercept)))


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
class Scored:
    """A piece of evidence with the score that its probability was made from."""

    evidence: Evidence
    score: float


def find_evidence(
    index: Index,
    hits: Sequence[Hit],
    vector: FloatArray,
    *,
    scope: Scope,
    calibration: Calibration,
) -> tuple[Scored, ...]:
    """Every sentence of the hits, likeliest to answer first; ties keep the page's order.

    Args:
        index: where the hits come from.
        hits: the chunks to read closely.
        vector: float32[d], the question's unit vector.
        scope: only sentences that it admits are evidence.
        calibration: turns similarities into probabilities.
    """
    if not hits:
        return ()
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
    scores = (sentence_scores + weight * around) / (1.0 + weight)
    sentences = [(chunk.document, sentence) for chunk in chunks for sentence in chunk.sentences]
    if scope.contact:
        # A bare telephone number is like no question, yet is what a question for it wants.
        scores = scores + calibration.contact_bonus
    found = (
        Scored(Evidence(document, sentence, calibration.probability(float(score))), float(score))
        for (document, sentence), score in zip(sentences, scores, strict=True)
        if scope.narrows(document, sentence)
    )
    return tuple(sorted(found, key=lambda scored: -scored.score))
