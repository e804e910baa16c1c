from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.bank import BANK, read_bank
from rag.blocks import read_blocks
from rag.corpus import read_corpus
from rag.datatypes import Document, Source, Span

TEXT = "T\n\nOne lamp. Two lamps. One lamp. A last word.\n"
PAGE = Document("page.txt", Source("T"), TEXT, read_blocks(TEXT), "")
POINT = [[{"page": "page.txt", "quote": "One lamp."}]]


def bank(folder: Path, *rows: object) -> Path:
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    (folder / BANK).write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_quotes_are_found_in_the_pages_the_nth_where_it_is_asked_for(tmp_path: Path) -> None:
    second = {"page": "page.txt", "quote": "One lamp.", "occurrence": 2}
    bank(tmp_path, {"topic": "t", "questions": ["How  many?"], "points": [[second]]})
    (entry,) = read_bank(tmp_path, [PAGE]).entries
    start = TEXT.rindex("One lamp.")
    assert entry.points[0][0].span == Span(start, start + 9)
    assert entry.questions == ("How many?",)
    assert not entry.gap


def test_no_file_is_an_empty_bank(tmp_path: Path) -> None:
    assert read_bank(tmp_path, [PAGE]) == read_bank(tmp_path, [])
    assert read_bank(tmp_path, [PAGE]).entries == ()


def test_an_edit_elsewhere_on_the_page_breaks_nothing(tmp_path: Path) -> None:
    bank(tmp_path, {"topic": "t", "questions": ["q"], "points": POINT})
    text = TEXT.replace("T\n", "A longer title\n").replace("last", "very last")
    edited = Document("page.txt", Source("T"), text, read_blocks(text), "")
    found = read_bank(tmp_path, [edited])
    place = found.entries[0].points[0][0]
    assert edited.slice(place.span) == "One lamp."
    assert not found.problems


def test_a_quote_its_page_no_longer_holds_is_named_and_never_makes_a_gap(tmp_path: Path) -> None:
    gone = {"page": "page.txt", "quote": "Three lamps."}
    bank(
        tmp_path,
        {"topic": "whole", "questions": ["a"], "points": [[gone], *POINT]},
        {"topic": "broken", "questions": ["b"], "points": [[gone]]},
        {"gap": "price", "questions": ["c"]},
    )
    found = read_bank(tmp_path, [PAGE])
    assert [(entry.topic, len(entry.points)) for entry in found.entries] == [
        ("whole", 1),
        ("price", 0),
    ]
    told = [str(problem) for problem in found.problems]
    assert len(told) == 3
    assert "line 1: page.txt does not hold “Three lamps.”" in told[0]
    assert "line 2" in told[2]
    assert "rag bank" in told[2]


@pytest.mark.parametrize(
    "row",
    [
        "{",
        "[]",
        "null",
        '{"questions": []}',
        '{"questions": [""], "gap": "x"}',
        '{"questions": "How?", "points": 3}',
        '{"questions": ["q"]}',
        '{"questions": ["q"], "gap": "x", "points": [[{"page": "page.txt", "quote": "One"}]]}',
        '{"questions": ["q"], "points": [["One lamp."]]}',
        '{"questions": ["q"], "points": [[{"page": "page.txt"}]]}',
        '{"questions": ["q"], "gap": "x", "colour": "red"}',
        '{"questions": ["q"], "points": [[{"page": "page.txt", "quote": " "}]]}',
        '{"questions": ["q"], "points": [[{"page": 3, "quote": "One"}]]}',
        '{"questions": ["q"], "differ": true, "points": [[{"page": "page.txt", "quote": "One"}]]}',
    ],
)
def test_a_line_that_is_no_entry_is_named_and_the_others_are_read(tmp_path: Path, row: str) -> None:
    bank(tmp_path, row, {"topic": "t", "questions": ["q"], "points": POINT})
    found = read_bank(tmp_path, [PAGE])
    assert [entry.topic for entry in found.entries] == ["t"]
    assert found.problems
    assert all("line 1" in problem.path for problem in found.problems)


def test_a_bank_that_is_not_text_is_a_problem_and_the_pages_are_read(pages: Path) -> None:
    (pages / BANK).write_bytes(b"\xff\xfe")
    corpus = read_corpus(pages, most_bytes=1_000_000)
    assert len(corpus.documents) == 3
    assert [problem.path for problem in corpus.problems] == [BANK]


@given(text=st.text(max_size=80), start=st.integers(0, 79), length=st.integers(1, 20))
def test_every_place_is_its_quote(
    tmp_path_factory: pytest.TempPathFactory, text: str, start: int, length: int
) -> None:
    quote = text[start : start + length]
    page = Document("page.txt", Source("T"), text, (), "")
    folder = tmp_path_factory.mktemp("bank")
    point = [[{"page": "page.txt", "quote": quote}]]
    bank(folder, {"topic": "t", "questions": ["q"], "points": point})
    entries = read_bank(folder, [page]).entries
    if quote.strip() and quote == quote.strip():
        assert page.slice(entries[0].points[0][0].span) == quote
    else:
        assert not entries
