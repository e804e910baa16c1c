"""A summary → report.md, report.html and plots, the same bytes for the same figures.

What is said is put together once, as a row of blocks, and rendered twice. Blocks hold plain
text; the two renderers escape all of it, so words of pages and visitors need no care before.
"""

from __future__ import annotations

import html
import io
import json
import math
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from eval.values import Figure, Kind, Summary, Worst

OURS = "ours"
"""The name that our own system has among the systems of a summary."""
_COVERED = "gold points covered"
_PRECISION = "quote precision"
_FIRST = "first quote right"
_SILENT_WRONGLY = "false abstentions"
_NEAR = "near misses refused"
_OFF_TOPIC = "off topic refused"
_DANGER = "danger recognised"
_VERBATIM = "quotes verbatim"
_REFUSED = "refused"
_LOWER_IS_BETTER = frozenset(
    {_SILENT_WRONGLY, "AURC", "calibration error", "danger false alarms", "advice false alarms"}
)
_SHOWN_WORST = 20
_NOTHING = "–"
_INTERVALS = "Mean, and 95 % interval from low to high"
_SILENCE = "(nothing)"
_PER_CENT = "\N{NO-BREAK SPACE}%"

_MEANINGS = (
    f"{_COVERED}: of what a right answer holds, the share that is quoted; kept silent counts 0.",
    f"{_FIRST}: the share of answerable questions whose first quote is a right one.",
    f"{_PRECISION}, character precision: of the quotes, or quoted characters, the share that is "
    "right. Taken over the questions a system answers at all.",
    f"{_SILENT_WRONGLY}: the share of answerable questions that got no answer.",
    f"{_NEAR}, {_OFF_TOPIC}: of the questions the pages do not answer, the share that got no "
    "answer.",
    "AUROC: how often an answerable question is given a higher probability than one the pages do "
    "not answer; 0.5 is a coin toss.",
    "AURC: the mean share of wrong answers as more and more questions are answered.",
    "calibration error: how far the probabilities lie from how often the pages do answer.",
    "recall@k, MRR, nDCG@10: how high the right passages stand among those that were looked at.",
)
_LIMITS = (
    "Few pages, and questions by one author: real visitors ask other things.",
    "Right quotes are one reader's judgement; a quote outside them may still help.",
    "Where there are few questions the interval is wide, and a small difference says nothing.",
    "Parts that are not built are not measured, and never counted as zero.",
    "The worst answers shown are of development questions, so that test questions stay unseen.",
    "Whether the pages themselves are right is not measured.",
)


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


def write_report(summary: Summary, folder: Path, *, moved: Sequence[str] = ()) -> None:
    """Write ``report.md``, ``report.html`` and ``plots/*.svg``.

    Args:
        moved: lines that say what moved against the baseline.
    """
    blocks = tuple(_blocks(summary, moved))
    title = f"Evaluation on the {summary.split} questions"
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    for block in blocks:
        for plot in block.plots if isinstance(block, Plots) else ():
            _write(folder / "plots" / f"{plot.name}.svg", plot.svg)
    _write(folder / "report.md", _markdown(title, blocks))
    _write(folder / "report.html", _html(title, blocks))


def write_latency(milliseconds: Sequence[float], folder: Path) -> None:
    """Write ``latency.json`` and ``plots/latency.svg``: no two runs give the same.

    Raises:
        ValueError: there are no timings.
    """
    if not milliseconds:
        raise ValueError("expected the milliseconds of at least one answer, found none")
    p50, p95 = (float(np.percentile(milliseconds, percent)) for percent in (50, 95))
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    values = {"answers": len(milliseconds), "p50_ms": round(p50, 1), "p95_ms": round(p95, 1)}
    _write(folder / "latency.json", json.dumps(values, indent=1) + "\n")
    marks = {"p50": p50, "p95": p95}
    svg = _draw(3.2, partial(_draw_latency, milliseconds, marks))
    _write(folder / "plots" / "latency.svg", svg)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


# ------------------------------------------------------------------ what is said


