from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.blocks import read_blocks
from rag.datatypes import BlockKind, Chunk, Document, SentenceKind, Source
from rag.split import TiktokenTokenizer, read_chunks
from tests.hostile import pages


class WordTokenizer:
    """A token for each four characters: quick, and hard on long words."""

    def count(self, text: str) -> int:
        return (len(text) + 3) // 4


def document(text: str) -> Document:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Document("page.txt", Source("T"), text, read_blocks(text), digest)


def chunks(text: str, budget: int = 40) -> tuple[Chunk, ...]:
    return read_chunks(document(text), tokenizer=WordTokenizer(), budget=budget)


def sentences(text: str) -> list[tuple[SentenceKind, str]]:
    page = document(text)
    return [
        (s.kind, page.slice(s.span))
        for c in read_chunks(page, tokenizer=WordTokenizer(), budget=200)
        for s in c.sentences
    ]


@given(pages, st.integers(12, 80))
@settings(max_examples=200)
def test_sentences_hold_every_visible_character_once_and_in_order(text: str, budget: int) -> None:
    page = document(text)
    seen = 0
    for chunk in read_chunks(page, tokenizer=WordTokenizer(), budget=budget):
        assert chunk.span.start == chunk.sentences[0].span.start
        assert chunk.span.end == chunk.sentences[-1].span.end
        for sentence in chunk.sentences:
            assert seen <= sentence.span.start < sentence.span.end <= len(text)
            words = page.slice(sentence.span)
            assert words == words.strip()
            seen = sentence.span.end
    body = {BlockKind.PARAGRAPH, BlockKind.CONTACT, BlockKind.COMMENT, BlockKind.REFERENCE}
    held = "".join(w for _, w in _held(page, budget))
    for block in page.blocks:
        if block.kind in body:
            for mark in page.slice(block.span):
                assert mark.isspace() or mark in "\ufeff\u200b\u2060" or mark in held


def _held(page: Document, budget: int) -> list[tuple[int, str]]:
    found = read_chunks(page, tokenizer=WordTokenizer(), budget=budget)
    return [(c.id, page.slice(s.span)) for c in found for s in c.sentences]


@given(pages, st.integers(24, 80))
def test_no_chunk_is_over_the_budget(text: str, budget: int) -> None:
    for chunk in chunks(text, budget):
        assert chunk.tokens <= budget


def test_a_chunk_never_crosses_a_heading() -> None:
    found = chunks("T\n\nOne here.\n\nA Heading Here\n\nTwo here.\n", 200)
    assert [c.text for c in found] == ["One here.", "Two here."]
    assert found[1].headings == ("T", "A Heading Here")


def test_a_list_of_short_items_is_one_sentence_with_its_lead_in() -> None:
    text = "T\n\nIt can harm. Signs are these:\n\n  • Pain\n  • Rash\n  • Rash\n"
    assert sentences(text) == [
        (SentenceKind.PROSE, "It can harm."),
        (SentenceKind.LIST, "Signs are these:\n\n  • Pain\n  • Rash\n  • Rash"),
    ]


def test_items_that_are_sentences_can_be_quoted_alone_without_their_number() -> None:
    text = "T\n\nThis is what happens:\n\n  1. You ring us. We talk.\n  2. You come in.\n"
    assert sentences(text) == [
        (SentenceKind.LEAD_IN, "This is what happens:"),
        (SentenceKind.PROSE, "You ring us."),
        (SentenceKind.PROSE, "We talk."),
        (SentenceKind.PROSE, "You come in."),
    ]


def test_comments_and_text_are_never_in_one_chunk() -> None:
    text = "T\n\nBody text.\n\n  1. Bad!\n\n    Comment by Ann — May 1, 2020 @ 9:00 AM\n"
    found = chunks(text, 200)
    assert [{s.kind for s in c.sentences} for c in found] == [
        {SentenceKind.PROSE},
        {SentenceKind.COMMENT},
    ]


def test_text_after_a_lost_heading_is_not_put_under_the_one_before() -> None:
    text = "T\n\nFirst Stage\n\nYou ring us.\n\n\nThe drug is given.\n"
    assert [c.headings for c in chunks(text, 200)] == [("T", "First Stage"), ("T",)]


def test_a_word_of_a_hundred_thousand_characters_is_cut_without_tearing_accents() -> None:
    page = document("T\n\n" + "e\u0301" * 50_000 + "\n")
    found = read_chunks(page, tokenizer=WordTokenizer(), budget=100)
    assert len(found) > 100
    assert all(not c.text.startswith("\u0301") for c in found)
    assert "".join(c.text for c in found) == "e\u0301" * 50_000


def test_pieces_of_a_cut_sentence_are_marked_as_fragments() -> None:
    long = "It would be wrong, " + "and many would agree, " * 60 + "to say that it is safe."
    kinds = {kind for kind, _ in sentences(f"T\n\n{long}\n")}
    assert kinds == {SentenceKind.FRAGMENT}


def test_tokens_are_those_of_cl100k_base() -> None:
    tokenizer = TiktokenTokenizer()
    assert tokenizer.count("tiktoken is great!") == 6  # the example in tiktoken's own documentation
    assert tokenizer.count("<|endoftext|>") > 1


@pytest.mark.parametrize("budget", [80, 160])
def test_shipped_pages_fit_the_budget(real_pages: dict[str, Document], budget: int) -> None:
    tokenizer = TiktokenTokenizer()
    for page in real_pages.values():
        for chunk in read_chunks(page, tokenizer=tokenizer, budget=budget):
            assert chunk.tokens <= budget
