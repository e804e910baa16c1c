from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag.datatypes import IndexCorruptError
from rag.dense import DenseIndex
from rag.embed import FloatArray


def unit_rows(count: int, seed: int = 0) -> FloatArray:
    rows = np.random.default_rng(seed).standard_normal((count, 16)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def test_search_agrees_with_comparing_every_row() -> None:
    rows, questions = unit_rows(200), unit_rows(20, seed=1)
    index = DenseIndex.build(rows)
    for question in questions:
        found = index.search(question, 10)
        similarities = rows @ question
        expected = np.argsort(-similarities)[:10]
        assert [row for row, _ in found] == expected.tolist()
        assert [score for _, score in found] == pytest.approx(similarities[expected], abs=1e-5)


def test_search_among_rows_agrees_with_leaving_the_others_out() -> None:
    rows = unit_rows(50)
    among = [3, 7, 19, 44]
    found = DenseIndex.build(rows).search(rows[0], 10, among=among)
    expected = sorted(among, key=lambda row: -float(rows[row] @ rows[0]))
    assert [row for row, _ in found] == expected


def test_search_among_nothing_finds_nothing() -> None:
    assert DenseIndex.build(unit_rows(5)).search(unit_rows(1)[0], 3, among=[]) == ()


def test_saved_index_has_the_same_vectors(tmp_path: Path) -> None:
    rows = unit_rows(9)
    DenseIndex.build(rows).save(tmp_path / "a.faiss")
    opened = DenseIndex.open(tmp_path / "a.faiss")
    assert np.array_equal(opened.vectors([4, 0]), rows[[4, 0]])
    assert len(opened) == 9


def test_a_file_that_is_no_index_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.faiss").write_bytes(b"nothing of the kind")
    with pytest.raises(IndexCorruptError, match=r"a\.faiss"):
        DenseIndex.open(tmp_path / "a.faiss")
