from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.embed import FloatArray
from rag.remembered import from_bytes, nothing, remember, to_bytes


def unit_rows(count: int, seed: int) -> FloatArray:
    rows = np.random.default_rng(seed).normal(size=(count, 24)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


@given(st.lists(st.text(), unique=True), st.lists(st.text()), st.integers(0, 99))
def test_known_texts_get_their_vectors_back_and_the_others_are_named(
    known: list[str], asked: list[str], seed: int
) -> None:
    vectors = unit_rows(len(known), seed)
    kept = from_bytes(to_bytes(remember(known, vectors)))
    texts = [*asked, *known]
    rows = np.zeros((len(texts), 24), dtype=np.float32)
    assert kept.fill(texts, rows) == [at for at, text in enumerate(texts) if text not in known]
    for text, row in zip(texts, rows, strict=True):
        if text in known:
            assert row @ vectors[known.index(text)] > 0.999
            assert abs(np.linalg.norm(row) - 1) < 1e-5
        else:
            assert not row.any()


def test_equal_texts_give_equal_bytes_in_any_order() -> None:
    vectors = unit_rows(3, 0)
    there, back = (
        to_bytes(remember(list("abc"), vectors)),
        to_bytes(remember(list("cba"), vectors[::-1])),
    )
    assert there == back


def test_nothing_is_known_without_a_file() -> None:
    rows = np.zeros((2, 24), dtype=np.float32)
    assert nothing(24).fill(["a", "b"], rows) == [0, 1]


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", to_bytes(nothing(4))[:20]])
def test_another_file_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="holds no vectors"):
        from_bytes(content)
