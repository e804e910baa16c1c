"""One frozen ``Settings``, read once from the environment and an optional file."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from rag.datatypes import InputError

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "RAG_"
REGIONS = ("US", "UK")
_LEAST = {
    "chunk_tokens": 32,
    "file_bytes": 1,
    "question_characters": 1,
    "retrieved_chunks": 1,
    "quotes": 1,
    "port": 0,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set; each name is also RAG_<NAME> in the environment."""

    corpus: Path = ROOT / "corpus"
    """The folder of pages."""
    index: Path = ROOT / "index"
    """Where the index is kept."""
    chunk_tokens: int = 160
    """The most a chunk may hold, headings included, in tiktoken tokens."""
    file_bytes: int = 5_000_000
    """The largest file that is read, in bytes."""
    question_characters: int = 2_000
    """The longest question that is searched, in characters."""
    retrieved_chunks: int = 16
    """How many chunks are read closely for one question."""
    quotes: int = 4
    """The most statements an answer quotes."""
    region: str = "US"
    """Whose emergency numbers come first: US or UK."""
    home_publisher: str = ""
    """Whose contact line is offered first; none by default."""
    language: str = "en"
    """The language of the page: a file of rag/web/languages."""
    host: str = "127.0.0.1"
    """The address that the chat listens on."""
    port: int = 7860
    """The port that the chat listens on."""


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from ``RAG_*`` variables over the file that ``RAG_SETTINGS`` names, if any.

    Raises:
        InputError: a name in the file is unknown, or a value is not one the setting takes.
    """
    given: dict[str, object] = {}
    file = environment.get(PREFIX + "SETTINGS")
    if file:
        given.update(_read_file(Path(file)))
    names = {field.name for field in fields(Settings)}
    for key, value in environment.items():
        name = key.removeprefix(PREFIX).lower()
        if key.startswith(PREFIX) and key != PREFIX + "SETTINGS" and name in names:
            given[name] = value
    settings = Settings(**{name: _convert(name, value) for name, value in given.items()})  # type: ignore[arg-type]
    _check_ranges(settings)
    return settings


def _read_file(path: Path) -> dict[str, object]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"The settings file {path} cannot be read: {error}.") from error
    names = {field.name for field in fields(Settings)}
    unknown = sorted(set(values) - names)
    if unknown:
        raise InputError(
            f"{path} sets {', '.join(unknown)}, which is no setting; "
            f"the settings are {', '.join(sorted(names))}."
        )
    return values


def _check_ranges(settings: Settings) -> None:
    for name, least in _LEAST.items():
        value = getattr(settings, name)
        if value < least:
            raise InputError(f"The setting {name} takes at least {least}, not {value}.")
    if settings.region not in REGIONS:
        raise InputError(
            f"The setting region takes {' or '.join(REGIONS)}, not {settings.region!r}."
        )


def _convert(name: str, value: object) -> Path | int | str:
    default = getattr(Settings(), name)
    if isinstance(default, int):
        if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d+", str(value).strip()):
            raise InputError(f"The setting {name} takes a whole number, not {value!r}.")
        return int(str(value))
    if not str(value) and isinstance(default, Path):
        raise InputError(f"The setting {name} takes a folder, not nothing.")
    return Path(str(value)) if isinstance(default, Path) else str(value)
