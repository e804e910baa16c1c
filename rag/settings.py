"""One frozen ``Settings``, read once from the environment and an optional file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from rag.datatypes import InputError

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "RAG_"


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
    host: str = "127.0.0.1"
    """The address that the chat listens on."""
    port: int = 7860
    """The port that the chat listens on."""


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from ``RAG_*`` variables over the file that ``RAG_SETTINGS`` names, if any.

    Raises:
        InputError: a name is unknown, or a value is not of the setting's type.
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
    return Settings(**{name: _convert(name, value) for name, value in given.items()})  # type: ignore[arg-type]


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


def _convert(name: str, value: object) -> Path | int | float | str:
    default = getattr(Settings(), name)
    try:
        return type(default)(value) if not isinstance(default, Path) else Path(str(value))
    except ValueError as error:
        kind = {int: "a whole number", float: "a number"}[type(default)]
        raise InputError(f"The setting {name} takes {kind}, not {value!r}.") from error
