"""The vocabulary: immutable values that flow through the program, and the error tree.

Errors::

    RagError
    ├── InputError        the question cannot be taken as it is
    ├── CorpusError       the folder of pages, or sources.toml, cannot be used
    ├── ModelError        the embedder or the tokenizer is not the one expected
    ├── StoredIndexError        the index cannot be used or written
    │   ├── IndexMissingError   nothing has been built yet
    │   └── IndexCorruptError   what is on disk is not what was written
    ├── RecordsError      what is kept cannot be read or written
    └── QuoteError        a span is not a quotable slice of its document
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class RagError(Exception):
    """Anything this program reports to people: expected, found, and what to do."""


class InputError(RagError):
    """The question cannot be taken as it is."""


class CorpusError(RagError):
    """The folder of pages, or its sources.toml, cannot be used."""


class ModelError(RagError):
    """The embedder or the tokenizer is not the one that was expected."""


class StoredIndexError(RagError):
    """The index on disk cannot be used, or not be written."""


class IndexMissingError(StoredIndexError):
    """Nothing has been built yet."""


class IndexCorruptError(StoredIndexError):
    """What is on disk is not what was written."""


class RecordsError(RagError):
    """What is kept of visitors' questions cannot be read or written."""


class QuoteError(RagError):
    """A span is not a quotable slice of its document."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range [start, end) of code points in ``Document.text``."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """How many characters."""
        return self.end - self.start

    def shared(self, other: Span) -> int:
        """How many characters the two spans have in common."""
        return max(min(self.end, other.end) - max(self.start, other.start), 0)

    def covers(self, other: Span) -> bool:
        """Whether ``other`` lies wholly inside this span."""
        return self.start <= other.start and other.end <= self.end

    def overlaps(self, other: Span) -> bool:
        """Whether the two spans share a character."""
        return self.start < other.end and other.start < self.end


class BlockKind(StrEnum):
    """What a block of a page is, as a reader would see it."""

    TITLE = "title"
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    STEP = "step"
    CONTACT = "contact"
    COMMENT = "comment"
    REFERENCE = "reference"
    BOILERPLATE = "boilerplate"


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a page.

    ``lead_in`` is, for list items and steps, the sentence that introduces their list.
    ``after_gap`` says that a wider gap than usual stands before the block: in pages
    saved as text that is where a heading was lost.
    """

    kind: BlockKind
    span: Span
    level: int = 0
    lead_in: Span | None = None
    after_gap: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """Whose page it is, as far as the page itself says; "" where it does not say.

    ``names`` are the words by which a question names this page's publisher or place.
    """

    title: str
    publisher: str = ""
    region: str = ""
    kind: str = ""
    reviewer: str = ""
    date: str = ""
    names: tuple[str, ...] = ()

    @property
    def publisher_shown(self) -> str:
        """The publisher in words a visitor can read, also where there is none."""
        return self.publisher or "A page that names no publisher"


@dataclass(frozen=True, slots=True)
class Document:
    """A page exactly as read.

    ``id`` is its path relative to the corpus folder, ``digest`` the sha256 of its bytes,
    which are the UTF-8 encoding of ``text``.
    """

    id: str
    source: Source
    text: str = field(repr=False)
    blocks: tuple[Block, ...] = field(repr=False)
    digest: str

    def slice(self, span: Span) -> str:
        """The characters of the page in ``span``."""
        return self.text[span.start : span.end]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about one file of the corpus that its owner should know.

    ``left_out`` says whether what it is about is not answered from because of it.
    """

    path: str
    what: str
    remedy: str
    left_out: bool = True

    def __str__(self) -> str:
        return f"{self.path}: {self.what}. {self.remedy}"


class SentenceKind(StrEnum):
    """What a quotable stretch of text is."""

    PROSE = "prose"
    CHOSEN = "chosen"  # by the question bank, and quoted as it stands there
    FRAGMENT = "fragment"  # of a sentence too long for the embedder; quoted only whole
    LEAD_IN = "lead_in"
    LIST = "list"
    CONTACT = "contact"
    COMMENT = "comment"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Sentence:
    """The smallest thing quoted: a sentence, or a list of short items with its lead-in."""

    kind: SentenceKind
    span: Span


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of sentences under one heading, small enough for the embedder.

    ``headings`` is the path from the page's title down; ``tokens`` counts headings and
    text together, in tokens of the packaged tiktoken encoding.
    """

    id: int
    document: Document = field(repr=False)
    span: Span
    sentences: tuple[Sentence, ...]
    headings: tuple[str, ...]
    tokens: int

    @property
    def text(self) -> str:
        """The chunk's characters, sliced from the page."""
        return self.document.slice(self.span)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A stretch of a page, by the page's id."""

    document: str
    span: Span


