"""Whether a question places a clinic in a town or country that no page is about."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rag.datatypes import Document, ModelError

_PLACES = Path(__file__).with_name("places.txt")
_CLINIC = (
    r"(?:clinic|branch|people|place|lot|office|site|cent(?:re|er)|one|crowd|team|hospital"
    r"|location|practice)(?:e?s)?"
)
# Who says where they themselves are does not say which clinic they mean.
_SELF = r"\b(?:i['’]?m|i am|we['’]?re|we are|live|lives|living|based|from)\b[^.?!]*"


@dataclass(frozen=True, slots=True)
class Places:
    """How a place no page is about stands in a question.

    ``clinic`` is where it is a clinic's beyond doubt ("the Leeds clinic", "Leeds: how long?"),
    ``bare`` where it only stands after "in" or "near", and ``self`` where somebody says that
    they are there.
    """

    clinic: re.Pattern[str]
    bare: re.Pattern[str]
    self: re.Pattern[str]

    def elsewhere(self, question: str, *, named: bool) -> bool:
        """Whether the question is about such a place.

        Args:
            question: as it was typed.
            named: whether it also names one of the pages, which then is what it asks about
                unless a clinic is placed elsewhere in so many words.
        """
        if self.clinic.search(question):
            return True
        placed = not named and self.bare.search(question) is not None
        return placed and self.self.search(question) is None


def read_places(documents: Iterable[Document], path: Path = _PLACES) -> Places:
    """The places of ``places.txt``, without those that a page or its source names.

    Raises:
        ModelError: the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path.name} cannot be read: {error!r}. Install this again.") from error
    told = "\n".join(
        text for page in documents for text in (page.text, *page.source.names)
    ).casefold()
    names = [
        re.escape(name)
        for name in sorted(lines, key=len, reverse=True)
        if name and not name.startswith("#") and not _stands_in(name.casefold(), told)
    ]
    place = f"(?:{'|'.join(names) or '(?!)'})"
    near = r"\b(?:in|at|near|around|to|over in|up in|down in)"
    clinic = (
        rf"\b{place}['’]?s?\s+(?:\w+\s+)?{_CLINIC}\b|\b{_CLINIC} {near} {place}\b"
        rf"|^\W*{place}\s*(?:[-–:,?]|$)|\b(?:you|your lot) in {place}\b"
    )
    return Places(
        re.compile(clinic, re.I),
        re.compile(rf"{near} {place}\b", re.I),
        re.compile(rf"{_SELF}{near} {place}\b", re.I),
    )


def _stands_in(name: str, told: str) -> bool:
    return name in told and re.search(rf"\b{re.escape(name)}\b", told) is not None