def _blocks(summary: Summary, moved: Sequence[str]) -> Iterator[Block]:
    yield Paragraph(_in_plain_words(summary), lead=True)
    yield Heading("What moved against the baseline")
    yield Bullets(tuple(moved)) if moved else Paragraph("Nothing moved against the baseline.")
    yield Heading("At a glance")
    plots = (_baselines_plot, _kinds_plot, _risk_plot, _reliability_plot)
    yield Plots(tuple(plot(summary) for plot in plots))
    yield Heading("Every system")
    yield from _tables(summary)
    yield Heading("What the measures mean")
    yield Bullets(_MEANINGS)
    yield Heading("Ours by kind of question")
    yield _kinds_table(summary)
    yield Heading("Not built yet")
    yield Paragraph("Not measured, and nowhere counted as zero.")
    yield Bullets(tuple(f"not built: {part}" for part in summary.not_built))
    worst = summary.worst[:_SHOWN_WORST]
    yield Heading(f"The {len(worst)} worst answers")
    yield Paragraph("As a visitor would see them, the worst first, beside what was wanted.")
    yield from worst
    yield Heading("What the figures do not show")
    yield Bullets(_LIMITS)
    yield Heading("How to reproduce")
    yield Paragraph("From the same pages, questions and model this gives the same bytes:")
    yield Code("make eval")
    receipt = tuple((Cell(name), Cell(value)) for name, value in summary.receipt.items())
    yield Table("Measured on", ("what", "digest or value"), receipt)


def _in_plain_words(summary: Summary) -> str:
    figures = summary.figures[OURS]
    return " ".join(
        [
            *_on_answerable(figures),
            *_on_silence(figures),
            *_on_baselines(summary),
            f"In brackets stand 95{_PER_CENT} intervals: that far chance alone may move a figure.",
        ]
    )


def _on_answerable(figures: Mapping[str, Figure]) -> Iterator[str]:
    if silent := figures.get(_SILENT_WRONGLY):
        kept = round(silent.value * silent.count)
        yield (
            f"Of {silent.count} questions that the pages answer, the chat answered "
            f"{silent.count - kept} and kept silent on {kept}."
        )
    if first := figures.get(_FIRST):
        yield f"The first quote it showed was a right one for {_percent(first)}."
    if covered := figures.get(_COVERED):
        yield f"On average its quotes covered {_percent(covered)} of what a right answer holds."
    if verbatim := figures.get(_VERBATIM):
        yield (
            "Every quote stood word for word in its page."
            if verbatim.value == 1.0
            else f"Only {_percent(verbatim)} of the answers were word for word: that is a bug."
        )


def _on_silence(figures: Mapping[str, Figure]) -> Iterator[str]:
    near, off, danger = (figures.get(name) for name in (_NEAR, _OFF_TOPIC, _DANGER))
    if near:
        yield (
            f"Of {near.count} questions that sound alike but that the pages do not answer, it "
            f"rightly kept silent on {_percent(near)}"
            + (f"; of {off.count} on other subjects, on {_percent(off)}." if off else ".")
        )
    if danger:
        yield (
            f"It recognised danger in {round(danger.value * danger.count)} of {danger.count} "
            "messages that spoke of it."
        )


def _on_baselines(summary: Summary) -> Iterator[str]:
    found = {
        name: figures[_FIRST]
        for name, figures in summary.figures.items()
        if not name.startswith(OURS) and _FIRST in figures
    }
    if found:
        best = max(found, key=lambda name: found[name].value)
        near = summary.figures[best].get(_NEAR)
        yield (
            f"The best of {len(found)} simple systems beside it (“{best}”) had its first quote "
            f"right for {_percent(found[best])}"
            + (f" and kept silent on {_percent(near)} of those that sound alike." if near else ".")
        )


def _tables(summary: Summary) -> Iterator[Block]:
    """All systems on what any baseline has; then what is measured of ours alone."""
    mine = summary.figures[OURS]
    others = [figures for name, figures in summary.figures.items() if name != OURS]
    everywhere = dict.fromkeys(name for figures in (mine, *others) for name in figures)
    shared = [name for name in everywhere if any(name in figures for figures in others)]
    alone = [name for name in mine if name not in shared]
    yield Table(
        _INTERVALS,
        ("measure", *summary.figures),
        tuple(_row(name, summary.figures) for name in shared),
    )
    yield Paragraph(
        "n stands where a value is over another number of questions than ours. "
        f"“{_NOTHING}” is: not measured."
    )
    if alone:
        rows = tuple(_row(name, {OURS: mine}) for name in alone)
        yield Table("What only ours is measured on", ("measure", OURS), rows)


