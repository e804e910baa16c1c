"""What a report is made of, before it is Markdown or HTML, and the words all of it uses."""

from __future__ import annotations

from dataclasses import dataclass

from eval.values import Kind, Worst

OURS = "ours"
COVERED = "gold points covered"
PRECISION = "quote precision"
FIRST = "first quote right"
SILENT_WRONGLY = "false abstentions"
NEAR = "near misses refused"
REFUSED = "refused"
SILENCE = "(nothing)"


@dataclass(frozen=True, slots=True)
class Heading:
    """Begins a part of the report."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; the lead is the one read first."""

    text: str
    lead: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Something to type."""

    text: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A value, and in smaller type what belongs to it."""

    value: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """The first cell of each row names the row."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture as a whole SVG file, and what it shows in words."""

    name: str
    caption: str
    alt: str
    svg: str


@dataclass(frozen=True, slots=True)
class Plots:
    """Pictures that go side by side where there is room."""

    plots: tuple[Plot, ...]


Block = Heading | Paragraph | Bullets | Code | Table | Plots | Worst


def measure_of(kind: str) -> str:
    """What is measured of a kind of question."""
    return COVERED if Kind(kind).answerable else REFUSED


def words(name: str) -> str:
    """A name in words."""
    return name.replace("_", " ")


def number(value: float) -> str:
    """Two decimals for shares; as many figures as mean something for counts."""
    return (
        f"{value:.2f}"
        if abs(value) < 10
        else f"{value:.1f}"
        if abs(value) < 100
        else f"{value:.0f}"
    )
