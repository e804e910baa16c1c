"""The plots of a report, as SVG: the same bytes for the same figures."""

from __future__ import annotations

import io
import math
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import mean
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from eval.report_blocks import (
    COVERED,
    FIRST,
    NEAR,
    OURS,
    PRECISION,
    REFUSED,
    SILENT_WRONGLY,
    Plot,
    measure_of,
    number,
    words,
)
from eval.values import Figure, Summary

# Beside the colour of a line its dashes tell it apart, and words are in ink: no colour has to be
# seen. Each colour has a name in the page's style sheet, and a partner there for dark screens.
_INK, _SOFT, _LINE, _PAPER = "#1b282c", "#4a595e", "#d5d6cd", "#ffffff"
_OUR, _OTHER = "#0d575e", "#8a6d3b"
THEME = {
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


def draw(height: float, draw: Callable[[Canvas], None]) -> str:
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
    text = number(found.value)
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


def baselines_plot(summary: Summary) -> Plot:
    """Every system side by side."""
    shown = {
        metric: {
            name: figures[metric] for name, figures in summary.figures.items() if metric in figures
        }
        for metric in (COVERED, PRECISION, FIRST)
    }
    return Plot(
        "baselines",
        "Points covered, precision of quotes and first quote right, of each system.",
        f"Points with intervals, a row for each system. {_told(shown)}",
        draw(1.1 + 0.6 * len(summary.figures), partial(_draw_baselines, summary, shown)),
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
        + "; ".join(f"{words(name)} {number(found.value)}" for name, found in figures.items())
        + "."
        for title, figures in shown.items()
    )


def kinds_plot(summary: Summary) -> Plot:
    """Our system by kind of question."""
    best_first = sorted(summary.by_kind.items(), key=lambda row: (-row[1].value, row[0]))
    titles = {
        COVERED: "The pages answer: points covered",
        REFUSED: "The pages do not answer: kept silent",
    }
    shown = {
        title: {kind: found for kind, found in best_first if measure_of(kind) == measure}
        for measure, title in titles.items()
    }
    shown = {title: figures for title, figures in shown.items() if figures}
    return Plot(
        "kinds",
        "Our system by kind of question, the best first; in brackets how many questions.",
        f"Points with intervals, a row for each kind of question. {_told(shown)}",
        draw(1.4 + 0.42 * len(best_first), partial(_draw_kinds, shown)),
    )


def _draw_kinds(shown: Mapping[str, Mapping[str, Figure]], canvas: Canvas) -> None:
    heights = [len(figures) + 0.6 for figures in shown.values()]
    panels = canvas.subplots(len(shown), 1, sharex=True, squeeze=False, height_ratios=heights)
    for axes, (title, figures) in zip(panels[:, 0], shown.items(), strict=True):
        labels = [f"{words(kind)} ({found.count})" for kind, found in figures.items()]
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
    if not {SILENT_WRONGLY, NEAR, FIRST} <= figures.keys():
        return None
    silent, near, first = (figures[name] for name in (SILENT_WRONGLY, NEAR, FIRST))
    answered = (1 - silent.value) * silent.count + (1 - near.value) * near.count
    if answered <= 0:
        return None
    return answered / (silent.count + near.count), 1 - first.value * first.count / answered


_STEADY = 0.05
"""The coverage below which a curve is noise: a handful of answers."""


def risk_plot(summary: Summary) -> Plot:
    """Risk over coverage of every system."""
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
        draw(4.6, partial(_draw_risk, curves, point)),
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


def reliability_plot(summary: Summary) -> Plot:
    """Our probabilities beside what came true."""
    told = "; ".join(f"{p:.2f} and {y:.2f} ({n})" for p, y, n in summary.reliability)
    return Plot(
        "reliability",
        "Is the probability to be believed? On the diagonal it is. Below: how many questions each "
        "point is of.",
        "Mean probability that the pages answer, and share of questions that they do answer, by "
        f"bin, with the number of questions: {told}.",
        draw(4.6, partial(_draw_reliability, summary.reliability)),
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


def draw_latency(milliseconds: Sequence[float], marks: Mapping[str, float], canvas: Canvas) -> None:
    """Draw how long answers took, with p50 and p95 marked."""
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