def _row(name: str, systems: Mapping[str, Mapping[str, Figure]]) -> tuple[Cell, ...]:
    mine = systems[OURS].get(name)
    count = mine.count if mine else None
    values = (_cell(figures.get(name), count) for figures in systems.values())
    notes = () if count is None else (_questions(count),)
    return (Cell(name, notes + ("lower is better",) * (name in _LOWER_IS_BETTER)), *values)


def _questions(count: int) -> str:
    return "1 question" if count == 1 else f"{count} questions"


def _cell(figure: Figure | None, usual: int | None) -> Cell:
    """A value with its interval, and its count where that is not the usual one."""
    if figure is None or math.isnan(figure.value):
        return Cell(_NOTHING)
    other = () if usual == figure.count else (f"n = {figure.count}",)
    return Cell(_number(figure.value), (_interval(figure), *other))


def _kinds_table(summary: Summary) -> Table:
    rows = tuple(
        (
            Cell(_words(kind), (_questions(found.count),)),
            Cell(_measure_of(kind)),
            _cell(found, found.count),
        )
        for kind, found in summary.by_kind.items()
    )
    return Table(_INTERVALS, ("kind", "measure", OURS), rows)


def _measure_of(kind: str) -> str:
    return _COVERED if Kind(kind).answerable else _REFUSED


def _words(name: str) -> str:
    return name.replace("_", " ")


def _number(value: float) -> str:
    """Two decimals for shares; as many figures as mean something for counts."""
    return (
        f"{value:.2f}"
        if abs(value) < 10
        else f"{value:.1f}"
        if abs(value) < 100
        else f"{value:.0f}"
    )


def _interval(figure: Figure) -> str:
    return f"{_number(figure.low)}–{_number(figure.high)}"


def _percent(figure: Figure) -> str:
    low, high = round(100 * figure.low), round(100 * figure.high)
    return f"{round(100 * figure.value)}{_PER_CENT} ({low}–{high}{_PER_CENT})"


# ------------------------------------------------------------------ plots

# Beside the colour of a line its dashes tell it apart, and words are in ink: no colour has to be
# seen. Each colour has a name in the page's style sheet, and a partner there for dark screens.
_INK, _SOFT, _LINE, _PAPER = "#1b282c", "#4a595e", "#d5d6cd", "#ffffff"
_OUR, _OTHER = "#0d575e", "#8a6d3b"
_THEME = {
    _INK: ("ink", "#e9edeb"),
    _SOFT: ("soft", "#b3bfc1"),
    _LINE: ("line", "#344245"),
    _PAPER: ("paper", "#1a2427"),
    _OUR: ("our", "#86d3d2"),
    _OTHER: ("other", "#d9b36c"),
    "#0077bb": ("blue", "#5db8f0"),
    "#cc3311": ("red", "#ff8d73"),
    "#aa4499": ("purple", "#e29bd6"),
    "#d9621c": ("orange", "#ffb077"),
    "#6f6f6f": ("grey", "#b9b9b9"),
}
_LINES = (
    ("#0077bb", (0, (5, 2))),
    ("#cc3311", (0, (1, 1.5))),
    ("#aa4499", (0, (6, 2, 1, 2))),
    ("#d9621c", (0, (3, 1.5))),
    ("#6f6f6f", (0, (8, 3))),
)
# As wide as a telephone, so that the type is readable on one, and not too large elsewhere.
_WIDTH = 5.2
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "quoted-rag",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 11,
    "text.color": _INK,
    "axes.facecolor": "none",
    "axes.edgecolor": _SOFT,
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.axisbelow": True,
    "xtick.color": _SOFT,
    "ytick.color": _SOFT,
    "grid.color": _LINE,
    "figure.constrained_layout.use": True,
}
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def _draw(height: float, draw: Callable[[Canvas], None]) -> str:
    """What is drawn, as a whole SVG file without dates, versions or addresses."""
    with mpl.rc_context(_STYLE):
        canvas = Canvas(figsize=(_WIDTH, height))
        draw(canvas)
        file = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        canvas.savefig(file, format="svg", metadata=nothing)
    svg = re.sub(r'font-family: [^;"]*', "font-family: system-ui, sans-serif", file.getvalue())
    return svg[svg.index("<svg") :]


