"""Question → the chunks worth reading closely, and the bank entries that ask the like."""

from __future__ import annotations

import math

from rag.calibration import Calibration
from rag.datatypes import Hit, Match
from rag.embed import FloatArray
from rag.index import Index
from rag.scope import Scope

# Reciprocal rank fusion's constant (Cormack, Clarke, Büttcher 2009).
_FUSION = 60
# Entries hold about eight questions each, and many of other clinics are passed over.
_ROWS_PER_ENTRY = 20


def retrieve(index: Index, vector: FloatArray, *, scope: Scope, count: int) -> tuple[Hit, ...]:
    """The chunks found for a question, best first, by reciprocal rank fusion.

    Args:
        index: what is searched.
        vector: float32[d], the question's unit vector, for the dense search.
        scope: the words for the sparse search; only chunks that it admits are found.
        count: how many at most.
    """
    among = [chunk.id for chunk in index.chunks if scope.admits(chunk)]
    dense = index.chunk_vectors.search(vector, count, among=among)
    sparse = index.postings.search(scope.question, count, among=among)
    dense_ranks = {row: rank for rank, (row, _) in enumerate(dense, start=1)}
    sparse_ranks = {row: rank for rank, (row, _) in enumerate(sparse, start=1)}
    hits = (
        Hit(
            index.chunks[row],
            _fused(dense_ranks.get(row), sparse_ranks.get(row)),
            dense_ranks.get(row),
            sparse_ranks.get(row),
        )
        for row in sorted(dense_ranks.keys() | sparse_ranks.keys())
    )
    return tuple(sorted(hits, key=lambda hit: -hit.score)[:count])


def _fused(*ranks: int | None) -> float:
    return sum(1 / (_FUSION + rank) for rank in ranks if rank is not None)


def match_bank(
    index: Index, vector: FloatArray, *, scope: Scope, count: int, calibration: Calibration
) -> tuple[Match, ...]:
    """The bank entries whose questions are most like this one, best first.

    The wordings of an entry add up: ``t log(sum(exp(similarity / t)))``, a soft maximum, so
    that many that are like the question are worth more than one.

    Args:
        index: holds the bank.
        vector: float32[d], the question's unit vector.
        scope: entries that answer only from pages it leaves out are not found.
        count: how many at most.
        calibration: ``pooling`` is t; ``aside`` is what a bank question that names a clinic
            which this one does not name is set back by (a cosine): as a known gap it says
            nothing of other clinics at all.
    """
    found: dict[int, float] = {}
    for row, similarity in index.question_vectors.search(vector, count * _ROWS_PER_ENTRY):
        asked = index.asked[row]
        entry = index.bank[asked.entry]
        apart = not scope.names_any(asked.documents)
        if scope.admits_entry(entry) and not (apart and entry.gap):
            worth = math.exp((similarity - calibration.aside * apart) / calibration.pooling)
            found[asked.entry] = found.get(asked.entry, 0.0) + worth
    best = sorted(found.items(), key=lambda pair: -pair[1])[:count]
    return tuple(
        Match(index.bank[number], calibration.pooling * math.log(worth)) for number, worth in best
    )
