"""Values → the JSON contract that people script against (docs/contract.md)."""

from __future__ import annotations

from dataclasses import asdict

from rag.datatypes import Answer, Quote
from rag.ground import check_quote


def answer_json(answer: Answer, *, id: str | None = None) -> dict[str, object]:  # noqa: A002
    """An answer in the contract's fields, every quote checked once more.

    Raises:
        QuoteError: a quote is no longer its slice of the page.
    """
    return {
        "id": id,
        "question": answer.question,
        "standalone_question": answer.standalone_question,
        "kind": answer.kind.value,
        "text": answer.text,
        "probability": None if answer.probability is None else round(answer.probability, 4),
        "sources_differ": answer.sources_differ,
        "quotes": [_quote_json(quote) for quote in answer.quotes],
        "notice": answer.notice,
        "suggestions": list(answer.suggestions),
        "receipt": asdict(answer.receipt) | {"history": list(answer.receipt.history)},
        "milliseconds": {"total": round(answer.milliseconds, 1)},
    }


def _quote_json(quote: Quote) -> dict[str, object]:
    check_quote(quote)
    return {
        "number": quote.number,
        "document": quote.document.id,
        "start": quote.span.start,
        "end": quote.span.end,
        "text": quote.text,
        "title": quote.document.source.title,
        "publisher": quote.document.source.publisher,
        "region": quote.document.source.region,
        "attribution": quote.attribution,
        "role": quote.role.value,
        "digest": quote.document.digest,
    }