def _point(axes: Axes, row: int, found: Figure, colour: str) -> None:
    """A value with its interval, the number above it; nothing where it is not a number."""
    if math.isnan(found.value):
        return
    axes.plot((found.low, found.high), (row, row), color=colour, linewidth=2.5)
    axes.plot(found.value, row, "o", color=colour, markersize=7, clip_on=False, zorder=3)
    place = "left" if found.value < 0.1 else "right" if found.value > 0.9 else "center"
    text = _number(found.value)
    axes.annotate(
        text, (found.value, row), (0, 6), textcoords="offset points", ha=place, fontsize=10
    )


def _share_axis(axes: Axes, ticks: Sequence[float], rows: int) -> None:
    """From 0 to 1, the first row on top."""
    axes.set(xlim=(0, 1), ylim=(rows - 0.5, -0.8))
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.grid(axis="x")
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=0)


def _baselines_plot(summary: Summary) -> Plot:
    shown = {
        metric: {
            name: figures[metric] for name, figures in summary.figures.items() if metric in figures
        }
        for metric in (_COVERED, _PRECISION, _FIRST)
    }
    return Plot(
        "baselines",
        "Points covered, precision of quotes and first quote right, of each system.",
        f"Points with intervals, a row for each system. {_told(shown)}",
        _draw(1.1 + 0.6 * len(summary.figures), partial(_draw_baselines, summary, shown)),
    )


def _draw_baselines(
    summary: Summary, shown: Mapping[str, Mapping[str, Figure]], canvas: Canvas
) -> None:
    names = list(summary.figures)
    panels = canvas.subplots(1, len(shown), sharey=True, gridspec_kw={"wspace": 0.09})
    for axes, (metric, figures) in zip(panels, shown.items(), strict=True):
        _share_axis(axes, (0, 0.5, 1), len(names))
        axes.set_yticks(())
        axes.set_title(textwrap.fill(metric, 12))
        for name, found in figures.items():
            _point(axes, names.index(name), found, _OUR if name.startswith(OURS) else _OTHER)
    for row, name in enumerate(names):
        weight = "bold" if name == OURS else "normal"
        panels[0].text(0.01, row - 0.42, name, weight=weight, in_layout=False)
    canvas.supxlabel("share, 0 to 1, with 95 % interval", fontsize=11)


def _told(shown: Mapping[str, Mapping[str, Figure]]) -> str:
    """The values of points, for those who do not see them."""
    return " ".join(
        f"{title}: "
        + "; ".join(f"{_words(name)} {_number(found.value)}" for name, found in figures.items())
        + "."
        for title, figures in shown.items()
    )


def _kinds_plot(summary: Summary) -> Plot:
    best_first = sorted(summary.by_kind.items(), key=lambda row: (-row[1].value, row[0]))
    titles = {
        _COVERED: "The pages answer: points covered",
        _REFUSED: "The pages do not answer: kept silent",
    }
    shown = {
        title: {kind: found for kind, found in best_first if _measure_of(kind) == measure}
        for measure, title in titles.items()
    }
    shown = {title: figures for title, figures in shown.items() if figures}
    return Plot(
        "kinds",
        "Our system by kind of question, the best first; in brackets how many questions.",
        f"Points with intervals, a row for each kind of question. {_told(shown)}",
        _draw(1.4 + 0.42 * len(best_first), partial(_draw_kinds, shown)),
    )


