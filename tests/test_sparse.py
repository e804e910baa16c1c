from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest

from rag.sparse import SparseIndex, terms

TEXTS = [
    "The lamp warms up slowly",
    "The lamp is blue, the lamp is bright",
    "A kettle boils water",
    "…",
    "Water for the lamp and the kettle in the kitchen of the house",
]


def bm25(question: str, row: int, k1: float = 1.5, b: float = 0.75) -> float:
    """Lucene's BM25 by the book (Kamphuis et al. 2020, without the constant k1 + 1)."""
    tokens = [terms(text) or ["\0"] for text in TEXTS]
    average = sum(map(len, tokens)) / len(tokens)
    score = 0.0
    for term in terms(question):
        containing = sum(term in words for words in tokens)
        idf = math.log(1 + (len(tokens) - containing + 0.5) / (containing + 0.5))
        frequency = Counter(tokens[row])[term]
        length = k1 * (1 - b + b * len(tokens[row]) / average)
        score += idf * frequency / (frequency + length)
    return score


@pytest.mark.parametrize("question", ["blue lamps", "boiling water", "the kettle in the house"])
def test_scores_are_those_of_the_formula(question: str) -> None:
    found = dict(SparseIndex.build(TEXTS).search(question, 10))
    for row in range(len(TEXTS)):
        assert found.get(row, 0.0) == pytest.approx(bm25(question, row), rel=1e-4)


def test_rows_outside_are_left_out() -> None:
    found = SparseIndex.build(TEXTS).search("lamp", 10, among=[0, 2])
    assert [row for row, _ in found] == [0]


def test_unknown_words_find_nothing() -> None:
    assert SparseIndex.build(TEXTS).search("zzz 🦊", 10) == ()


def test_saved_postings_answer_alike(tmp_path: Path) -> None:
    built = SparseIndex.build(TEXTS)
    built.save(tmp_path)
    opened = SparseIndex.open(tmp_path, len(TEXTS))
    assert opened.search("water lamp", 5) == built.search("water lamp", 5)


def test_terms_are_stemmed_lower_case_and_without_stop_words() -> None:
    assert terms("The LAMP’s warming, isn’t it?") == terms("lamp's warm")
