"""Bank entries near a question → what a visitor could ask next, and the pages answer."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence

from rag.datatypes import BankEntry, Document, Match, Place, Quote
from rag.scope import Scope, read_scope

_MOST = 3
# Bank entries that are less like the question (a soft maximum of cosines) are about something else.
_NEAR = 0.5
_WORD = re.compile(r"\w+")
# A question as somebody would put it on a card: no keywords, no tag, no story before it.
_PLAIN = re.compile(
    r"(?:What|How|Who|When|Where|Why|Which|Is|Are|Do|Does|Did|Can|Could|Will|Has|Have|Was|Were)\b"
    r"[^,.;:!?]{6,70}\?"
)


def suggestions(
    matches: Iterable[Match],
    quotes: Sequence[Quote],
    documents: Sequence[Document],
    *,
    scope: Scope,
    asked: Iterable[str],
) -> tuple[str, ...]:
    """Up to three questions that the bank answers with something not quoted yet, nearest first.

    Args:
        matches: bank entries like what was asked, best first.
        quotes: what was answered.
        documents: the pages, for the names that a question may hold.
        scope: a question that names a clinic is offered only where that one was named.
        asked: what was asked so far, which is not offered again.
    """
    said = {" ".join(words.casefold().split()) for words in asked}
    told = [Place(quote.document.id, quote.span) for quote in quotes]
    chosen: list[str] = []
    for match in matches:
        places = [place for point in match.entry.points for place in point]
        if match.similarity < _NEAR:
            break
        if not places or any(_meet(place, other) for place in places for other in told):
            continue
        question = _plainest(match.entry, documents, scope)
        if question and question.casefold() not in said:
            chosen.append(question)
            told += places
        if len(chosen) == _MOST:
            break
    return tuple(chosen)


def _plainest(entry: BankEntry, documents: Sequence[Document], scope: Scope) -> str:
    """The wording with the largest share of the quotes' own words; "" where none can stand alone.

    The bank holds slang and stories, too: nobody wants those put into their mouth.
    """
    text = {document.id: document for document in documents}
    quoted = " ".join(
        text[place.document].slice(place.span) for point in entry.points for place in point
    )
    known = frozenset(_WORD.findall(quoted.casefold()))
    plain = filter(_PLAIN.fullmatch, entry.questions)
    # Reading what a question names is dear, so the likeliest is read first.
    for question in sorted(plain, key=lambda words: -_share(words, known)):
        if scope.names_any(read_scope(question, documents).documents):
            return question
    return ""


def _share(words: str, known: Container[str]) -> float:
    found = _WORD.findall(words.casefold())
    return sum(word in known for word in found) / len(found)


def _meet(one: Place, other: Place) -> bool:
    return one.document == other.document and one.span.overlaps(other.span)
