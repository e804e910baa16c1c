"""How right one answer is: a pure function for each measure, question and answer in, share out.

A gold *point* is something a right answer covers, a group of interchangeable quotes. An
answer that abstains covers nothing and has no precision. Points are the nuggets of TREC
(Voorhees 2003); precision and recall of quotes follow ALCE (Gao et al. 2023,
arXiv:2305.14627), with gold places in the role of the entailment model.
"""

from __future__ import annotations

from collections.abc import Sequence

from eval.values import Place, Question, Said

COVERED = 0.6
"""A gold quote is covered when one quote holds this share of its characters."""


def coverage(question: Question, said: Said) -> float:
    """Share of the points covered: |covered| / |points|, 0 to 1; 0 for an abstention."""
    covered = [
        any(_covers(quote, gold) for quote in said.quotes for gold in point)
        for point in question.points
    ]
    return sum(covered) / len(covered)


def every_point(question: Question, said: Said) -> float:
    """1 if every point is covered, else 0."""
    return float(coverage(question, said) == 1.0)


def quote_precision(question: Question, said: Said) -> float | None:
    """Share of the quotes that are right: |right| / |quotes|; None for an abstention.

    A quote is right when it overlaps a gold quote by half of either.
    """
    if not said.quotes:
        return None
    return sum(is_right(quote, _golds(question)) for quote in said.quotes) / len(said.quotes)


def character_precision(question: Question, said: Said) -> float | None:
    """Share of the quoted characters that lie in gold quotes; None for an abstention."""
    if not said.quotes:
        return None
    golds = _golds(question)
    inside = sum(
        any(gold.shared(Place(quote.document, at, at + 1)) for gold in golds)
        for quote in said.quotes
        for at in range(quote.start, quote.end)
    )
    return inside / sum(quote.length for quote in said.quotes)


def first_right(question: Question, said: Said) -> float:
    """1 if the first quote is right, else 0; 0 for an abstention."""
    return float(bool(said.quotes) and is_right(said.quotes[0], _golds(question)))


def facts_kept(question: Question, said: Said) -> float | None:
    """1 if the answer holds what it must and not what it must not; None if nothing is asked."""
    if not (question.must or question.must_not) or not said.answered:
        return None
    text = said.text.casefold()
    holds = all(words.casefold() in text for words in question.must)
    return float(holds and not any(words.casefold() in text for words in question.must_not))


def is_right(quote: Place, golds: Sequence[Place]) -> bool:
    """Whether a quote overlaps a gold quote by at least half of the shorter of the two."""
    return any(2 * quote.shared(gold) >= min(quote.length, gold.length) for gold in golds)


def _covers(quote: Place, gold: Place) -> bool:
    return quote.shared(gold) >= COVERED * gold.length


def _golds(question: Question) -> tuple[Place, ...]:
    return tuple(gold for point in question.points for gold in point)
