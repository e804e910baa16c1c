"""A summary → report.md, report.html and plots, the same bytes for the same figures.

What is said is put together once, as a row of blocks, and rendered twice. Blocks hold plain
text; the two renderers escape all of it, so words of pages and visitors need no care before.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from eval.report_blocks import (
    COVERED,
    FIRST,
    NEAR,
    OURS,
    PRECISION,
    SILENT_WRONGLY,
    Block,
    Bullets,
    Cell,
    Code,
    Heading,
    Paragraph,
    Plots,
    Table,
    measure_of,
    number,
    words,
)
from eval.report_markup import as_html, as_markdown
from eval.report_plots import (
    baselines_plot,
    draw,
    draw_latency,
    kinds_plot,
    reliability_plot,
    risk_plot,
)
from eval.values import Figure, Summary

"""The name that our own system has among the systems of a summary."""
_OFF_TOPIC = "off topic refused"
_DANGER = "danger recognised"
_VERBATIM = "quotes verbatim"
_LOWER_IS_BETTER = frozenset(
    {
        SILENT_WRONGLY,
        "AURC",
        "calibration error",
        "danger false alarms",
        "advice false alarms",
        "disagreement shown where there is none",
        "phrasings: false alarms, topics",
        "phrasings: false alarms, questions",
        "phrasings: advice seen in questions",
        "phrasings: questions greeted",
    }
)
_SHOWN_WORST = 20
_NOTHING = "–"
_INTERVALS = "Mean, and 95 % interval from low to high"
_PER_CENT = "\N{NO-BREAK SPACE}%"

_MEANINGS = (
    f"{COVERED}: of what a right answer holds, the share that is quoted; kept silent counts 0.",
    f"{FIRST}: the share of answerable questions whose first quote is a right one.",
    f"{PRECISION}, character precision: of the quotes, or quoted characters, the share that is "
    "right. Taken over the questions a system answers at all.",
    f"{SILENT_WRONGLY}: the share of answerable questions that got no answer.",
    f"{NEAR}, {_OFF_TOPIC}: of the questions the pages do not answer, the share that got no "
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
    _write(folder / "report.md", as_markdown(title, blocks))
    _write(folder / "report.html", as_html(title, blocks))


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
    svg = draw(3.2, partial(draw_latency, milliseconds, marks))
    _write(folder / "plots" / "latency.svg", svg)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _blocks(summary: Summary, moved: Sequence[str]) -> Iterator[Block]:
    yield Paragraph(_in_plain_words(summary), lead=True)
    yield Heading("What moved against the baseline")
    yield Bullets(tuple(moved)) if moved else Paragraph("Nothing moved against the baseline.")
    yield Heading("At a glance")
    plots = (baselines_plot, kinds_plot, risk_plot, reliability_plot)
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
    if silent := figures.get(SILENT_WRONGLY):
        kept = round(silent.value * silent.count)
        yield (
            f"Of {silent.count} questions that the pages answer, the chat answered "
            f"{silent.count - kept} and kept silent on {kept}."
        )
    if first := figures.get(FIRST):
        yield f"The first quote it showed was a right one for {_percent(first)}."
    if covered := figures.get(COVERED):
        yield f"On average its quotes covered {_percent(covered)} of what a right answer holds."
    if verbatim := figures.get(_VERBATIM):
        yield (
            "Every quote stood word for word in its page."
            if verbatim.value == 1.0
            else f"Only {_percent(verbatim)} of the answers were word for word: that is a bug."
        )


def _on_silence(figures: Mapping[str, Figure]) -> Iterator[str]:
    near, off, danger = (figures.get(name) for name in (NEAR, _OFF_TOPIC, _DANGER))
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
        name: figures[FIRST]
        for name, figures in summary.figures.items()
        if not name.startswith(OURS) and FIRST in figures
    }
    if found:
        best = max(found, key=lambda name: found[name].value)
        near = summary.figures[best].get(NEAR)
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
    return Cell(number(figure.value), (_interval(figure), *other))


def _kinds_table(summary: Summary) -> Table:
    rows = tuple(
        (
            Cell(words(kind), (_questions(found.count),)),
            Cell(measure_of(kind)),
            _cell(found, found.count),
        )
        for kind, found in summary.by_kind.items()
    )
    return Table(_INTERVALS, ("kind", "measure", OURS), rows)


def _interval(figure: Figure) -> str:
    return f"{number(figure.low)}–{number(figure.high)}"


def _percent(figure: Figure) -> str:
    low, high = round(100 * figure.low), round(100 * figure.high)
    return f"{round(100 * figure.value)}{_PER_CENT} ({low}–{high}{_PER_CENT})"
