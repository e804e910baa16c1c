"""Pages of our own beside the chat: what is answered from, each page in full, and privacy.

Plain HTML without a script. As in ``render``, everything that is not a literal of this
module passes ``escape``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final
from urllib.parse import quote as url_encoded

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from rag.datatypes import Block, BlockKind, Document
from rag.web.catalogue import Texts
from rag.web.current import CurrentAssistant
from rag.web.render import emergency_html, escape, page_count

_NO_STORE: Final = {"Cache-Control": "no-store"}
_LISTS: Final = {BlockKind.LIST_ITEM: "ul", BlockKind.STEP: "ol", BlockKind.REFERENCE: "ul"}


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds every one of these pages."""

    texts: Texts
    region: str
    kept: int
    """For how many days some of a visitor's words are stored, 0 where none are."""

    def page(self, title: str, inside: Iterable[str], *, depth: int = 0) -> str:
        """A whole HTML document; ``depth`` folders below the chat's own address."""
        texts, up = self.texts, "../" * depth or "./"
        links = (
            (up, texts.back_to_chat),
            (f"{up}sources", texts.sources_link),
            (f"{up}privacy", texts.privacy_link),
        )
        bar = "".join(f'<a href="{escape(to)}">{escape(words)}</a>' for to, words in links)
        return (
            f'<!doctype html><html lang="{escape(texts.script.language)}"><head>'
            '<meta charset="utf-8"><meta name="viewport" content="width=device-width, '
            f'initial-scale=1"><title>{escape(title)} · {escape(texts.brand)}</title>'
            f'<link rel="stylesheet" href="{up}ui/app.css"></head><body class="plain">'
            f'<header class="bar"><span class="brand">{escape(texts.brand)}</span>{bar}</header>'
            f"<main><h1>{escape(title)}</h1>{''.join(inside)}</main>"
            f"<footer>{emergency_html(self.region, texts)}</footer></body></html>"
        )


def add_pages(app: FastAPI, current: CurrentAssistant, frame: Frame) -> None:
    """Serve the list of pages, every page in full, and what is kept of visitors' words."""
    texts = frame.texts

    @app.get("/sources", response_class=HTMLResponse)
    def sources() -> HTMLResponse:
        inside = _listing(tuple(current.get().documents.values()), texts)
        return _html(frame.page(texts.sources_title, inside))

    @app.get("/sources/{name:path}", response_class=HTMLResponse)
    def source(name: str) -> HTMLResponse:
        document = current.get().documents.get(name)
        depth = name.count("/") + 1
        if document is None:
            return _html(frame.page(texts.page_missing, (), depth=depth), status=404)
        inside = _whole(document, texts)
        return _html(frame.page(document.source.title, inside, depth=depth))

    @app.get("/privacy", response_class=HTMLResponse)
    def privacy() -> HTMLResponse:
        inside = _privacy(texts, kept=frame.kept)
        return _html(frame.page(texts.privacy_title, inside))


def _html(page: str, *, status: int = 200) -> HTMLResponse:
    return HTMLResponse(page, status_code=status, headers=_NO_STORE)


def _listing(pages: Sequence[Document], texts: Texts) -> Iterator[str]:
    lede = texts.sources_lede.format(count=page_count(pages, texts))
    yield f'<p class="lede">{escape(lede)}</p><ul class="cards">'
    for page in pages:
        address = "sources/" + url_encoded(page.id)
        title = f'<a href="{escape(address)}">{escape(page.source.title)}</a>'
        yield f"<li><h2>{title}</h2>{_facts(page, texts)}</li>"
    yield "</ul>"
    yield f"<h2>{escape(texts.excluded_heading)}</h2><ul>"
    kinds = Counter(block.kind for page in pages for block in page.blocks)
    for kind, words in (
        (BlockKind.COMMENT, texts.excluded_comments),
        (BlockKind.REFERENCE, texts.excluded_references),
        (BlockKind.BOILERPLATE, texts.excluded_boilerplate),
    ):
        if kinds[kind]:
            yield f"<li>{escape(words.format(number=kinds[kind]))}</li>"
    yield f"<li>{escape(texts.excluded_other)}</li></ul>"


def _facts(page: Document, texts: Texts) -> str:
    """Whose page it is, as far as it says; what it does not say is said to be missing."""
    source = page.source
    facts = [
        (texts.sources_publisher, source.publisher or texts.unnamed_publisher),
        (texts.sources_region, source.region or texts.sources_region_unknown),
        (texts.sources_date, source.date or texts.sources_undated),
        (texts.sources_kind, source.kind or texts.sources_kind_unknown),
        *([(texts.sources_reviewer, source.reviewer)] if source.reviewer else []),
    ]
    rows = "".join(f"<div><dt>{escape(a)}</dt><dd>{escape(b)}</dd></div>" for a, b in facts)
    return f'<dl class="facts">{rows}</dl>'


def _whole(document: Document, texts: Texts) -> Iterator[str]:
    """The page block by block; its title is the heading above."""
    yield f'{_facts(document, texts)}<p class="note">{escape(texts.page_as_read)}</p>'
    yield '<article class="page">'
    for kind, run in groupby(document.blocks, key=lambda block: block.kind):
        blocks = tuple(run)
        if kind is BlockKind.COMMENT:
            yield f'<h2 class="comments">{escape(texts.script.comments)}</h2>'
            yield f'<p class="note">{escape(texts.script.comments_note)}</p>'
        name = _LISTS.get(kind)
        inside = "".join(_block(document, block) for block in blocks)
        yield f'<{name} class="{kind.value}" role="list">{inside}</{name}>' if name else inside
    yield "</article>"


def _block(document: Document, block: Block) -> str:
    tag = "li" if block.kind in _LISTS else "p"
    if block.kind is BlockKind.HEADING:
        tag = f"h{min(max(block.level, 2), 6)}"
    words = escape(document.slice(block.span))
    return f'<{tag} class="{block.kind.value}" dir="auto">{words}</{tag}>'


def _privacy(texts: Texts, *, kept: int) -> Iterator[str]:
    short = texts.privacy_short_kept if kept else texts.privacy_short_nothing
    yield f'<p class="lede">{escape(short.format(days=kept))}</p>'
    yield f"<h2>{escape(texts.privacy_heading)}</h2><ul>"
    for line in (*(texts.privacy_kept if kept else texts.privacy_nothing), *texts.privacy_whole):
        yield f"<li>{escape(line.format(days=kept))}</li>"
    yield "</ul>"
