"""The straight line: words → triage → hits → evidence → statements with quotes → answer."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from rag.blocks import has_phone, is_form
from rag.bundle import read_manifest
from rag.calibration import Calibration, read_calibration
from rag.compose import answer_text, compose, contact_statements, silence_of
from rag.corpus import LEARNT, read_corpus
from rag.datatypes import (
    Answer,
    AnswerKind,
    CorpusError,
    Document,
    InputError,
    Receipt,
    Role,
    SentenceKind,
    Span,
    Statement,
    StoredIndexError,
    Triage,
    TriageKind,
)
from rag.dialogue import standalone
from rag.embed import Embedder, FloatArray, SentenceTransformerEmbedder
from rag.evidence import Reading, find_evidence
from rag.index import BuildReport, Index, Progress, build_index, open_index
from rag.leaning import Leaning, Likeness, read_leaning
from rag.places import Places, read_places
from rag.retrieve import match_bank, retrieve
from rag.scope import Scope, read_scope
from rag.settings import Settings
from rag.split import TiktokenTokenizer
from rag.suggest import suggestions
from rag.triage import TriageTable, read_triage_table

# Bank entries that are read closely.
_MATCHES = 24
# How much more what was typed last counts than the question before that it was joined to.
_LAST = 0.3
# Earlier questions that a follow-up may lean on.
_EARLIER = 6
_SEARCHED = frozenset({TriageKind.QUESTION, TriageKind.ADVICE})
_NO_TRIAGE = Triage(TriageKind.QUESTION)
# A word piece between the marks at both ends.
_ONE_PIECE = 3
# Control characters and lone surrogates become a space; marks that only turn or join vanish.
_READABLE = {"Cc": " ", "Cs": " ", "Cf": ""}
_KINDS = {TriageKind.ADVICE: AnswerKind.MEDICAL_ADVICE, TriageKind.GREETING: AnswerKind.GREETING}


@dataclass(frozen=True, slots=True)
class Assistant:
    """Everything that answering needs, opened once; ``ask`` changes none of it.

    ``packaged`` is the model as it is published, which triage was fitted with; what a bank
    taught the other embedder must not change who is helped.
    """

    settings: Settings
    embedder: Embedder = field(repr=False)
    index: Index = field(repr=False)
    triage: TriageTable = field(repr=False)
    calibration: Calibration
    places: Places = field(repr=False)
    leaning: Leaning = field(repr=False)
    contacts: Mapping[str, tuple[Document, Span]] = field(repr=False)
    packaged: Embedder | None = field(default=None, repr=False)

    @property
    def documents(self) -> Mapping[str, Document]:
        """The pages that are answered from, by their ids."""
        return self.index.documents

    def ask(self, question: str, history: Sequence[str] = ()) -> Answer:
        """Answer a question in the exact words of the pages, or say that they are silent.

        Help for somebody in danger comes before everything else, also before the question
        is found to be too long. ``history`` holds earlier questions, oldest first: a
        follow-up is searched as the question that it makes with them.

        Raises:
            InputError: there is nothing to search for, or too much.
        """
        started = time.perf_counter()
        words = readable(question)
        triage = self.sorted_words(words)
        if triage.kind is TriageKind.DANGER:
            answer = self._answer(words, AnswerKind.CRISIS, notice=triage.notice)
        elif triage.kind is TriageKind.GREETING:
            answer = self._answer(words, AnswerKind.GREETING, notice=triage.notice)
        else:
            self._check_length(words)
            asked = self._standalone(words, history)
            answer = replace(self._search(asked, triage, history, words), question=words)
        earlier = tuple(readable(typed) for typed in history[-_EARLIER:])
        receipt = replace(answer.receipt, rule=triage.rule, history=earlier)
        return replace(answer, receipt=receipt, milliseconds=(time.perf_counter() - started) * 1000)

    def sorted_words(self, words: str) -> Triage:
        """What somebody's words need, before anything is searched."""
        try:
            return self.triage.read(words, self.packaged.embed if self.packaged else None)
        except (RuntimeError, MemoryError):
            # What torch raises. Help must not fail with a model.
            return self.triage.read(words)

    def _standalone(self, words: str, history: Sequence[str]) -> str:
        most = self.settings.question_characters
        earlier = [readable(typed) for typed in history[-_EARLIER:]]
        asked = [
            typed
            for typed in earlier
            if len(typed) <= most and self.sorted_words(typed).kind in _SEARCHED
        ]
        return standalone(
            words,
            asked,
            self.documents.values(),
            embed=self.embedder.embed,
            quoted=lambda words: [q.text for q in self._search(words, _NO_TRIAGE).quotes],
            unnamed=self._unnamed,
            leans=self._leans,
        )

    def _unnamed(self, words: str) -> str:
        return self.places.without(read_scope(words, self.documents.values()).question)

    def _leans(self, words: str, before: str) -> bool:
        return self.leaning.leans(words, before, self.likeness(words, before))

    def likeness(self, words: str, before: str) -> Likeness:
        """How like the bank's questions, and the question before, words are."""
        vector, other = self.embedder.embed([self.scope(text).question for text in (words, before)])
        like = float(vector @ other)
        for row, alone in self.index.question_vectors.search(vector, 1):
            gap = self.index.bank[self.index.asked[row].entry].gap
            return Likeness(alone=alone, before=like, gap=gap)
        return Likeness(before=like)

    def read(self, question: str, typed: str = "") -> Reading:
        """What is found for a question, before anything of it is quoted."""
        scope, vector = self.understood(question, typed)
        return self._read(vector, scope)

    def understood(self, words: str, typed: str = "") -> tuple[Scope, FloatArray]:
        """Where an answer may come from, and the vector of what is searched.

        A follow-up asks for what its own words say, of what the question before was about: so
        the vector of what was ``typed`` is added to that of the question it makes.
        """
        scope = self.scope(words)
        if typed in ("", words):
            return scope, self.embedder.embed([scope.question])[0]
        whole, last = self.embedder.embed([scope.question, self.scope(typed).question])
        vector = whole + _LAST * last
        return scope, vector / np.linalg.norm(vector)

    def is_current(self) -> bool:
        """Whether the index on disk is still the one that was opened; costs a small read."""
        try:
            return read_manifest(self.settings.index).digest == self.index.digest
        except StoredIndexError:
            # A vanished or broken index is no reason to drop the one that is open.
            return True

    def reopened(self) -> Assistant:
        """This assistant with the index that is on disk now."""
        index = open_index(self.settings.index)
        return _assemble(self.settings, self.embedder, index, self.packaged)

    def _check_length(self, words: str) -> None:
        most = self.settings.question_characters
        if not any(unicodedata.category(mark)[0] in "LNS" for mark in words):
            raise InputError("There is no question yet. Type what you would like to know.")
        if len(words) > most:
            raise InputError(
                f"Your question has {len(words):,} characters. Please ask it in at most {most:,}."
            )

    def _search(
        self, words: str, triage: Triage, history: Sequence[str] = (), typed: str = ""
    ) -> Answer:
        scope, vector = self.understood(words, typed)
        reading = self._read(vector, scope)
        answered = reading.probability >= self.calibration.operating_point
        elsewhere = None if answered else self._elsewhere(vector, scope)
        if answered:
            statements = self._quotes(reading, scope)
        else:
            statements = self._nearest(elsewhere or reading, scope)
        kind = AnswerKind.ANSWER if answered else AnswerKind.NOT_IN_SOURCES
        asked = [self.documents[page] for page in sorted(scope.documents or ())]
        return self._answer(
            words,
            _KINDS.get(triage.kind, kind),
            notice=triage.notice or None,
            statements=statements,
            probability=reading.probability,
            silence="" if answered else silence_of(asked, elsewhere=elsewhere is not None),
            differ=answered and reading.differ,
            suggested=self._suggested(reading, statements, scope, (*history, words)),
        )

    def _suggested(
        self,
        reading: Reading,
        statements: Sequence[Statement],
        scope: Scope,
        asked: Sequence[str],
    ) -> tuple[str, ...]:
        if not reading.on_topic:
            return ()
        quotes = [quote for statement in statements for quote in statement.quotes]
        pages = tuple(self.documents.values())
        return suggestions(reading.matches, quotes, pages, scope=scope, asked=asked)

    def scope(self, words: str) -> Scope:
        """Where an answer may come from, and what is searched: spelling mended, names left out."""
        scope = read_scope(words, self.documents.values())
        mended = self.index.words.mended(scope.question, is_word=self._is_word)
        away = self.places.away(words, named=scope.documents is not None)
        return replace(scope, question=mended, away=away)

    def _is_word(self, word: str) -> bool:
        """Whether the embedder knows a word as one piece, as it does the language's common ones."""
        return self.embedder.count(word) <= _ONE_PIECE

    def _elsewhere(self, vector: FloatArray, scope: Scope) -> Reading | None:
        """What other pages answer, where the pages that the question names are silent."""
        others = frozenset(self.documents) - (scope.documents or frozenset(self.documents))
        if not others:
            return None
        # Only of the others: what the named page says must not stand under "does not say".
        reading = self._read(vector, replace(scope, documents=others))
        return reading if reading.probability >= self.calibration.operating_point else None

    def _read(self, vector: FloatArray, scope: Scope) -> Reading:
        hits = retrieve(self.index, vector, scope=scope, count=self.settings.retrieved_chunks)
        matches = match_bank(
            self.index, vector, scope=scope, count=_MATCHES, calibration=self.calibration
        )
        return find_evidence(
            self.index, hits, matches, vector, scope=scope, calibration=self.calibration
        )

    def _quotes(self, reading: Reading, scope: Scope) -> tuple[Statement, ...]:
        keep = self.calibration.keep
        return compose(
            reading.found,
            steps=scope.steps,
            most=self.settings.quotes,
            # Every clinic's number is nearly as right as the best one.
            keep=keep / 10 if scope.contact else keep,
            role=Role.ANSWER,
        )

    def _nearest(self, reading: Reading, scope: Scope) -> tuple[Statement, ...]:
        """What comes nearest, and how to ask a clinic; nothing where nothing is near."""
        if not (reading.on_topic or scope.comments or scope.contact):
            return ()
        nearest = compose(reading.nearest, steps=scope.steps, most=1, keep=1.0, role=Role.NEAREST)
        first = 1 + sum(len(statement.quotes) for statement in nearest)
        contacts = contact_statements(
            self.contacts,
            among=scope.documents,
            home=self.settings.home_publisher,
            first=first,
        )
        return nearest + contacts

    def _answer(
        self,
        words: str,
        kind: AnswerKind,
        *,
        notice: str | None,
        statements: tuple[Statement, ...] = (),
        probability: float | None = None,
        silence: str = "",
        differ: bool = False,
        suggested: tuple[str, ...] = (),
    ) -> Answer:
        return Answer(
            question=words,
            standalone_question=words,
            kind=kind,
            text=answer_text(statements, notice, silence),
            statements=statements,
            notice=notice,
            probability=probability,
            sources_differ=differ,
            suggestions=suggested,
            receipt=Receipt(self.index.digest, self.embedder.digest, self.triage.version),
            milliseconds=0.0,
            silence=silence,
        )


