"""The few numbers that turn similarities into a decision: ``calibration.json``."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from rag.datatypes import ModelError

_CALIBRATION = Path(__file__).with_name("calibration.json")


@dataclass(frozen=True, slots=True)
class Votes:
    """What decides whether the pages answer.

    ``share`` is the share of all votes that is not for silence (0 to 1); ``nearness`` and
    ``gap`` are the highest similarities of what answers and of a known gap (0 where there
    is none); ``strangers`` counts words, two at most, that stand neither in the pages nor
    in any answered question. ``lacking`` is whether the question asks for a sort of thing
    (a sum, an age, a date) that nothing found holds, ``away`` whether it places a clinic
    where none of these pages' is. Without a bank (``banked``) shares and gaps say nothing.
    """

    share: float
    nearness: float
    gap: float
    strangers: int
    lacking: bool
    away: bool
    banked: bool


@dataclass(frozen=True, slots=True)
class Calibration:
    """Fitted by ``eval.calibrate``.

    A sentence's similarity is the mean of its own cosine with the question and, weighted
    by ``chunk_weight``, that of the chunk it stands in; with ``sentence_offset`` added it
    stands beside the bank's. The wordings of a bank entry add up at temperature
    ``pooling``; one that names another clinic is set back by ``aside``. ``temperature`` is
    how sharply the likest outvote the others; each further point of an entry has ``order``
    less weight than the one before.
    ``*_weight`` and ``intercept`` make the log-odds that the pages answer, where there is no
    question bank ``plain_weight`` and ``plain_intercept`` in place of the first five. Below
    ``operating_point`` the sources are said to be silent; where nothing is as like the
    question as ``nearest_point``, nothing is shown as the nearest thing either. What has
    less than ``keep`` of the best one's votes is not quoted. All sides are quoted where an
    entry on which the pages differ is less like the question than the likest by at most
    ``differing``. ``contact_bonus`` is added to the similarity of contact lines where
    somebody asks how to reach a clinic.
    """

    chunk_weight: float
    sentence_offset: float
    aside: float
    pooling: float
    temperature: float
    order: float
    keep: float
    differing: float
    contact_bonus: float
    share_weight: float
    nearness_weight: float
    gap_weight: float
    stranger_weight: float
    lacking_weight: float
    away_weight: float
    intercept: float
    plain_weight: float
    plain_intercept: float
    operating_point: float
    nearest_point: float

    def probability(self, votes: Votes) -> float:
        """The probability that the pages answer (0 to 1)."""
        odds = self.lacking_weight * votes.lacking + self.away_weight * votes.away
        if votes.banked:
            odds += (
                self.share_weight * votes.share
                + self.nearness_weight * votes.nearness
                + self.gap_weight * votes.gap
                + self.stranger_weight * votes.strangers
                + self.intercept
            )
        else:
            odds += self.plain_weight * votes.nearness + self.plain_intercept
        return 1.0 / (1.0 + math.exp(-odds))


def read_calibration(path: Path = _CALIBRATION) -> Calibration:
    """The calibration that is shipped.

    Raises:
        ModelError: the file is not one that ``eval.calibrate`` wrote.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Calibration(**{name: float(values[name]) for name in Calibration.__slots__})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path.name} cannot be used: {error!r}. Run `python -m eval.calibrate`."
        ) from error