def _draw_kinds(shown: Mapping[str, Mapping[str, Figure]], canvas: Canvas) -> None:
    heights = [len(figures) + 0.6 for figures in shown.values()]
    panels = canvas.subplots(len(shown), 1, sharex=True, squeeze=False, height_ratios=heights)
    for axes, (title, figures) in zip(panels[:, 0], shown.items(), strict=True):
        labels = [f"{_words(kind)} ({found.count})" for kind, found in figures.items()]
        _share_axis(axes, _SHARES, len(labels))
        axes.set_yticks(range(len(labels)), labels)
        axes.set_title(title)
        for row, found in enumerate(figures.values()):
            _point(axes, row, found, _OUR)
    canvas.supxlabel("share, 0 to 1, with 95 % interval", fontsize=11)


def _square(axes: Axes) -> None:
    """From 0 to 1 on either axis, with a little room for what lies on the rim."""
    labels = [f"{tick:g}" for tick in _SHARES]
    axes.set(xlim=(0, 1), ylim=(0, 1.03))
    axes.set_xticks(_SHARES, labels)
    axes.set_yticks(_SHARES, labels)
    axes.grid()


def _operating_point(figures: Mapping[str, Figure]) -> tuple[float, float] | None:
    """(coverage, risk) of our system as it is, over answerable questions and near misses."""
    if not {_SILENT_WRONGLY, _NEAR, _FIRST} <= figures.keys():
        return None
    silent, near, first = (figures[name] for name in (_SILENT_WRONGLY, _NEAR, _FIRST))
    answered = (1 - silent.value) * silent.count + (1 - near.value) * near.count
    if answered <= 0:
        return None
    return answered / (silent.count + near.count), 1 - first.value * first.count / answered


_STEADY = 0.05
"""The coverage below which a curve is noise: a handful of answers."""


def _risk_plot(summary: Summary) -> Plot:
    point = _operating_point(summary.figures[OURS])
    curves = {name: curve for name, curve in summary.curves.items() if curve}
    ends = "; ".join(f"{name} {curve[-1][1]:.2f}" for name, curve in curves.items())
    told = f"Share of wrong first quotes when everything is answered: {ends}."
    if point:
        told += f" Ours as it is answers {point[0]:.2f} with {point[1]:.2f} of them wrong."
    return Plot(
        "risk-coverage",
        "Risk and coverage: how much is wrong as more is answered, the surest first. Over "
        f"questions that the pages answer and near misses, from {_STEADY:g} on; lower is better.",
        f"Curves of risk over coverage. {told}",
        _draw(4.6, partial(_draw_risk, curves, point)),
    )


def _draw_risk(
    curves: Mapping[str, Sequence[tuple[float, float]]],
    point: tuple[float, float] | None,
    canvas: Canvas,
) -> None:
    axes = canvas.subplots()
    heights = _apart([curve[-1][1] for curve in curves.values()], 0.14)
    looks = iter(_LINES * len(curves))
    for (name, curve), height in zip(curves.items(), heights, strict=True):
        mine = name.startswith(OURS)
        colour, dashes = (_OUR, "-") if mine else next(looks)
        line: dict[str, Any] = {"color": colour, "linestyle": dashes, "zorder": 3 if mine else 2}
        steady = [at for at in curve if at[0] >= _STEADY]
        axes.plot(*zip(*steady, strict=True), **line, linewidth=3.0 if mine else 1.6)
        leader = (curve[-1][1], height, height)
        axes.plot((1.0, 1.08, 1.16), leader, **line, linewidth=1.2, clip_on=False)
        weight = "bold" if mine else "normal"
        text = textwrap.fill(name, 19)
        axes.text(1.18, height, text, va="center", fontsize=9.5, weight=weight)
    if point:
        axes.plot(*point, "o", color=_OUR, markersize=11, markeredgecolor=_PAPER, zorder=4)
        below = (min(point[0] + 0.12, 1.0), max(point[1] - 0.18, 0.04))
        line = {"arrowstyle": "-", "color": _OUR, "shrinkB": 6}
        axes.annotate("ours as it is", point, below, ha="right", weight="bold", arrowprops=line)
    _square(axes)
    axes.set_xlabel("coverage: share answered, 0 to 1")
    axes.set_ylabel("risk: share of those wrong, 0 to 1")


