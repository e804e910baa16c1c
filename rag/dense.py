"""Unit vectors ↔ FAISS; the only import of faiss."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from rag.datatypes import IndexCorruptError, StoredIndexError
from rag.embed import FloatArray


class DenseIndex:
    """An exact inner-product index: the similarity of unit vectors is their cosine."""

    def __init__(self, index: faiss.Index) -> None:
        self._index = index

    @classmethod
    def build(cls, vectors: FloatArray) -> DenseIndex:
        """Index the rows of float32[n, d]; row numbers are what ``search`` returns."""
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors))
        return cls(index)

    @classmethod
    def open(cls, path: Path) -> DenseIndex:
        """Open what ``save`` wrote.

        Raises:
            IndexCorruptError: it is not a FAISS index.
        """
        try:
            return cls(faiss.read_index(str(path)))
        except RuntimeError as error:
            raise IndexCorruptError(
                f"{path.name} is no FAISS index; run `python -m rag index --rebuild`."
            ) from error

    def save(self, path: Path) -> None:
        """Write the index to one file."""
        faiss.write_index(self._index, str(path))
        # On a full disk FAISS prints a line and goes on.
        if len(DenseIndex.open(path)) != len(self):
            raise StoredIndexError(f"{path.name} could not be written whole. Make room.")

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(
        self, vector: FloatArray, count: int, *, among: Sequence[int] | None = None
    ) -> tuple[tuple[int, float], ...]:
        """The rows nearest to float32[d], best first, with their similarities (-1 to 1).

        Args:
            vector: a unit vector.
            count: how many at most.
            among: only these rows are looked at.
        """
        count = min(count, len(self) if among is None else len(among))
        if count == 0:
            return ()
        chosen = None
        if among is not None:
            selector = faiss.IDSelectorBatch(np.asarray(among, dtype=np.int64))
            chosen = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        scores, rows = self._index.search(vector[None, :], count, params=chosen)
        return tuple(
            (int(row), float(score))
            for row, score in zip(rows[0], scores[0], strict=True)
            if row >= 0
        )

    def vectors(self, rows: Sequence[int] | NDArray[np.int64]) -> FloatArray:
        """float32[len(rows), d]: the vectors of these rows."""
        if len(rows) == 0:
            return np.zeros((0, self._index.d), dtype=np.float32)
        return np.asarray(self._index.reconstruct_batch(np.asarray(rows, dtype=np.int64)))
