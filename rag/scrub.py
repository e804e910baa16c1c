"""Words without what tells who wrote them: e-mails, numbers, addresses, birth dates, names.

What goes is replaced by its kind in brackets. Rules without a model (``scrub.toml``): what they
find of planted examples, and what they miss, is in docs/privacy.md.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rag.datatypes import ModelError
from rag.names import Cue, PersonNames, person_names
from rag.places import place_names

_TABLE = Path(__file__).with_name("scrub.toml")
_DOSE: Final = re.compile(
    r"\d+(?:mgs?|mcg|ug|g|kg|ml|iu|k|s|th|hrs?|h|x|am|pm|gbp|usd|nm|hz)", re.IGNORECASE
)
_TRIAL: Final = re.compile(r"nct\d{8}", re.IGNORECASE)
_PRESSURE: Final = re.compile(r"\d{2,3}/\d{2,3}")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_DECIMALS: Final = re.compile(r"\d{1,3}(?:\.\d{1,2})?")
# Whom to call in danger: numbers that are nobody's own.
_HELP: Final = frozenset({"111", "112", "116123", "18002221222", "911", "988", "999"})


@dataclass(frozen=True, slots=True)
class Scrubber:
    """Takes out of words what tells who wrote them."""

    patterns: tuple[tuple[str, re.Pattern[str]], ...] = field(repr=False)
    names: PersonNames = field(repr=False)

    def scrub(self, words: str) -> str:
        """``words`` with e-mails, links, birth dates, addresses, numbers and names in brackets."""
        for kind, pattern in self.patterns:
            words = pattern.sub(_replaced(kind), words)
        for span in reversed(self.names.spans(words)):
            words = f"{words[: span.start]}[name]{words[span.end :]}"
        return words


def read_scrubber(
    *, known: Iterable[str], public: Iterable[str] = (), path: Path = _TABLE
) -> Scrubber:
    """A scrubber that leaves alone the words which questions here are made of.

    Args:
        known: those words, in small letters.
        public: people whom the pages themselves name.
        path: the reviewed patterns and lists.

    Raises:
        ModelError: they cannot be read.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"{path.name} cannot be read: {error!r}. Install this again.") from error
    parts: dict[str, str] = {}
    for name, pattern in table["part"].items():
        parts[name] = _put_together(pattern, parts)
    compiled = [
        (group["kind"], re.compile(_put_together(pattern, parts), re.IGNORECASE))
        for group in table["scrubbed"]
        for pattern in group["patterns"]
    ]
    cues = [
        (Cue(need), re.compile(_put_together(pattern, parts), re.IGNORECASE | re.MULTILINE))
        for need, patterns in table["cue"].items()
        for pattern in patterns
    ]
    places = (word.lower() for name in place_names() for word in name.split())
    names = person_names(table["words"], cues, known=(*known, *places), public=public)
    return Scrubber(tuple(compiled), names)


def _put_together(pattern: str, parts: Mapping[str, str]) -> str:
    for name, part in parts.items():
        pattern = pattern.replace(f"{{{name}}}", part)
    return pattern


def _replaced(kind: str) -> Callable[[re.Match[str]], str]:
    def replaced(found: re.Match[str]) -> str:
        cue = found.groupdict().get("cue") or ""
        if kind == "number" and _is_said(found[0].removeprefix(cue)):
            return found[0]
        return f"{cue}[{kind}]"

    return replaced


def _is_said(number: str) -> bool:
    """Whether figures are years, doses, a blood pressure …, which tell nothing of who asks."""
    number = number.strip("() ")
    runs = re.findall(r"\d+", number)
    if runs and all(_YEAR.fullmatch(run) for run in runs):
        return True
    if "".join(runs) in _HELP:
        return True
    if any(form.fullmatch(number) for form in (_DOSE, _TRIAL, _PRESSURE)):
        return True
    parts = re.split(r"[\s/–-]+", number)
    return "." in number and all(_DECIMALS.fullmatch(part) for part in parts)
