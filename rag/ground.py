"""The only maker of ``Quote``: verbatim words of a hashed page, or nothing.

A quote is ``document.text[start:end]``. It is checked here when it is made, and again by
``check_quote`` each time it is shown.
"""

from __future__ import annotations

import hashlib

from rag.datatypes import Document, Quote, QuoteError, Role, Span


def make_quote(
    document: Document, span: Span, *, number: int, role: Role, comment: bool = False
) -> Quote:
    """Quote ``document.text[span.start:span.end]``.

    Raises:
        QuoteError: the span is empty, reaches outside the page, begins or ends in white
            space, or the page's text is not the one that was hashed.
    """
    quote = Quote(number, document, span, document.slice(span), role, comment)
    check_quote(quote)
    return quote


def check_quote(quote: Quote) -> None:
    """Check that a quote is still its slice of the page that was hashed.

    Raises:
        QuoteError: it is not; it must not be shown.
    """
    document, span = quote.document, quote.span
    if not 0 <= span.start < span.end <= len(document.text):
        raise QuoteError(
            f"{document.id} has {len(document.text)} characters; there is no "
            f"[{span.start}:{span.end}] in it to quote."
        )
    if document.slice(span) != quote.text:
        raise QuoteError(f"{document.id}[{span.start}:{span.end}] is not what is quoted of it.")
    if quote.text != quote.text.strip():
        raise QuoteError(f"{document.id}[{span.start}:{span.end}] begins or ends in white space.")
    found = text_digest(document.text)
    if found != document.digest:
        raise QuoteError(f"{document.id} has sha256 {found}, but {document.digest} was read.")


def text_digest(text: str) -> str:
    """The sha256 of a page's text in UTF-8."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
