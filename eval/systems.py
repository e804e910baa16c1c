"""Our own system and the baselines it is printed beside: a question in, what is said out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.values import Place, Question, Said
from rag.assistant import Assistant
from rag.contract import answer_json
from rag.datatypes import AnswerKind, Chunk, InputError
from rag.dense import DenseIndex
from rag.embed import Embedder
from rag.retrieve import retrieve
from rag.scope import read_scope

System = Callable[[str, Sequence[str]], Said]
"""Words and earlier questions in, what is said out."""
_TEXTBOOK = 500
_FIRST = 10


@dataclass(frozen=True, slots=True)
class Timed:
    """What was said, and how long that took in milliseconds."""

    said: Said
    milliseconds: float


def ask_all(system: System, questions: Sequence[Question]) -> tuple[Timed, ...]:
    """Ask a system every question."""
    return tuple(_timed(system, question) for question in questions)


def _timed(system: System, question: Question) -> Timed:
    started = time.perf_counter()
    said = system(question.words, question.history)
    return Timed(said, (time.perf_counter() - started) * 1000)


def ours(assistant: Assistant, pages: Mapping[str, str]) -> System:
    """The whole line, seen through its JSON contract as any caller sees it."""

    def ask(words: str, history: Sequence[str]) -> Said:
        try:
            answer = answer_json(assistant.ask(words, history))
        except InputError as error:
            return Said(words, "error", None, (), True, (), str(error))
        return said_in_json(
            answer, pages, _retrieved(assistant, str(answer["standalone_question"]))
        )

    return ask


def said_in_json(
    answer: dict[str, Any], pages: Mapping[str, str], retrieved: Sequence[Place]
) -> Said:
    """An answer of the JSON contract; each quote is compared with the page as read here."""
    quotes = answer["quotes"]
    verbatim = all(pages[q["document"]][q["start"] : q["end"]] == q["text"] for q in quotes)
    return Said(
        question=answer["question"],
        kind=answer["kind"],
        probability=answer["probability"],
        quotes=tuple(
            Place(q["document"], q["start"], q["end"]) for q in quotes if q["role"] == "answer"
        ),
        verbatim=verbatim,
        retrieved=tuple(retrieved),
        text=answer["text"],
        understood=answer["standalone_question"],
        differ=answer["sources_differ"],
    )


def _retrieved(assistant: Assistant, words: str) -> tuple[Place, ...]:
    scope = read_scope(words, assistant.documents.values())
    vector = assistant.embedder.embed([scope.question])[0]
    hits = retrieve(assistant.index, vector, scope=scope, count=_FIRST)
    return tuple(_place(hit.chunk) for hit in hits)


def baselines(
    assistant: Assistant, pages: Mapping[str, str], packaged: Embedder
) -> dict[str, System]:
    """What a system gets for little: none of them abstains, each gives its similarity.

    Those called dense search with the embedder that has learnt the bank; the textbook
    has the packaged one, as it is published.
    """
    index, embedder = assistant.index, assistant.embedder

    def dense(words: str) -> list[tuple[Chunk, float]]:
        found = index.chunk_vectors.search(embedder.embed([words])[0], _FIRST)
        return [(index.chunks[row], score) for row, score in found]

    def sparse(words: str) -> list[tuple[Chunk, float]]:
        # BM25 has no upper end; this maps it to 0 to 1 without changing the order.
        found = index.postings.search(words, _FIRST)
        return [(index.chunks[row], score / (score + 10.0)) for row, score in found]

    return {
        "top chunk": _chunks(dense, pages, take=1),
        "first two sentences of the top chunk": _two_sentences(dense, pages),
        "BM25, three chunks": _chunks(sparse, pages, take=3),
        "dense, three chunks": _chunks(dense, pages, take=3),
        "textbook: 500 characters, three chunks": _textbook(packaged, pages),
    }


Search = Callable[[str], list[tuple[Chunk, float]]]


def _chunks(search: Search, pages: Mapping[str, str], *, take: int) -> System:
    def ask(words: str, _history: Sequence[str]) -> Said:
        found = search(words)
        places = tuple(_place(chunk) for chunk, _ in found)
        return _always(words, found[0][1] if found else 0.0, places[:take], places, pages)

    return ask


def _two_sentences(search: Search, pages: Mapping[str, str]) -> System:
    def ask(words: str, _history: Sequence[str]) -> Said:
        found = search(words)
        chunk, score = found[0]
        spans = [sentence.span for sentence in chunk.sentences[:2]]
        quotes = tuple(Place(chunk.document.id, span.start, span.end) for span in spans)
        return _always(words, score, quotes, tuple(_place(c) for c, _ in found), pages)

    return ask


def _textbook(embedder: Embedder, pages: Mapping[str, str]) -> System:
    """Pages cut every 500 characters, MiniLM, top three: what a tutorial builds."""
    places = [
        Place(name, start, min(start + _TEXTBOOK, len(text)))
        for name, text in pages.items()
        for start in range(0, len(text), _TEXTBOOK)
    ]
    texts = [pages[place.document][place.start : place.end] for place in places]
    index = DenseIndex.build(embedder.embed(texts))

    def ask(words: str, _history: Sequence[str]) -> Said:
        found = index.search(embedder.embed([words])[0], _FIRST)
        ranked = tuple(places[row] for row, _ in found)
        return _always(words, found[0][1], ranked[:3], ranked, pages)

    return ask


def _always(
    words: str,
    score: float,
    quotes: tuple[Place, ...],
    retrieved: tuple[Place, ...],
    pages: Mapping[str, str],
) -> Said:
    text = "\n\n".join(pages[q.document][q.start : q.end] for q in quotes)
    probability = float(np.clip(score, 0.0, 1.0))
    kind = AnswerKind.ANSWER if quotes else AnswerKind.NOT_IN_SOURCES
    return Said(words, kind.value, probability, quotes, True, retrieved, text)


def _place(chunk: Chunk) -> Place:
    return Place(chunk.document.id, chunk.span.start, chunk.span.end)
