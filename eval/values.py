"""What the evaluation passes around: questions, what a system said, figures."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What sort of question it is; see ``eval/README.md``."""

    FACTOID = "factoid"
    LIST = "list"
    DURATION = "duration"
    PROCESS = "process"
    COMPARISON = "comparison"
    DISAGREEMENT = "disagreement"
    DEFINITION = "definition"
    RISK = "risk"
    ATTRIBUTION = "attribution"
    FOLLOW_UP = "follow_up"
    NEAR_MISS = "near_miss"
    OFF_TOPIC = "off_topic"
    ADVICE = "advice"
    DANGER = "danger"
    GREETING = "greeting"
    INJECTION = "injection"

    @property
    def answerable(self) -> bool:
        """Whether the pages answer such a question."""
        return self in _ANSWERABLE


_ANSWERABLE = frozenset(
    {
        Kind.FACTOID,
        Kind.LIST,
        Kind.DURATION,
        Kind.PROCESS,
        Kind.COMPARISON,
        Kind.DISAGREEMENT,
        Kind.DEFINITION,
        Kind.RISK,
        Kind.ATTRIBUTION,
        Kind.FOLLOW_UP,
    }
)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Characters [start, end) of a page."""

    document: str
    start: int
    end: int

    @property
    def length(self) -> int:
        """How many characters."""
        return self.end - self.start

    def shared(self, other: Place) -> int:
        """How many characters two places have in common."""
        if self.document != other.document:
            return 0
        return max(min(self.end, other.end) - max(self.start, other.start), 0)


@dataclass(frozen=True, slots=True)
class Twin:
    """The same question with one attribute swapped, so that the pages do not answer it."""

    question: str


@dataclass(frozen=True, slots=True)
class Question:
    """One of the fixed set.

    ``points`` are what a right answer covers, each a group of interchangeable places.
    """

    id: str
    topic: str
    split: str
    kind: Kind
    style: str
    history: tuple[str, ...]
    words: str
    points: tuple[tuple[Place, ...], ...]
    must: tuple[str, ...]
    must_not: tuple[str, ...]
    twin: Twin | None


@dataclass(frozen=True, slots=True)
class Said:
    """What a system said to one question.

    ``quotes`` are only those that answer; ``verbatim`` is whether every quote shown, of
    any role, is its slice of its page. ``retrieved`` are the chunks it looked at, best
    first. ``probability`` is that the pages answer, None where that was not asked;
    ``understood`` the question that was searched, ``differ`` whether sources were said to.
    """

    question: str
    kind: str
    probability: float | None
    quotes: tuple[Place, ...]
    verbatim: bool
    retrieved: tuple[Place, ...]
    text: str
    understood: str = ""
    differ: bool = False

    @property
    def answered(self) -> bool:
        """Whether it gave any quote as an answer."""
        return bool(self.quotes)


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value with its 95 % interval, and over how many questions."""

    value: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything a report shows.

    ``figures`` holds for each system its metrics in the order they are shown; ``by_kind``
    for each kind of question the main metric of our own system; ``curves`` the
    (coverage, risk) points of each system; ``reliability`` our (mean probability, share
    answerable, count) by bin; ``worst`` the worst answers with what they scored.
    """

    split: str
    questions: int
    figures: dict[str, dict[str, Figure]]
    by_kind: dict[str, Figure]
    curves: dict[str, tuple[tuple[float, float], ...]]
    reliability: tuple[tuple[float, float, int], ...]
    worst: tuple[Worst, ...]
    not_built: tuple[str, ...]
    receipt: dict[str, str]


@dataclass(frozen=True, slots=True)
class Worst:
    """An answer that went wrong, as a visitor would see it, and what was wanted."""

    id: str
    kind: str
    question: str
    said: str
    wanted: tuple[str, ...]
    score: float
