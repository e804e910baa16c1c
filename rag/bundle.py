"""What is on disk in ``index/``: a manifest, and the one folder of files that it names.

Writing a bundle: everything goes into a temporary folder; that folder is renamed; then
``manifest.json`` is replaced, which is the one moment at which the new index begins to
exist. A build killed at any point leaves the index of before. Only afterwards are older
folders removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from rag.datatypes import IndexCorruptError, IndexMissingError, StoredIndexError

SCHEMA = 3
MANIFEST = "manifest.json"
SMALL = 16_000_000
"""Files up to this size, in bytes, are checked whole each time the index is opened."""
_LOCK = ".lock"
_REMEDY = "Run `python -m rag index --rebuild`."


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what an index holds: equal recipes give equal indexes."""

    schema: int
    corpus: str
    embedder: str
    tokenizer: str
    chunk_tokens: int
    file_bytes: int
    reader: str
    """sha256 of the modules that turn pages into chunks: other code reads otherwise."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much an index holds."""

    documents: int
    chunks: int
    sentences: int
    questions: int


@dataclass(frozen=True, slots=True)
class FileSeal:
    """A file's size in bytes and its sha256."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The recipe, the counts, and the files of the bundle in ``folder``."""

    recipe: Recipe
    counts: Counts
    files: dict[str, FileSeal]
    folder: str

    @property
    def digest(self) -> str:
        """sha256 over the recipe and every file: what a receipt names."""
        seals = sorted((name, seal.sha256) for name, seal in self.files.items())
        body = [asdict(self.recipe), asdict(self.counts), seals]
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def read_manifest(index: Path) -> Manifest:
    """The manifest of the index that is there.

    Raises:
        IndexMissingError: nothing has been built.
        IndexCorruptError: the manifest is not one that this version wrote.
    """
    path = index / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise IndexMissingError(
            f"There is no index in {index}. Run `python -m rag index`."
        ) from error
    except (OSError, ValueError) as error:
        raise IndexCorruptError(f"{path} cannot be read: {error}. {_REMEDY}") from error
    try:
        if content["recipe"]["schema"] != SCHEMA:
            raise IndexCorruptError(
                f"{path} has schema {content['recipe']['schema']}, expected {SCHEMA}. {_REMEDY}"
            )
        manifest = Manifest(
            recipe=Recipe(**content["recipe"]),
            counts=Counts(**content["counts"]),
            files={name: FileSeal(**seal) for name, seal in content["files"].items()},
            folder=content["folder"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise IndexCorruptError(f"{path} lacks {error}. {_REMEDY}") from error
    if manifest.digest != content.get("digest"):
        raise IndexCorruptError(
            f"{path} has digest {content.get('digest')}, expected {manifest.digest}. {_REMEDY}"
        )
    return manifest


def check_file(index: Path, manifest: Manifest, name: str, *, every_byte: bool) -> Path:
    """The path of one file of the bundle, once its size, or every byte, is seen to be right.

    Small files are always checked to the byte.

    Raises:
        IndexCorruptError: it is missing or not what was written.
    """
    path = index / manifest.folder / name
    seal = manifest.files[name]
    try:
        size = path.stat().st_size
        if size != seal.bytes:
            raise IndexCorruptError(
                f"{path} has {size:,} bytes, expected {seal.bytes:,}. {_REMEDY}"
            )
        if (every_byte or size <= SMALL) and (found := _sha256(path)) != seal.sha256:
            raise IndexCorruptError(f"{path} has sha256 {found}, expected {seal.sha256}. {_REMEDY}")
    except OSError as error:
        raise IndexCorruptError(f"{path} is missing ({error.strerror}). {_REMEDY}") from error
    return path


@contextmanager
def only_builder(index: Path, *, patience: float = 600.0) -> Iterator[None]:
    """Hold the right to build; a second builder waits, up to ``patience`` seconds.

    Raises:
        StoredIndexError: the folder cannot be written, or another build does not end.
    """
    try:
        index.mkdir(parents=True, exist_ok=True)
        with FileLock(index / _LOCK, timeout=patience):
            yield
    except Timeout as error:
        raise StoredIndexError(
            f"Another build of {index} has not ended within {patience:.0f} s; "
            "see whether `python -m rag index` still runs."
        ) from error
    except OSError as error:
        raise StoredIndexError(
            f"{index} cannot be written ({error.strerror}). Make room, or give another folder "
            "with --index."
        ) from error


@contextmanager
def scratch_folder(index: Path) -> Iterator[Path]:
    """An empty folder beside the bundles, gone afterwards unless it was published."""
    folder = index / f".building-{secrets.token_hex(6)}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def seal_files(folder: Path) -> dict[str, FileSeal]:
    """Every file of a folder with its size and sha256, flushed to the disk."""
    seals = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        with path.open("rb") as file:
            os.fsync(file.fileno())
        name = path.relative_to(folder).as_posix()
        seals[name] = FileSeal(path.stat().st_size, _sha256(path))
    return seals


def publish(index: Path, scratch: Path, manifest: Manifest) -> None:
    """Make a finished scratch folder the index, then remove the folders of before."""
    scratch.rename(index / manifest.folder)
    content = asdict(manifest) | {"digest": manifest.digest}
    new = index / f".{MANIFEST}-{secrets.token_hex(6)}"
    with new.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    new.replace(index / MANIFEST)
    _flush_folder(index)
    _remove_leftovers(index, keep=manifest.folder)


def new_folder_name() -> str:
    """A name for a bundle's folder that no other bundle has had."""
    return f"bundle-{secrets.token_hex(8)}"


def _remove_leftovers(index: Path, *, keep: str) -> None:
    """Older bundles, and what killed builds left; called only by the one builder."""
    for path in index.iterdir():
        if path.is_dir() and path.name != keep and path.name.startswith(("bundle-", ".building-")):
            shutil.rmtree(path, ignore_errors=True)
        elif path.name.startswith(f".{MANIFEST}-"):
            path.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
