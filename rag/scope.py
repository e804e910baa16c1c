"""Which pages a question asks, and what of them: clinics by name, comments, contacts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from rag.blocks import has_phone
from rag.datatypes import BankEntry, Chunk, Document, Sentence, SentenceKind

_COMMENTS = re.compile(
    r"(?<!\bno )\bcomments?\b(?! on\b)|\bcommente(?:rs?|d)\b"
    r"|\breaders?\b.{0,20}\b(?:say|said|saying|think|wrote|report|feel)"
    r"|\b(?:wrote|write|posted)\b.{0,20}\b(?:under|below|beneath|underneath) (?:the|that|it)\b",
    re.I,
)
_REFERENCES = re.compile(
    r"\breferences?\b|\bcit(?:ed|es?|ations?)\b|\bbibliograph|\bjournals?\b|\bstud(?:y|ies)\b"
    r"|\bpapers?\b|\barticles?\b|\bdoi\b|\bsources?\b",
    re.I,
)
_BEFORE_NAME = (
    r"(?P<not>\bnon-|\b(?:not|outside|except|without|besides|other than|apart from|instead of)"
    r"(?: (?:of|in|at|for))?(?: the)? )?(?:\b(?:in|at|by|from|of|for) )?(?:\bthe )?"
)
# "The British Journal of Psychiatry" is no clinic.
_NO_JOURNAL = r"(?!\s+(?:journal|medical association|psychological|psychiatric))"
_CONTACT = re.compile(
    r"\b(?:tele)?phone(?: number)?s?\b"
    r"|\bnumbers? (?:do|should|can|could|to) (?:i |we )?(?:ring|call|phone)"
    r"|\bcontact (?:details|info\w*|numbers?|you|them|us|someone|the)\b"
    r"|\bget in touch\b|\bsign(?:ing)? up\b"
    r"|\bhow (?:do|can|could|would|should) (?:i|we|one)"
    r" (?:contact|reach|call|ring|phone|book|apply|enrol|get started|speak)",
    re.I,
)
_PHONE = re.compile(r"\bphone|\btelephone|\bnumbers?\b|\bring\b|\bcall\b", re.I)
_NEAR_CONTACT = re.compile(
    r"\bcalls?\b|\bconfidential|\badmi(?:ssion|t)|\bconsult|\bforms?\b|\bfree\b|\benquir|\binquir|\bwebsite\b"
    r"|\bonline\b|\bbook\b|\binformation session|\bevaluat",
    re.I,
)
_NOT_CONTACT = re.compile(
    r"\be-?mail\b|\baddress\b|\bopen|\bclos|\bhours?\b|\bwait|\bcost|\bprice", re.I
)
_STEPS = re.compile(
    r"\bsteps?\b|\bstages?\b|\bprocess\b|\bprocedure\b"
    r"|\bwhat (?:happens|to expect|should i expect|goes on|will happen)\b"
    r"|\bhow (?:does|do|is) (?:it|the (?:treatment|therapy|session|process)) (?:work|go|done)\b"
    r"|\bwalk me through\b|\bstart to finish\b|\bwhat.{0,12}\binvolve",
    re.I,
)
_NEARLY = 0.83


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an answer may come from.

    ``documents`` are the pages that the question names, None for all; ``comments`` is
    whether it asks for readers' comments, which then are the only thing it gets, and
    ``contact`` whether it asks how to reach somebody: then only such lines answer, and
    where it asks for a telephone number (``phone``), only lines that hold one. Elsewhere
    such lines say nothing, unless the question is about them (``near_contact``). ``steps``
    is whether it asks how something goes, from start to end.
    ``away`` is whether it places a clinic where none of these pages' is.
    ``question`` is what is asked of them, without the names: inside one clinic's page its
    name tells nothing apart, and draws every sentence that bears it.
    """

    question: str
    documents: frozenset[str] | None = None
    comments: bool = False
    references: bool = False
    contact: bool = False
    phone: bool = False
    near_contact: bool = False
    steps: bool = False
    away: bool = False

    def admits(self, chunk: Chunk) -> bool:
        """Whether an answer may come from this chunk."""
        kind = chunk.sentences[0].kind
        if (kind is SentenceKind.COMMENT) != self.comments:
            return False
        if kind is SentenceKind.REFERENCE and not self.references:
            return False
        if self.contact and not any(self.narrows(chunk.document, s) for s in chunk.sentences):
            return False
        return self.admits_page(chunk.document.id)

    def admits_entry(self, entry: BankEntry) -> bool:
        """Whether a bank entry says something of the pages asked for; known gaps always do."""
        places = [place for point in entry.points for place in point]
        return entry.gap or any(self.admits_page(place.document) for place in places)

    def names_any(self, documents: frozenset[str] | None) -> bool:
        """Whether the question names one of these pages; true where they are any (None)."""
        return documents is None or (
            self.documents is not None and bool(self.documents & documents)
        )

    def admits_page(self, document: str) -> bool:
        """Whether an answer may come from the page of this id."""
        return self.documents is None or document in self.documents

    def narrows(self, document: Document, sentence: Sentence) -> bool:
        """Whether a sentence of an admitted chunk may itself be quoted."""
        told = sentence.kind is SentenceKind.CONTACT
        if not self.contact:
            return self.near_contact or not told
        return told and (not self.phone or has_phone(document.slice(sentence.span)))


