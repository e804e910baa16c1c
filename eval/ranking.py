"""Standard measures of a ranked list of chunks; nDCG is scikit-learn's."""

from __future__ import annotations

from sklearn.metrics import ndcg_score

from eval.values import Place, Question, Said


def relevant(question: Question, chunk: Place) -> bool:
    """Whether a chunk holds the most of some gold quote."""
    golds = (gold for point in question.points for gold in point)
    return any(2 * chunk.shared(gold) > gold.length for gold in golds)


def recall_at(question: Question, said: Said, k: int) -> float:
    """Share of the points for which one of the first ``k`` chunks holds a gold quote."""
    found = [
        any(2 * chunk.shared(gold) > gold.length for chunk in said.retrieved[:k] for gold in point)
        for point in question.points
    ]
    return sum(found) / len(found)


def reciprocal_rank(question: Question, said: Said) -> float:
    """1 / rank of the first relevant chunk; 0 if none is found."""
    ranks = (at for at, c in enumerate(said.retrieved, start=1) if relevant(question, c))
    return 1.0 / next(ranks, float("inf"))


def ndcg_at_10(question: Question, said: Said) -> float:
    """Discounted gain of the first ten chunks over that of an ideal order of all retrieved.

    Järvelin and Kekäläinen 2002, binary relevance; 0 if nothing relevant is found.
    """
    gains = [float(relevant(question, chunk)) for chunk in said.retrieved]
    if len(gains) < 2:
        return sum(gains)
    ranks = [-float(at) for at in range(len(gains))]
    return float(ndcg_score([gains], [ranks], k=10))