def open_assistant(
    settings: Settings, *, embedder: Embedder | None = None, progress: Progress | None = None
) -> Assistant:
    """Open everything; an index that is missing or stale is built first.

    Raises:
        RagError: the pages, the model or the index cannot be used; its words say what to do.
    """
    packaged = None if embedder else SentenceTransformerEmbedder()
    embedder = embedder or open_embedder(settings)
    update_index(settings, embedder=embedder, progress=progress)
    return _assemble(settings, embedder, open_index(settings.index), packaged)


def open_embedder(settings: Settings) -> SentenceTransformerEmbedder:
    """The packaged model, with what was learnt from the bank of these pages.

    Raises:
        ModelError: weights are missing, or are not the ones that were expected.
    """
    return SentenceTransformerEmbedder(settings.corpus / LEARNT)


def update_index(
    settings: Settings,
    *,
    embedder: Embedder,
    rebuild: bool = False,
    progress: Progress | None = None,
) -> BuildReport:
    """Bring the index up to date with the folder of pages.

    Raises:
        RagError: there is no page to answer from, or the index cannot be written.
    """
    if settings.index.resolve().is_relative_to(settings.corpus.resolve()):
        raise CorpusError(
            f"The index {settings.index} lies among the pages in {settings.corpus}, and would be "
            "read as one of them. Give another folder with --index."
        )
    corpus = read_corpus(settings.corpus, most_bytes=settings.file_bytes)
    return build_index(
        corpus,
        settings.index,
        embedder=embedder,
        tokenizer=TiktokenTokenizer(),
        chunk_tokens=settings.chunk_tokens,
        rebuild=rebuild,
        progress=progress,
    )


