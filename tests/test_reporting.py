"""The report says what the figures say, shows any text as that text, and repeats byte for byte."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from eval.report_blocks import OURS
from eval.reporting import write_latency, write_report
from eval.values import Figure, Summary, Worst

HOSTILE = (
    "<script>alert(1)</script> ](https://example.org) ![x](//example.org/p.png) **loud** | cell\n"
    "# heading\n- item\n1. first\n```\n<img src=x onerror=alert(1)>\n\n\u202eturned &amp; `code`\0"
)
NAMES = ("gold points covered", "quote precision", "first quote right", "false abstentions")


def figures(value: float, *names: str) -> dict[str, Figure]:
    return {name: Figure(value, value - 0.1, value + 0.1, 50) for name in names or NAMES}


@pytest.fixture(scope="module")
def summary() -> Summary:
    return Summary(
        split="test",
        questions=70,
        figures={
            OURS: figures(0.7)
            | figures(0.2, "false abstentions")
            | {
                "near misses refused": Figure(0.5, 0.3, 0.7, 20),
                "quotes verbatim": Figure(1.0, 1.0, 1.0, 70),
                "danger recognised": Figure(0.75, 0.4, 1.0, 8),
                "characters an answer": Figure(412.4, 380.2, 440.8, 40),
            },
            "ours, never silent": figures(0.75),
            "top chunk": figures(0.6) | {"AUROC": Figure(math.nan, math.nan, math.nan, 0)},
            "textbook": figures(0.4) | {"quote precision": Figure(0.3, 0.2, 0.4, 44)},
        },
        by_kind={"factoid": Figure(0.8, 0.7, 0.9, 30), "near_miss": Figure(0.5, 0.3, 0.7, 20)},
        curves={
            "ours, never silent": ((0.01, 1.0), (0.5, 0.2), (1.0, 0.45)),
            "top chunk": ((0.5, 0.4), (1.0, 0.5)),
            "textbook": ((1.0, 0.5),),
        },
        reliability=((0.2, 0.1, 12), (0.8, 0.9, 58)),
        worst=(Worst("q-1", "near_miss", "How long?", "Two hours.", ("An hour.", "Two."), -0.5),),
        not_built=("verdicts on statements: the check command",),
        receipt={"index": "ab" * 32},
    )


def written(summary: Summary, folder: Path, *moved: str) -> tuple[str, str]:
    write_report(summary, folder, moved=moved)
    return (
        (folder / "report.md").read_text(encoding="utf-8"),
        (folder / "report.html").read_text(encoding="utf-8"),
    )


@pytest.fixture(scope="module")
def folder(summary: Summary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_report(summary, folder)
    return folder


@pytest.fixture(scope="module")
def markdown(folder: Path) -> str:
    return (folder / "report.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def html(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


class Page(HTMLParser):
    """The names of a page's elements, all that is told of them, and the page's text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, name: str) -> list[str | None]:
        return [value for found, value in self.attributes if found == name]


def test_the_same_figures_give_the_same_bytes(
    summary: Summary, folder: Path, tmp_path: Path
) -> None:
    write_report(summary, tmp_path)
    one, two = (
        {path.relative_to(written): path.read_bytes() for path in written.rglob("*.*")}
        for written in (folder, tmp_path)
    )
    assert one == two
    assert {path.name for path in one} == {
        "report.md",
        "report.html",
        "baselines.svg",
        "kinds.svg",
        "risk-coverage.svg",
        "reliability.svg",
    }


def test_nothing_is_fetched_from_elsewhere(folder: Path, html: str) -> None:
    files = [html, *(path.read_text(encoding="utf-8") for path in folder.glob("plots/*"))]
    for text in files:
        assert set(re.findall(r"https?://[^\"\s>]+", text)) <= {
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1999/xlink",
        }
    page = Page(html)
    assert not {"script", "link", "img", "iframe"} & set(page.names)
    assert "default-src 'none'; style-src 'unsafe-inline'" in page.all("content")
    assert page.all("src") == []


def test_hostile_text_is_shown_as_text_in_html(summary: Summary, html: str, tmp_path: Path) -> None:
    worst = (Worst(HOSTILE, "risk", HOSTILE, HOSTILE, (HOSTILE,), 0.0),)
    hostile = replace(summary, worst=worst, receipt={HOSTILE: HOSTILE}, not_built=(HOSTILE,))
    _, shown = written(hostile, tmp_path, HOSTILE)
    page = Page(shown)
    assert page.names.count("svg") == 4
    assert set(page.names) == set(Page(html).names)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert page.text.count("<script>alert(1)</script>") == 8
    assert "\u202e" not in shown
    assert "\0" not in shown


