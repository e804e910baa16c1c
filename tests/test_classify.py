"""The classifier's arithmetic and its file; what it recognises is in test_triage and eval."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.classify import Classifier, ngrams, read_classifier, write_classifier
from rag.datatypes import ModelError

GRAMS = ("lab", "wab", "wab cd")


@pytest.fixture
def small() -> Classifier:
    """Two kinds, three n-grams, vectors of two numbers."""
    return Classifier(
        ("calm", "danger"),
        {gram: row for row, gram in enumerate(GRAMS)},
        np.array([1.0, 2.0, 1.0], dtype=np.float32),
        np.array([[0.0, 1.0], [0.0, 2.0], [0.0, 3.0]], dtype=np.float32),
        np.array([0.5, 0.0], dtype=np.float32),
        np.array([[0.0, 4.0], [0.0, 0.0], [1.0, 0.0]], dtype=np.float32),
    )


def test_ngrams_are_those_inside_words_and_those_of_words() -> None:
    letters, words = ngrams("ab cd")
    assert letters["l ab "] == 1
    assert letters["lab"] == 1
    assert not any("b c" in gram for gram in letters)
    assert words == {"wab": 1, "wcd": 1, "wab cd": 1}


def test_each_kind_of_ngram_is_a_unit_vector_of_tf_idf(small: Classifier) -> None:
    # Letters: one n-gram, so 1. Words: "ab" twice, idf 2, and "ab cd" once, idf 1.
    values = np.array([2 * (1 + math.log(2)), 1.0])
    odds = 1.0 + float(values @ [2.0, 3.0]) / float(np.linalg.norm(values))
    found = small.probabilities("ab ab cd")
    assert found["danger"] == pytest.approx(1 / (1 + math.exp(0.5 - odds)), abs=1e-5)


def test_what_is_judged_is_words_of_any_script(small: Classifier) -> None:
    judged = ("ab", "qq rr", "\u6211\u4e0d\u60f3\u6d3b\u4e86")
    assert all(small.can_judge(words) for words in judged)
    assert not any(small.can_judge(words) for words in ("\u00e9\u00e9", "qq", "..", ""))


def test_a_vector_is_a_second_expert(small: Classifier) -> None:
    words = small.probabilities("zz")
    by_vector = 1 / (1 + math.exp(1.0 - 4.0))
    both = small.probabilities("zz", np.array([1.0, 0.0], dtype=np.float32))
    odds = 0.6 * math.log(words["danger"] / words["calm"]) + 0.4 * math.log(
        by_vector / (1 - by_vector)
    )
    assert both["danger"] == pytest.approx(1 / (1 + math.exp(-odds)), abs=1e-5)


@pytest.fixture(scope="module")
def shipped() -> Classifier:
    return read_classifier()


@given(words=st.text(max_size=200))
def test_any_words_have_probabilities_that_add_up(shipped: Classifier, words: str) -> None:
    found = shipped.probabilities(words)
    assert sum(found.values()) == pytest.approx(1.0)
    assert all(0.0 <= value <= 1.0 for value in found.values())


def test_what_is_written_is_read(small: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    write_classifier(small, path)
    assert read_classifier(path).probabilities("ab") == pytest.approx(small.probabilities("ab"))


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    for content in (None, b"", b"PK\x03\x04 no archive"):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ModelError, match="fit_triage"):
            read_classifier(path)