def readable(words: str) -> str:
    """Somebody's words without what no one can see: control and format marks, lone surrogates."""
    return "".join(
        mark if mark in "\n\t\u200d" else _READABLE.get(unicodedata.category(mark), mark)
        for mark in words
    ).strip()


def _assemble(
    settings: Settings, embedder: Embedder, index: Index, packaged: Embedder | None
) -> Assistant:
    return Assistant(
        settings,
        embedder,
        index,
        read_triage_table(region=settings.region),
        read_calibration(),
        read_places(index.documents.values()),
        read_leaning(),
        _contacts(index),
        packaged,
    )


def _contacts(index: Index) -> dict[str, tuple[Document, Span]]:
    """For each page with a publisher the one sentence that best tells how to reach it."""
    best: dict[str, tuple[int, Document, Span]] = {}
    for chunk in index.chunks:
        for sentence in chunk.sentences:
            if sentence.kind is not SentenceKind.CONTACT or not chunk.document.source.publisher:
                continue
            words = chunk.document.slice(sentence.span)
            # A bare number says nothing about whose it is.
            worth = 2 * (has_phone(words) and len(words) > 30) + is_form(words)
            if worth > best.get(chunk.document.id, (0,))[0]:
                best[chunk.document.id] = (worth, chunk.document, sentence.span)
    return {name: (document, span) for name, (_, document, span) in best.items()}
