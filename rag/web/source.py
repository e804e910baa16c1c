"""A page cut into blocks and marked segments, for the panel that shows a quote in place."""

from __future__ import annotations

from collections.abc import Iterator

from rag.datatypes import Block, Document, Span


def source_view(document: Document, span: Span) -> dict[str, object]:
    """The whole page as JSON, with the characters of ``span`` marked.

    Offsets stay on this side: Python counts code points and a browser counts UTF-16
    units, so the browser is given text that is already cut.
    """
    return {
        "title": document.source.title,
        "publisher": document.source.publisher_shown,
        "region": document.source.region,
        "kind": document.source.kind,
        "digest": document.digest,
        "blocks": [
            {
                "kind": block.kind.value,
                "level": block.level,
                "segments": list(_segments(document, block, span)),
            }
            for block in document.blocks
        ],
    }


def _segments(document: Document, block: Block, span: Span) -> Iterator[dict[str, object]]:
    """The block's text before, inside and after ``span``; empty parts are left out."""
    start = min(max(span.start, block.span.start), block.span.end)
    end = max(min(span.end, block.span.end), start)
    for part, mark in (
        (Span(block.span.start, start), False),
        (Span(start, end), True),
        (Span(end, block.span.end), False),
    ):
        if part.start < part.end:
            yield {"text": document.slice(part), "mark": mark}
