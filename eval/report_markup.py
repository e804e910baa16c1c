"""Blocks → Markdown and HTML; both escape everything."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from eval.report_blocks import (
    SILENCE,
    Block,
    Bullets,
    Cell,
    Code,
    Heading,
    Paragraph,
    Plot,
    Plots,
    Table,
    words,
)
from eval.report_plots import THEME
from eval.values import Worst

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")
_SPECIAL = re.compile(r"[\\`*_\[\]|~#$]|(?<=:)/(?=/)|(?<=www)\.")
_LINE_START = re.compile(r"^(\d+)?([-+=.)])(?=[-+=\s]|$)")


def as_markdown(title: str, blocks: Sequence[Block]) -> str:
    """A whole report as Markdown."""
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
    asked = f"### {_md(worst.question)}\n\n{_md(words(worst.kind))}, {_md(worst.id)}"
    return f"{asked}\n\nSaid:\n\n{_md_quote(worst.said or SILENCE)}\n\nWanted:\n\n{wanted}"


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


def as_html(title: str, blocks: Sequence[Block]) -> str:
    """A whole report as one HTML page that needs nothing else."""
    body = "\n".join(_html_block(block) for block in blocks)
    light = " ".join(f"--{name}: {colour};" for colour, (name, _) in THEME.items())
    dark = " ".join(f"--{name}: {colour};" for name, colour in THEME.values())
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
    return f"var(--{THEME[colour[0]][0]})"


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
<p class="kind">{_ht(words(worst.kind))}, {_ht(worst.id)}</p>
<dl>
<dt>Said</dt>
<dd dir="auto">{_ht(worst.said or SILENCE)}</dd>
<dt>Wanted</dt>
{wanted}
</dl>
</article>"""