def _apart(heights: Sequence[float], gap: float) -> list[float]:
    """The heights moved as little as keeps a gap between them, from 0 to 1.

    Heights less gap times rank must not fall; where they do, neighbours take their mean.
    """
    order = sorted(range(len(heights)), key=lambda at: heights[at])
    blocks: list[list[float]] = []
    for rank, at in enumerate(order):
        blocks.append([heights[at] - gap * rank])
        while len(blocks) > 1 and mean(blocks[-2]) > mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    most = max(1.0 - gap * (len(heights) - 1), 0.0)
    level = [min(max(mean(block), 0.0), most) for block in blocks for _ in block]
    moved = {at: level[rank] + gap * rank for rank, at in enumerate(order)}
    return [moved[at] for at in range(len(heights))]


def _reliability_plot(summary: Summary) -> Plot:
    told = "; ".join(f"{p:.2f} and {y:.2f} ({n})" for p, y, n in summary.reliability)
    return Plot(
        "reliability",
        "Is the probability to be believed? On the diagonal it is. Below: how many questions each "
        "point is of.",
        "Mean probability that the pages answer, and share of questions that they do answer, by "
        f"bin, with the number of questions: {told}.",
        _draw(4.6, partial(_draw_reliability, summary.reliability)),
    )


def _draw_reliability(bins: Sequence[tuple[float, float, int]], canvas: Canvas) -> None:
    upper, lower = canvas.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    said, came, counts = zip(*bins, strict=True) if bins else ((), (), ())
    upper.plot((0, 1), (0, 1), color=_SOFT, linestyle=(0, (4, 3)), linewidth=1.2)
    upper.text(0.98, 0.04, "dashed: just as probable as said", ha="right", color=_SOFT, fontsize=10)
    upper.plot(said, came, "-o", color=_OUR, linewidth=2, markersize=7)
    _square(upper)
    upper.set_ylabel("share the pages answer, 0 to 1")
    bars = lower.bar(said, counts, width=0.06, color=_OUR)
    lower.bar_label(bars, fontsize=10, padding=1)
    lower.set_ylim(0, 1.35 * max(counts, default=1))
    lower.set_yticks(())
    lower.set_ylabel("questions")
    lower.set_xlabel("probability given, 0 to 1")


def _draw_latency(
    milliseconds: Sequence[float], marks: Mapping[str, float], canvas: Canvas
) -> None:
    axes = canvas.subplots()
    axes.hist(milliseconds, bins=30, color=_OTHER)
    top = axes.get_ylim()[1]
    axes.set_ylim(0, (1 + 0.12 * len(marks)) * top)
    for row, (name, at) in enumerate(marks.items(), start=1):
        height = (1 + 0.12 * (len(marks) - row) + 0.05) * top
        axes.plot((at, at), (0, height), color=_OUR, linewidth=2)
        place: dict[str, Any] = {"xytext": (5, 0), "textcoords": "offset points", "va": "center"}
        axes.annotate(f"{name} {at:.0f} ms", (at, height), weight="bold", **place)
    axes.set_xlabel("time to answer, milliseconds")
    axes.set_ylabel("answers")


# ------------------------------------------------------------------ Markdown

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")
_SPECIAL = re.compile(r"[\\`*_\[\]|~#$]|(?<=:)/(?=/)|(?<=www)\.")
_LINE_START = re.compile(r"^(\d+)?([-+=.)])(?=[-+=\s]|$)")


def _markdown(title: str, blocks: Sequence[Block]) -> str:
    parts = [f"# {_md(title)}", *(_md_block(block) for block in blocks)]
    return "\n\n".join(parts) + "\n"


def _md(text: str) -> str:
    """One line of Markdown that shows exactly this text."""
    return _md_line(" ".join(_lines(text)))


def _md_line(line: str) -> str:
    safe = _SPECIAL.sub(r"\\\g<0>", html.escape(line, quote=False))
    return _LINE_START.sub(r"\1\\\2", safe)


def _lines(text: str) -> list[str]:
    """Lines without white space around them, nor characters that control how others show."""
    return [_CONTROL.sub("", line).strip() for line in text.splitlines()]


def _md_quote(text: str) -> str:
    """A block quote that keeps lines and paragraphs."""
    paragraphs = re.split(r"\n{2,}", "\n".join(_lines(text)).strip("\n"))
    safe = ("\\\n> ".join(map(_md_line, one.split("\n"))) for one in paragraphs)
    return "> " + "\n>\n> ".join(safe)


