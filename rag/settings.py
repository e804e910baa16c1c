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
LOG_LEVELS = ("debug", "info", "warning", "error")
_LEAST = {
    "chunk_tokens": 32,
    "file_bytes": 1,
    "question_characters": 1,
    "retrieved_chunks": 1,
    "quotes": 1,
    "port": 0,
    "records_days": 1,
    "at_once": 1,
    "waiting": 1,
}
_MOST = {"records_days": 36_500}


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
    records: str = str(ROOT / "records" / "records.sqlite3")
    """Where votes and unanswered questions are kept: a file or a database's URL; "" keeps none."""
    records_days: int = 30
    """After how many days they are deleted."""
    hosts: str = ""
    """Names under which the chat may be asked for, parted by commas; its own address always is."""
    root_path: str = ""
    """The path under which a proxy shows the chat, such as /help."""
    trusted_proxies: str = ""
    """Addresses or networks of proxies whose X-Forwarded-For is believed, parted by commas."""
    rate_ask: str = "30/minute"
    """How often one visitor may ask on the page; "" is without limit."""
    rate_script: str = "20/minute"
    """How often one address may ask POST /api/ask; "" is without limit."""
    rate_rest: str = "1200/minute"
    """How often one address may ask for anything else; "" is without limit."""
    at_once: int = 2
    """How many questions are answered at once, of visitors and of scripts each."""
    waiting: int = 40
    """How many more may wait, of visitors and of scripts each, before others are sent away."""
    log: str = "warning"
    """From which level on the server writes its log: debug, info, warning or error."""


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
    for name, most in _MOST.items():
        value = getattr(settings, name)
        if value > most:
            raise InputError(f"The setting {name} takes at most {most}, not {value}.")
    if settings.region not in REGIONS:
        raise InputError(
            f"The setting region takes {' or '.join(REGIONS)}, not {settings.region!r}."
        )
    if settings.log not in LOG_LEVELS:
        raise InputError(
            f"The setting log takes one of {', '.join(LOG_LEVELS)}, not {settings.log!r}."
        )
    if settings.root_path and not re.fullmatch(r"(/[\w.~-]+)+", settings.root_path):
        raise InputError(
            f"The setting root_path takes a path such as /help, not {settings.root_path!r}."
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