@dataclass(frozen=True, slots=True)
class BankEntry:
    """Questions that mean the same, and what answers them.

    ``points`` are what a whole answer says, each a group of places that say the same,
    the best first; without any the entry is a known gap: the pages do not answer it, and
    ``nearest`` is the nearest thing that they do say, if there is one. ``off_topic`` gaps
    have nothing to do with what the pages are about. Where the pages ``differ``, the points
    are the sides that they take, and none is an answer without the others.
    """

    topic: str
    questions: tuple[str, ...]
    points: tuple[tuple[Place, ...], ...] = ()
    nearest: tuple[Place, ...] = ()
    off_topic: bool = False
    differ: bool = False

    @property
    def gap(self) -> bool:
        """Whether the pages are known not to answer."""
        return not self.points


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the bank: the number of its entry, and the pages that it names, if any."""

    entry: int
    documents: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk found for a question; ranks count from 1, None where that search missed it."""

    chunk: Chunk
    score: float
    dense_rank: int | None
    sparse_rank: int | None


@dataclass(frozen=True, slots=True)
class Match:
    """A bank entry, and how like the question its wordings are (a soft maximum of cosines)."""

    entry: BankEntry
    similarity: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence that may answer a question, and the probability that it does (0 to 1)."""

    document: Document = field(repr=False)
    sentence: Sentence
    probability: float


class Role(StrEnum):
    """What a quote is shown for; only ``ANSWER`` quotes answer."""

    ANSWER = "answer"
    NEAREST = "nearest"
    CONTACT = "contact"


@dataclass(frozen=True, slots=True)
class Quote:
    """Verbatim words of a page; made only by ``ground``, which checked them."""

    number: int
    document: Document = field(repr=False)
    span: Span
    text: str
    role: Role
    comment: bool = False

    @property
    def attribution(self) -> str:
        """Who says it, in words."""
        if self.comment:
            return f"A reader’s comment on the page of: {self.document.source.publisher_shown}"
        return self.document.source.publisher_shown


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing said, and every quote that says it (the same words on two pages are two)."""

    text: str
    quotes: tuple[Quote, ...]


class TriageKind(StrEnum):
    """What somebody's words need, before anything is searched."""

    DANGER = "danger"
    ADVICE = "advice"
    GREETING = "greeting"
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class Triage:
    """The outcome of triage: which rule fired, and what to say."""

    kind: TriageKind
    rule: str = ""
    notice: str = ""


class AnswerKind(StrEnum):
    """How a question was met; the values are part of the JSON contract."""

    ANSWER = "answer"
    NOT_IN_SOURCES = "not_in_sources"
    CRISIS = "crisis"
    MEDICAL_ADVICE = "medical_advice"
    GREETING = "greeting"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an answer was made with, so that it can be made again.

    ``index`` and ``model`` are sha256 digests, ``history`` the earlier questions that came
    with this one, ``rule`` the rule of triage that fired ("" for none) in the version
    ``table``.
    """

    index: str
    model: str
    table: str
    rule: str = ""
    history: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything a reader is shown for one question.

    ``probability`` says how likely it is that the pages answer the question; None where
    that was not asked of them. ``milliseconds`` is the time the answer took. ``silence``
    is who does not say it, as a sentence; "" where the question is answered, or is none.
    """

    question: str
    standalone_question: str
    kind: AnswerKind
    text: str
    statements: tuple[Statement, ...]
    notice: str | None
    probability: float | None
    sources_differ: bool
    suggestions: tuple[str, ...]
    receipt: Receipt
    milliseconds: float
    silence: str = ""

    @property
    def quotes(self) -> tuple[Quote, ...]:
        """Every quote shown, in the order of its number."""
        return tuple(quote for statement in self.statements for quote in statement.quotes)
