"""Texts whose vectors are shipped ↔ a file: a fresh machine need not embed a bank again.

Each vector is kept as whole numbers from -127 to 127 and a scale (8-bit symmetric
quantisation, Jacob et al. 2018, arXiv:1712.05877).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

_MOST = 127


@dataclass(frozen=True, slots=True)
class Remembered:
    """``keys`` is uint64[n], ascending; ``values`` int8[n, d]; ``scales`` float32[n]."""

    keys: NDArray[np.uint64] = field(repr=False)
    values: NDArray[np.int8] = field(repr=False)
    scales: NDArray[np.float32] = field(repr=False)

    def fill(self, texts: Sequence[str], rows: NDArray[np.float32]) -> list[int]:
        """Write the vectors of known texts into float32[len(texts), d]; returns the others."""
        known, found = self._found(texts)
        vectors = self.values[found] * self.scales[found, None]
        rows[known] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.flatnonzero(~known).tolist()

    def new(self, texts: Sequence[str]) -> list[int]:
        """The numbers of the texts that are not remembered."""
        return np.flatnonzero(~self._found(texts)[0]).tolist()

    def _found(self, texts: Sequence[str]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """bool[len(texts)], whether each is remembered, and the rows of those that are."""
        keys = _keys(texts)
        at = np.searchsorted(self.keys, keys)
        known = at < len(self.keys)
        known[known] = self.keys[at[known]] == keys[known]
        return known, at[known]


def nothing(dimensions: int) -> Remembered:
    """What is remembered where there is no file."""
    values = np.zeros((0, dimensions), dtype=np.int8)
    return Remembered(np.zeros(0, dtype=np.uint64), values, np.zeros(0, dtype=np.float32))


def remember(texts: Sequence[str], vectors: NDArray[np.float32]) -> Remembered:
    """The texts with their unit vectors, float32[len(texts), d]."""
    keys, first = np.unique(_keys(texts), return_index=True)
    kept = vectors[first]
    scales = (np.abs(kept).max(axis=1) / _MOST).astype(np.float32)
    return Remembered(keys, np.rint(kept / scales[:, None]).astype(np.int8), scales)


def to_bytes(remembered: Remembered) -> bytes:
    """What a file of it holds; equal for equal texts and vectors."""
    names = Remembered.__slots__
    content: bytes = save({name: np.ascontiguousarray(getattr(remembered, name)) for name in names})
    return content


def from_bytes(content: bytes) -> Remembered:
    """What ``to_bytes`` wrote.

    Raises:
        ValueError: it is no such file.
    """
    try:
        return Remembered(**load(content))
    except (SafetensorError, TypeError) as error:
        raise ValueError(f"holds no vectors ({error})") from error


def _keys(texts: Sequence[str]) -> NDArray[np.uint64]:
    """uint64[len(texts)]: the first eight bytes of each text's sha256."""
    digests = b"".join(hashlib.sha256(text.encode("utf-8")).digest()[:8] for text in texts)
    return np.frombuffer(digests, dtype="<u8")