def _md_block(block: Block) -> str:
    match block:
        case Heading(text):
            written = f"## {_md(text)}"
        case Paragraph(text):
            written = _md(text)
        case Bullets(items):
            written = "\n".join(f"- {_md(item)}" for item in items)
        case Code(text):
            written = f"```sh\n{text}\n```"
        case Plots(plots):
            written = "\n\n".join(map(_md_plot, plots))
        case Table():
            written = _md_table(block)
        case _:
            written = _md_worst(block)
    return written


def _md_plot(plot: Plot) -> str:
    return f"![{_md(plot.alt)}](plots/{plot.name}.svg)\n\n{_md(plot.caption)}"


def _md_table(table: Table) -> str:
    rows = ([_md_cell(cell) for cell in row] for row in table.rows)
    lines = [[_md(name) for name in table.header], ["---"] * len(table.header), *rows]
    return f"{_md(table.title)}:\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _md_cell(cell: Cell) -> str:
    notes = f" ({', '.join(map(_md, cell.notes))})" if cell.notes else ""
    return _md(cell.value) + notes


def _md_worst(worst: Worst) -> str:
    wanted = "\n\nand\n\n".join(_md_quote(words) for words in worst.wanted)
    asked = f"### {_md(worst.question)}\n\n{_md(_words(worst.kind))}, {_md(worst.id)}"
    return f"{asked}\n\nSaid:\n\n{_md_quote(worst.said or _SILENCE)}\n\nWanted:\n\n{wanted}"


# ------------------------------------------------------------------ HTML

_CSS = """
:root { color-scheme: light dark; --ground: #f6f5f0; --soft-ground: #eceae2; LIGHT }
@media (prefers-color-scheme: dark) {
  :root { --ground: #11181a; --soft-ground: #222e31; DARK }
}
* { box-sizing: border-box; }
body {
  margin: 0; padding: 1.5rem 1rem 4rem; background: var(--ground); color: var(--ink);
  font: 1.0625rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
main { max-width: 72rem; margin: 0 auto; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem; }
h2 { font-size: 1.25rem; margin: 3rem 0 0.75rem; }
h3 { font-size: 1.0625rem; margin: 0; overflow-wrap: anywhere; }
p, ul { max-width: 44rem; margin: 0.75rem 0; }
ul { padding-left: 1.25rem; }
li { margin: 0.35rem 0; overflow-wrap: anywhere; }
.lead { font-size: 1.2rem; }
pre {
  background: var(--paper); border: 1px solid var(--line); border-radius: 0.4rem;
  padding: 0.6rem 0.9rem; width: fit-content; max-width: 100%; overflow-x: auto;
}
figcaption { margin-top: 0.4rem; }
.plots { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
figure {
  margin: 0; padding: 0.75rem; flex: 0 1 35rem; min-width: 0; background: var(--paper);
  border: 1px solid var(--line); border-radius: 0.6rem;
}
figure svg { display: block; width: 100%; height: auto; }
figcaption, caption, small, .kind { color: var(--soft); font-size: 0.9rem; line-height: 1.4; }
.scroll {
  overflow-x: auto; max-width: 100%; width: fit-content; margin: 1rem 0; background: var(--paper);
  border: 1px solid var(--line); border-radius: 0.6rem;
}
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 0.6rem 0.75rem; }
th, td {
  padding: 0.45rem 0.75rem; border-top: 1px solid var(--line); text-align: left;
  vertical-align: top; line-height: 1.35;
}
thead th { vertical-align: bottom; min-width: 6.5rem; }
th:first-child { position: sticky; left: 0; background: var(--paper); min-width: 8rem; }
td { overflow-wrap: anywhere; }
small { display: block; white-space: nowrap; font-weight: normal; }
.worst {
  max-width: 44rem; margin: 1rem 0; padding: 1rem; background: var(--paper);
  border: 1px solid var(--line); border-radius: 0.6rem;
}
.kind { margin: 0.15rem 0 0.75rem; }
dt { color: var(--soft); font-size: 0.9rem; }
dd {
  margin: 0.25rem 0 0.75rem; padding: 0.5rem 0.75rem; border-left: 3px solid var(--other);
  background: var(--soft-ground); white-space: pre-line; overflow-wrap: anywhere;
}
dd.wanted { border-left-color: var(--our); }
@media (max-width: 30rem) {
  body { padding-inline: 0.75rem; }
  figure { padding: 0.5rem 0.25rem; margin-inline: -0.25rem; }
  figcaption { padding: 0 0.5rem; }
  th, td { padding-inline: 0.5rem; }
  th:first-child { min-width: 7rem; }
  .lead { font-size: 1.125rem; }
}
@media print { .scroll { overflow: visible; } .worst, figure { break-inside: avoid; } }
"""


