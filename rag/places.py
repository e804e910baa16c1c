"""Whether a question places a clinic in a town or country that no page is about."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rag.datatypes import Document, ModelError

_PLACES = Path(__file__).with_name("places.txt")
_CLINIC = r"(?:clinic|branch|office|site|cent(?:re|er)|hospital|location|practice)(?:e?s)?"
# "The Leeds people" are a clinic's; "people in Leeds" live there.
_TEAM = rf"(?:{_CLINIC}|people|place|lot|one|crowd|team)"
_NEAR = r"\b(?:over |up |down )?(?:in|at|near|around)"
# Who says where they themselves are does not say which clinic they mean.
_SELF = r"\b(?:(?:i['’]?m|i am|we['’]?re|we are|live|lives|living)(?: \w+){0,2}|based) "


@dataclass(frozen=True, slots=True)
class Places:
    """How a place no page is about stands in a question.

    ``clinic`` is where it is a clinic's beyond doubt ("the Leeds clinic", "Leeds: how long?"),
    ``bare`` where it only stands after "in" or "near", ``self`` where somebody says that
    they are there, and ``phrase`` all that would go with it if it were left out.
    """

    clinic: re.Pattern[str]
    bare: re.Pattern[str]
    self: re.Pattern[str]
    phrase: re.Pattern[str]

    def away(self, question: str, *, named: bool) -> bool:
        """Whether the question is about a clinic in such a place.

        Args:
            question: as it was typed.
            named: whether it also names one of the pages, which then is what it asks about
                unless a clinic is placed away in so many words.
        """
        plain = " ".join(question.split())
        if self.clinic.search(plain):
            return True
        return not named and self.bare.search(self.self.sub(" ", plain)) is not None

    def without(self, question: str) -> str:
        """The question without such places, to ask the same of a page that is named."""
        return " ".join(self.phrase.sub(" ", question).split())


def read_places(documents: Iterable[Document], path: Path = _PLACES) -> Places:
    """The places of ``places.txt``, without those that a page or its source names.

    Raises:
        ModelError: the file cannot be read.
    """
    told = "\n".join(
        text for page in documents for text in (page.text, *page.source.names)
    ).casefold()
    names = [
        re.escape(name)
        for name in sorted(place_names(path), key=len, reverse=True)
        if not _stands_in(name.casefold(), told)
    ]
    place = f"(?:{'|'.join(names) or '(?!)'})"
    clinic = (
        rf"\b{place}['’]?s? (?:\w+ )?{_TEAM}\b|\b{_CLINIC} {_NEAR} {place}\b"
        rf"|^\W*{place} ?(?:[-–:,?]|$)|\b(?:you|your lot|your people) in {place}\b"
    )
    phrase = (
        rf"(?:\b(?:in|at|near|around|from|of|by|with) )?(?:\b(?:the|your) )?"
        rf"\b{place}['’]?s?(?: {_TEAM})?\b"
    )
    return Places(
        re.compile(clinic, re.I),
        re.compile(rf"{_NEAR} {place}\b", re.I),
        re.compile(rf"{_SELF}{_NEAR} {place}\b", re.I),
        re.compile(phrase, re.I),
    )


def place_names(path: Path = _PLACES) -> tuple[str, ...]:
    """The towns, states and countries of ``places.txt``.

    Raises:
        ModelError: the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path.name} cannot be read: {error!r}. Install this again.") from error
    return tuple(name for name in lines if name and not name.startswith("#"))


def _stands_in(name: str, told: str) -> bool:
    return name in told and re.search(rf"\b{re.escape(name)}\b", told) is not None
