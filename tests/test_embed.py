from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag.assistant import Assistant
from rag.datatypes import ModelError
from rag.embed import check_weights

pytestmark = pytest.mark.weights


def test_vectors_are_unit_rows_in_the_order_of_the_texts(real_assistant: Assistant) -> None:
    texts = ["a", "a much longer text about lamps " * 8, "short", "", "🦊"]
    rows = real_assistant.embedder.embed(texts)
    assert rows.shape == (5, 384)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    for at, text in enumerate(texts):
        assert np.allclose(rows[at], real_assistant.embedder.embed([text])[0], atol=1e-5)


def test_word_pieces_are_counted_uncut(real_assistant: Assistant) -> None:
    assert real_assistant.embedder.count("lamp " * 1_000) == 1_002
    assert real_assistant.embedder.window == 256


def test_other_weights_are_refused_with_both_digests(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"not the weights")
    with pytest.raises(ModelError, match=r"sha256 [0-9a-f]{64}, expected 53aa51172d14"):
        check_weights(tmp_path / "model.safetensors")