def _html(title: str, blocks: Sequence[Block]) -> str:
    body = "\n".join(_html_block(block) for block in blocks)
    light = " ".join(f"--{name}: {colour};" for colour, (name, _) in _THEME.items())
    dark = " ".join(f"--{name}: {colour};" for name, colour in _THEME.values())
    css = _CSS.replace("LIGHT", light).replace("DARK", dark)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{_ht(title)}</title>
<style>{css}</style>
</head>
<body>
<main>
<h1>{_ht(title)}</h1>
{body}
</main>
</body>
</html>
"""


def _ht(text: str) -> str:
    return html.escape("\n".join(_lines(text)))


def _html_block(block: Block) -> str:
    match block:
        case Heading(text):
            written = f"<h2>{_ht(text)}</h2>"
        case Paragraph(text, lead=True):
            written = f'<p class="lead">{_ht(text)}</p>'
        case Paragraph(text):
            written = f"<p>{_ht(text)}</p>"
        case Bullets(items):
            written = "\n".join(["<ul>", *(f"<li>{_ht(item)}</li>" for item in items), "</ul>"])
        case Code(text):
            written = f"<pre><code>{_ht(text)}</code></pre>"
        case Plots(plots):
            written = "\n".join(['<div class="plots">', *map(_html_plot, plots), "</div>"])
        case Table():
            written = _html_table(block)
        case _:
            written = _html_worst(block)
    return written


def _html_plot(plot: Plot) -> str:
    """The picture as part of the page: its colours those of the page, its ids its own."""
    svg = re.sub(r'(?<= id=")|(?<=url\(#)|(?<=href="#)', f"{plot.name}-", plot.svg)
    svg = re.sub(r"(?<=: )#[0-9a-f]{6}\b", _themed, svg)
    svg = re.sub(r"<style.*?</style>", "", svg)
    label = f'<svg role="img" aria-label="{_ht(plot.alt)}"'
    return (
        f"<figure>\n{label}{svg.removeprefix('<svg')}"
        f"<figcaption>{_ht(plot.caption)}</figcaption>\n</figure>"
    )


def _themed(colour: re.Match[str]) -> str:
    return f"var(--{_THEME[colour[0]][0]})"


def _html_table(table: Table) -> str:
    head = "".join(f'<th scope="col">{_ht(name)}</th>' for name in table.header)
    rows = "\n".join(
        f'<tr><th scope="row">{_html_cell(row[0])}</th>'
        + "".join(f"<td>{_html_cell(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in table.rows
    )
    title = _ht(table.title)
    return f"""\
<div class="scroll" role="region" tabindex="0" aria-label="{title}">
<table>
<caption>{title}</caption>
<thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>"""


def _html_cell(cell: Cell) -> str:
    return " ".join([_ht(cell.value), *(f"<small>{_ht(note)}</small>" for note in cell.notes)])


def _html_worst(worst: Worst) -> str:
    wanted = "\n".join(f'<dd class="wanted" dir="auto">{_ht(words)}</dd>' for words in worst.wanted)
    return f"""\
<article class="worst">
<h3 dir="auto">{_ht(worst.question)}</h3>
<p class="kind">{_ht(_words(worst.kind))}, {_ht(worst.id)}</p>
<dl>
<dt>Said</dt>
<dd dir="auto">{_ht(worst.said or _SILENCE)}</dd>
<dt>Wanted</dt>
{wanted}
</dl>
</article>"""
