from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.blocks import read_blocks
from rag.datatypes import Document, QuoteError, Role, Source, Span
from rag.ground import check_quote, make_quote
from tests.hostile import pages


def document(text: str) -> Document:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Document("page.txt", Source("T"), text, read_blocks(text), digest)


@given(pages, st.integers(-3, 400), st.integers(-3, 400))
def test_a_quote_is_its_slice_or_is_refused(text: str, start: int, end: int) -> None:
    page = document(text)
    try:
        quote = make_quote(page, Span(start, end), number=1, role=Role.ANSWER)
    except QuoteError:
        fits = 0 <= start < end <= len(text)
        assert not fits or text[start:end] != text[start:end].strip()
    else:
        assert quote.text == text[start:end]
        assert (
            quote.text.encode()
            == page.text.encode("utf-32")[4:][start * 4 : end * 4].decode("utf-32-le").encode()
        )


def test_a_quote_of_a_page_that_changed_is_refused_when_shown() -> None:
    page = document("The clinic does not accept patients under 18.")
    quote = make_quote(page, Span(4, 45), number=1, role=Role.ANSWER)
    changed = replace(page, text=page.text.replace("not ", "    "))
    with pytest.raises(QuoteError, match="not what is quoted"):
        check_quote(replace(quote, document=changed))


def test_the_same_words_in_another_text_are_refused_when_shown() -> None:
    page = document("Two hours. Not more.")
    quote = make_quote(page, Span(0, 10), number=1, role=Role.ANSWER)
    with pytest.raises(QuoteError, match="sha256"):
        check_quote(replace(quote, document=replace(page, text="Two hours. Or more.")))