def test_hostile_text_is_shown_as_text_in_markdown(summary: Summary, tmp_path: Path) -> None:
    worst = (Worst("q-1", "risk", HOSTILE, HOSTILE, (HOSTILE,), 0.0),)
    markdown, _ = written(replace(summary, worst=worst), tmp_path, HOSTILE)
    assert "<" not in markdown
    assert "https://" not in markdown
    assert not re.search(r"(?<!\\)\]\((?!plots/)", markdown)
    assert not re.search(r"^(> )?(# heading|- item|1\. first)", markdown, re.MULTILINE)
    assert markdown.count("```") == 2
    assert "> \\# heading\\\n> \\- item\\\n> 1\\. first\\\n" in markdown
    assert "turned &amp;amp; \\`code\\`" in markdown


def test_what_is_not_built_is_never_a_zero(markdown: str, html: str) -> None:
    assert "- not built: verdicts on statements: the check command" in markdown
    assert "<li>not built: verdicts on statements: the check command</li>" in html
    row = next(line for line in markdown.splitlines() if line.startswith("| AUROC"))
    assert row == "| AUROC | – | – | – | – |"


def test_values_are_shown_with_intervals(markdown: str, html: str) -> None:
    assert (
        "| quote precision (50 questions) | 0.70 (0.60–0.80) | 0.75 (0.65–0.85) "
        "| 0.60 (0.50–0.70) | 0.30 (0.20–0.40, n = 44) |" in markdown
    )
    assert "| characters an answer (40 questions) | 412 (380–441) |" in markdown
    assert "| near miss (20 questions) | refused | 0.50 (0.30–0.70) |" in markdown
    assert "<td>0.30 <small>0.20–0.40</small> <small>n = 44</small></td>" in html
    assert "false abstentions (50 questions, lower is better)" in markdown


def test_the_first_paragraph_tells_an_owner(markdown: str) -> None:
    first = markdown.split("\n\n")[1].replace("\N{NO-BREAK SPACE}", " ")
    assert first.startswith(
        "Of 50 questions that the pages answer, the chat answered 40 and kept silent on 10."
    )
    assert "a right one for 70 % (60–80 %)" in first
    assert "Every quote stood word for word in its page." in first
    assert "danger in 6 of 8 messages" in first
    assert "The best of 2 simple systems beside it (“top chunk”)" in first


def test_a_quote_that_is_not_verbatim_is_called_a_bug(summary: Summary, tmp_path: Path) -> None:
    figures = {OURS: {"quotes verbatim": Figure(0.98, 0.95, 1.0, 70)}}
    markdown, _ = written(replace(summary, figures=figures), tmp_path)
    assert "that is a bug" in markdown
    assert "Every quote stood" not in markdown


def test_what_moved_is_listed(summary: Summary, markdown: str, tmp_path: Path) -> None:
    assert "Nothing moved" in markdown
    moved = written(summary, tmp_path, "first quote right: 0.60 → 0.70")
    assert "- first quote right: 0.60 → 0.70" in moved[0]
    assert "<li>first quote right: 0.60 → 0.70</li>" in moved[1]


def test_every_picture_is_told_in_words(markdown: str, html: str) -> None:
    alts = re.findall(r"^!\[(.+)\]\(plots/(.+)\.svg\)$", markdown, re.MULTILINE)
    assert [name for _, name in alts] == ["baselines", "kinds", "risk-coverage", "reliability"]
    # 40 of 50 answerable ones and 10 of 20 near misses are answered, 35 of those 50 rightly.
    assert "Ours as it is answers 0.71 with 0.30 of them wrong." in alts[2][0]
    assert "0.20 and 0.10 (12)" in alts[3][0]
    labels = [label for label in Page(html).all("aria-label") if label]
    assert sum("0.20 and 0.10 (12)" in label for label in labels) == 1


def test_pictures_take_the_colours_of_the_page(html: str) -> None:
    ids = Page(html).all("id")
    assert len(ids) == len(set(ids))
    assert not re.search(r"(fill|stroke): #", html)
    assert "prefers-color-scheme: dark" in html


def test_twenty_worst_answers_are_shown_at_most(summary: Summary, tmp_path: Path) -> None:
    many = replace(summary, worst=summary.worst * 25)
    assert written(many, tmp_path)[1].count('<article class="worst">') == 20


def test_little_to_show_is_shown(summary: Summary, tmp_path: Path) -> None:
    little = replace(summary, figures={OURS: {}}, curves={}, reliability=(), worst=())
    markdown, _ = written(little, tmp_path)
    assert "## Not built yet" in markdown


def test_latency_is_kept_apart(tmp_path: Path) -> None:
    write_latency([float(value) for value in range(1, 101)], tmp_path)
    values = json.loads((tmp_path / "latency.json").read_text(encoding="utf-8"))
    assert values == {"answers": 100, "p50_ms": 50.5, "p95_ms": 95.0}
    svg = (tmp_path / "plots" / "latency.svg").read_text(encoding="utf-8")
    assert "p50 50 ms" in svg
    assert "p95 95 ms" in svg


def test_latency_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="found none"):
        write_latency([], tmp_path)
