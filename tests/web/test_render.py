from __future__ import annotations

import dataclasses
import html
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.compose import CONTACT, NEAREST, NOT_IN_SOURCES
from rag.datatypes import (
    Answer,
    AnswerKind,
    Block,
    BlockKind,
    Document,
    Quote,
    Receipt,
    Role,
    Source,
    Span,
    Statement,
)
from rag.ground import text_digest
from rag.web.catalogue import read_texts
from rag.web.render import (
    answer_html,
    emergency_html,
    escape,
    intro_html,
    message_html,
    source_link,
)
from rag.web.source import source_view

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    "</blockquote><svg><a href='javascript:alert(1)'>x</a></svg>",
    "${alert(1)} {{7*7}} $$x$$ **b** &lt;b&gt; &amp;",
    "\u202egnp.exe\u2066 \u200f",
    "a\r\nb\rc\n\n  • d\te",
)
# Nothing half a character: no page and no question holds a lone surrogate or a NUL.
TEXT = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
)
QUOTABLE = TEXT.map(str.strip).filter(bool)
TEXTS = read_texts("en")
ELEMENTS = {"div", "p", "span", "blockquote", "a", "bdi", "h1", "button"}
ATTRIBUTES = {"class", "tabindex", "href", "title", "role", "type"}


class Read(HTMLParser):
    """What a browser would find: elements, attributes, and the text of each quote."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.open: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = [(name, value or "") for name, value in attrs]
        self.elements.add(tag)
        self.attributes.extend(given)
        self.open.append((tag, dict(given).get("class", "")))
        if self.open[-1][1] == "words":
            self.words.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if ("span", "words") in self.open:
            self.words[-1] += data

    def links(self, kind: str) -> list[str]:
        return [v for name, v in self.attributes if name == "href" and v.startswith(kind)]


def page(text: str, *, title: str = "T", publisher: str = "P", name: str = "p.txt") -> Document:
    block = Block(BlockKind.PARAGRAPH, Span(0, len(text)))
    source = Source(title, publisher=publisher)
    return Document(name, source, text, (block,), text_digest(text))


def quote(document: Document, *, number: int = 1, role: Role = Role.ANSWER) -> Quote:
    return Quote(number, document, Span(0, len(document.text)), document.text, role)


def answer(
    *quotes: Quote,
    kind: AnswerKind = AnswerKind.ANSWER,
    question: str = "q",
    standalone: str = "q",
    notice: str | None = None,
    suggestions: tuple[str, ...] = (),
) -> Answer:
    statements = tuple(Statement(q.text, (q,)) for q in quotes)
    receipt = Receipt("i", "m", "t")
    return Answer(
        question, standalone, kind, "", statements, notice, 0.5, False, suggestions, receipt, 1.0
    )


@given(TEXT)
def test_what_was_escaped_comes_back_and_holds_no_markup(text: str) -> None:
    escaped = escape(text)
    assert html.unescape(escaped) == text
    assert not set(escaped) & set("<>\"'\r")


@given(words=QUOTABLE, other=TEXT, role=st.sampled_from(Role), kind=st.sampled_from(AnswerKind))
def test_no_text_becomes_markup_and_every_quote_survives_exactly(
    words: str, other: str, role: Role, kind: AnswerKind
) -> None:
    document = page(words, title=other, publisher=other, name=other or "p")
    shown = answer(
        quote(document, role=role),
        kind=kind,
        standalone=other,
        notice=other,
        suggestions=(other,),
    )
    read = Read(answer_html(shown, TEXTS))
    assert read.elements <= ELEMENTS
    assert {name for name, _ in read.attributes} <= ATTRIBUTES
    assert read.words == [words]
    assert read.open == []
    assert all(
        value.startswith(("#source=", "tel:")) for name, value in read.attributes if name == "href"
    )


@given(name=QUOTABLE, words=QUOTABLE)
def test_a_citation_leads_to_exactly_its_place(name: str, words: str) -> None:
    document = page(f"before {words} after", name=name)
    span = Span(7, 7 + len(words))
    cited = Quote(1, document, span, document.slice(span), Role.ANSWER)
    (link,) = Read(answer_html(answer(cited), TEXTS)).links("#source=")
    assert link == source_link(cited)
    found = parse_qs(link[1:], keep_blank_values=True)
    assert found == {
        "source": [name],
        "start": [str(span.start)],
        "end": [str(span.end)],
        "digest": [document.digest],
    }


@given(TEXT, TEXT)
def test_the_first_screen_and_messages_are_escaped(title: str, publisher: str) -> None:
    read = Read(intro_html([page("x", title=title, publisher=publisher)], TEXTS, kept="k"))
    assert read.elements <= ELEMENTS
    assert {name for name, _ in read.attributes} <= ATTRIBUTES
    assert Read(message_html(title)).text == title


def test_the_first_screen_counts_pages_and_names_publishers_once() -> None:
    pages = [page(str(n), publisher=name) for n, name in enumerate(("A", "B", "A", "", ""))]
    shown = Read(intro_html(pages, TEXTS, kept="k")).text
    assert "five public pages" in shown
    assert "from A, B and two pages that name no publisher." in shown
    assert "one public page about" in Read(intro_html(pages[:1], TEXTS, kept="k")).text


@pytest.mark.parametrize(
    "spoil",
    [
        lambda q: dataclasses.replace(q, text=q.text + "."),
        lambda q: dataclasses.replace(q, span=Span(1, 4)),
        lambda q: dataclasses.replace(q, document=dataclasses.replace(q.document, digest="0")),
        lambda q: dataclasses.replace(q, document=dataclasses.replace(q.document, text="other")),
    ],
)
def test_a_quote_that_no_longer_matches_its_page_is_not_shown(
    spoil: Callable[[Quote], Quote],
) -> None:
    good, bad = quote(page("Kept.")), spoil(quote(page("Gone."), number=2))
    both = Read(answer_html(answer(good, bad), TEXTS))
    assert both.words == ["Kept."]
    assert TEXTS.left_out in both.text
    alone = Read(answer_html(answer(bad), TEXTS))
    assert alone.words == []
    assert TEXTS.all_left_out in alone.text
    assert TEXTS.pages_say not in alone.text


def test_silence_is_said_and_what_is_near_stands_apart() -> None:
    near = quote(page("Near."), role=Role.NEAREST)
    ask = quote(page("Call 0203 984 7699 now."), number=2, role=Role.CONTACT)
    shown = answer_html(answer(near, ask, kind=AnswerKind.NOT_IN_SOURCES), TEXTS)
    text = Read(shown).text
    order = [NOT_IN_SOURCES, NEAREST, "Near.", CONTACT, "Call 0203 984 7699 now."]
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)
    assert TEXTS.pages_say not in text
    assert Read(shown).links("tel:") == ["tel:02039847699"]
    assert NOT_IN_SOURCES in Read(answer_html(answer(kind=AnswerKind.NOT_IN_SOURCES), TEXTS)).text


def test_advice_that_nothing_answers_says_so_too() -> None:
    near = quote(page("Near."), role=Role.NEAREST)
    shown = Read(
        answer_html(answer(near, kind=AnswerKind.MEDICAL_ADVICE, notice="Ask them."), TEXTS)
    )
    assert shown.text.index("Ask them.") < shown.text.index(NOT_IN_SOURCES)
    assert TEXTS.pages_say_generally not in shown.text


@pytest.mark.parametrize(
    ("notice", "calls"),
    [
        ("Call 911 or 988.", ["911", "988"]),
        ("Poison Help: 1-800-222-1222", ["18002221222"]),
        ("UK: 999 · NHS 111 · Samaritans 116 123", ["999", "111", "116123"]),
        ("Since 2019, 30 of 1,911 people; 0.988 & <911>", ["911"]),
        ("It's 1&2 \u2066+44 20 7946 0000\u2069", ["+442079460000"]),
        ("Doses of 9999 or A911 or 911-a", []),
    ],
)
def test_telephone_numbers_can_be_called_and_nothing_else(notice: str, calls: list[str]) -> None:
    read = Read(answer_html(answer(kind=AnswerKind.CRISIS, notice=notice), TEXTS))
    assert read.links("tel:") == [f"tel:{number}" for number in calls]
    assert read.text == TEXTS.heard_help + notice.replace(" · ", "")


def test_the_emergency_line_puts_the_region_first() -> None:
    assert Read(emergency_html("US", TEXTS)).links("tel:") == ["tel:911", "tel:999"]
    assert Read(emergency_html("UK", TEXTS)).links("tel:") == ["tel:999", "tel:911"]


def test_a_readers_comment_is_never_shown_as_the_publishers_words() -> None:
    said = dataclasses.replace(quote(page("It is bad.", publisher="Clinic")), comment=True)
    text = Read(answer_html(answer(said), TEXTS)).text
    assert text.index(TEXTS.comment) < text.index("It is bad.")
    assert "A reader’s comment on the page of: Clinic" in text


def test_the_same_words_on_two_pages_are_shown_once_under_both_names() -> None:
    one, two = page("Same.", publisher="One"), page("Same.", publisher="Two", name="q.txt")
    read = Read(answer_html(answer(quote(one), quote(two, number=2)), TEXTS))
    assert read.words == ["Same."]
    assert [link.split("&")[0] for link in read.links("#")] == ["#source=p.txt", "#source=q.txt"]
    assert "[1] One" in read.text
    assert "[2] Two" in read.text


def test_after_two_quotes_the_rest_are_folded_but_never_a_side() -> None:
    quotes = [quote(page(f"Words {n}."), number=n) for n in range(1, 5)]
    folded = answer_html(answer(*quotes), TEXTS)
    assert [text in folded.partition("<details")[0] for text in ("1.", "2.", "3.")] == [
        True,
        True,
        False,
    ]
    assert Read(folded).words == [q.text for q in quotes]
    assert "<details" not in answer_html(answer(*quotes[:2]), TEXTS)
    sides = dataclasses.replace(answer(*quotes), sources_differ=True)
    assert "<details" not in answer_html(sides, TEXTS)


def test_a_rewritten_question_is_shown_only_when_it_differs() -> None:
    assert TEXTS.understood not in answer_html(answer(), TEXTS)
    assert (
        f"{TEXTS.understood}How long?"
        in Read(answer_html(answer(standalone="How long?"), TEXTS)).text
    )


@given(st.lists(QUOTABLE, min_size=1, max_size=4), st.data())
def test_the_source_is_cut_without_losing_or_moving_a_character(
    paragraphs: list[str], data: st.DataObject
) -> None:
    text = "\n\n".join(paragraphs)
    starts = [sum(len(p) + 2 for p in paragraphs[:n]) for n in range(len(paragraphs))]
    blocks = tuple(
        Block(BlockKind.PARAGRAPH, Span(start, start + len(words)))
        for start, words in zip(starts, paragraphs, strict=True)
    )
    document = dataclasses.replace(page(text), blocks=blocks)
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    marked = ""
    for block, words in zip(
        _blocks(source_view(document, Span(start, end))), paragraphs, strict=True
    ):
        assert "".join(part["text"] for part in block) == words
        assert all(part["text"] for part in block)
        marked += "".join(part["text"] for part in block if part["mark"])
    inside = (
        text[max(b.span.start, start) : min(b.span.end, end)] for b in blocks if b.span.start < end
    )
    assert marked == "".join(inside)


def _blocks(view: dict[str, object]) -> list[list[dict[str, str]]]:
    blocks = view["blocks"]
    assert isinstance(blocks, list)
    return [block["segments"] for block in blocks]