def read_scope(question: str, documents: Iterable[Document]) -> Scope:
    """Which pages a question names, and whether it asks for comments or references.

    The longest name counts ("APN London" is not also "APN"). Where one name covers pages
    that a second name tells apart ("the APN clinic in London"), the second decides; where
    two names have no page in common, both are asked for. "Outside London" asks for the
    other pages.
    """
    documents = tuple(documents)
    pages: dict[str, set[str]] = {}
    for document in documents:
        for name in document.source.names:
            pages.setdefault(name, set()).add(document.id)
    named = _names(unicodedata.normalize("NFKC", question), sorted(pages, key=len)[::-1])
    asked = [frozenset(pages[name]) for name in named.found]
    decisive = [ids for ids in asked if not any(other < ids for other in asked)]
    chosen = frozenset[str]().union(*decisive)
    if named.excluded:
        chosen = chosen or frozenset(document.id for document in documents)
        chosen -= frozenset[str]().union(*(pages[name] for name in named.excluded))
    return Scope(
        question=named.rest,
        documents=chosen if named.found or named.excluded else None,
        comments=bool(_COMMENTS.search(question)),
        references=bool(_REFERENCES.search(question)),
        contact=bool(_CONTACT.search(question) and not _NOT_CONTACT.search(question)),
        phone=bool(_PHONE.search(question)),
        near_contact=bool(_NEAR_CONTACT.search(question)),
        steps=bool(_STEPS.search(question)),
    )


@dataclass(frozen=True, slots=True)
class _Named:
    """Names that a question asks for, those it leaves out, and the question without them."""

    found: tuple[str, ...]
    excluded: tuple[str, ...]
    rest: str


def _names(question: str, names: Sequence[str]) -> _Named:
    """The names in a question, the longest first, each stretch of it taken once."""
    found: list[str] = []
    excluded: list[str] = []
    rest = question
    for name in names:
        # Most names stand in no question; looking for the letters is far cheaper.
        if name.rstrip(".").casefold() in rest.casefold():
            pattern = _pattern(name, question)
            for match in pattern.finditer(rest):
                (excluded if match["not"] else found).append(name)
            rest = pattern.sub(" ", rest)
    for name in (name for name in names if name.isalpha() and len(name) >= 6):
        for word in re.findall(r"[^\W\d_]{5,}", rest):
            if _misspells(word, name):
                found.append(name)
                rest = re.sub(rf"{_BEFORE_NAME}\b{word}\b", " ", rest)
    plain = " ".join(rest.split())
    searched = plain if any(mark.isalnum() for mark in plain) else question
    return _Named(tuple(dict.fromkeys(found)), tuple(dict.fromkeys(excluded)), searched)


def _pattern(name: str, question: str) -> re.Pattern[str]:
    """Where a name stands: "US" is a country only in capitals, or after "in the"."""
    words = re.escape(name.rstrip("."))
    if name == "US":
        shouted = not any(mark.islower() for mark in question)
        capitals = "" if shouted else "(?-i:US)|"
        words = (
            rf"(?:{capitals}(?<=in the )us|(?<=from the )us|(?<=the )us(?= (?:clinic|one|page)))"
        )
    return re.compile(rf"{_BEFORE_NAME}(?<!\w){words}(?:\.|['’]?s)?(?!\w){_NO_JOURNAL}", re.I)


def _misspells(word: str, name: str) -> bool:
    word, name = word.casefold(), name.casefold()
    if word[0] != name[0] or abs(len(word) - len(name)) > 1 or word.startswith(name):
        return False
    return SequenceMatcher(None, word, name).ratio() >= _NEARLY
