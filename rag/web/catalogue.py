"""Every word of our own on the page, from one file for each language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, TypeVar, get_type_hints

from rag.datatypes import InputError

_LANGUAGES: Final = Path(__file__).parent / "languages"


@dataclass(frozen=True, slots=True)
class ScriptTexts:
    """What the page's own script says; its keys are the script's names for them."""

    language: str
    loading: str
    back: str
    unreachable: str
    comments: str
    comments_note: str
    as_read: str
    quote_of: str
    previous: str
    next: str
    copy_quote: str
    copied_quote: str
    copied: str
    copy_failed: str
    link_copied: str
    answer: str
    offline: str
    lost: str
    broken: str
    busy: str
    restored: str
    failed: str
    thanks: str
    reason_label: str
    reason_hint: str
    send: str
    not_sent: str


@dataclass(frozen=True, slots=True)
class Texts:
    """The catalogue of one language; the file of the language says what each text is for."""

    tab_title: str
    brand: str
    heading: str
    what: str
    how: str
    limits: str
    kept_nothing: str
    kept_unanswered: str
    one_page: str
    pages: str
    numbers: tuple[str, ...]
    unnamed_one: str
    unnamed_more: str
    and_last: str
    sources_link: str
    privacy_link: str
    back_to_chat: str
    opens_apart: str
    examples_heading: str
    examples: tuple[str, ...]
    box_label: str
    box_placeholder: str
    ask: str
    start_again: str
    working: str
    conversation_label: str
    emergency_us_first: str
    emergency_uk_first: str
    heard_one: str
    heard_more: str
    heard_differ: str
    heard_help: str
    understood: str
    pages_say: str
    pages_say_generally: str
    pages_say_besides: str
    silent_alone: str
    differ: str
    comment: str
    open_source: str
    copy: str
    copy_which: str
    more: str
    left_out: str
    all_left_out: str
    ask_next: str
    change_question: str
    copy_link: str
    helped: str
    helpful: str
    not_helpful: str
    trouble: str
    sources_title: str
    sources_lede: str
    sources_publisher: str
    sources_region: str
    sources_region_unknown: str
    sources_date: str
    sources_undated: str
    sources_kind: str
    sources_kind_unknown: str
    sources_reviewer: str
    unnamed_publisher: str
    excluded_heading: str
    excluded_comments: str
    excluded_references: str
    excluded_boilerplate: str
    excluded_other: str
    page_as_read: str
    page_missing: str
    privacy_title: str
    privacy_short_nothing: str
    privacy_short_kept: str
    privacy_heading: str
    privacy_whole: tuple[str, ...]
    privacy_nothing: tuple[str, ...]
    privacy_kept: tuple[str, ...]
    script: ScriptTexts


Catalogue = TypeVar("Catalogue", Texts, ScriptTexts)


def read_texts(language: str, *, folder: Path = _LANGUAGES) -> Texts:
    """The catalogue of ``language``.

    Raises:
        InputError: there is no such language, or its file lacks a text or holds one too many.
    """
    known = sorted(path.stem for path in folder.glob("*.toml"))
    if language not in known:
        raise InputError(f"The setting language takes {' or '.join(known)}, not {language!r}.")
    path = folder / f"{language}.toml"
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
    return _read(Texts, given, path)


def _read(kind: type[Catalogue], given: Mapping[str, object], path: Path) -> Catalogue:
    names = {field.name for field in fields(kind)}
    if lacking := sorted(names - set(given)):
        raise InputError(f"{path} lacks {', '.join(lacking)}. Write them there.")
    if strange := sorted(set(given) - names):
        raise InputError(f"{path} has {', '.join(strange)}, which nothing shows. Take them out.")
    hints = get_type_hints(kind)
    return kind(**{name: _text(hints[name], name, given[name], path) for name in names})


def _text(wanted: object, name: str, value: object, path: Path) -> Any:  # noqa: ANN401 - as wanted
    if wanted is ScriptTexts and isinstance(value, dict):
        return _read(ScriptTexts, value, path)
    if wanted is str and isinstance(value, str):
        return value
    if wanted == tuple[str, ...] and isinstance(value, list):
        return tuple(_text(str, name, part, path) for part in value)
    raise InputError(f"{name} in {path} is {type(value).__name__}, which is not what it takes.")
