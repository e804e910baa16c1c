"""A receipt → the same question asked again, with what was found at each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rag.assistant import Assistant
from rag.calibration import Votes
from rag.contract import answer_json
from rag.datatypes import Answer, InputError, Match
from rag.embed import FloatArray
from rag.evidence import Scored
from rag.retrieve import retrieve
from rag.scope import Scope

# What of an answer must be as it was: not the time it took, nor who asked for it.
_SAME = ("standalone_question", "kind", "text", "probability", "quotes")
_PASSAGES, _ENTRIES, _PIECES = 5, 5, 8


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the straight line, with what it found, a line each."""

    name: str
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The steps, and what is ``changed`` since the receipt was made, if anything is."""

    steps: tuple[Step, ...]
    changed: tuple[str, ...]


def explain(assistant: Assistant, given: Mapping[str, Any]) -> Explanation:
    """Ask again what an answer of the JSON contract answered.

    Raises:
        InputError: it is no such answer.
    """
    try:
        question, receipt = str(given["question"]), given["receipt"]
        history = [str(words) for words in receipt["history"]]
        before = {name: given[name] for name in _SAME} | {
            name: receipt[name] for name in ("index", "model", "table")
        }
    except (KeyError, TypeError) as error:
        raise InputError(
            f"That is no answer of `python -m rag ask --json`: {error!r} is missing."
        ) from error
    answer = assistant.ask(question, history)
    again = answer_json(answer)
    found = {**again, **asdict(answer.receipt)}
    changed = tuple(name for name, value in before.items() if value != found[name])
    return Explanation(tuple(_steps(assistant, answer)), changed)


def _steps(assistant: Assistant, answer: Answer) -> Iterator[Step]:
    likely = assistant.triage.likely(
        answer.question, assistant.packaged.embed if assistant.packaged else None
    )
    yield Step(
        "Sorted",
        (
            f"{answer.receipt.rule or 'a question'} (table {answer.receipt.table})",
            ", ".join(f"{kind} {share:.2f}" for kind, share in likely.items()),
        ),
    )
    if answer.probability is None:
        return
    yield Step("Understood", (answer.standalone_question,))
    yield from _searched(assistant, answer.standalone_question, answer.question)
    yield Step("Quoted", tuple(_quoted(answer)) or ("nothing",))


def _searched(assistant: Assistant, words: str, typed: str) -> Iterator[Step]:
    scope, vector = assistant.understood(words, typed)
    reading = assistant.read(words, typed)
    pages = ", ".join(sorted(scope.documents)) if scope.documents else "any page"
    yield Step("Searched", (f"{scope.question!r} in {pages}",))
    yield Step("Passages", tuple(_passages(assistant, scope, vector)))
    yield Step("Bank", tuple(map(_entry, reading.matches[:_ENTRIES])) or ("no entry",))
    point = assistant.calibration.operating_point
    decided = f"probability {reading.probability:.3f}, answered from {point:.2f} on"
    yield Step("Decided", (_voted(reading.votes), decided))
    yield Step("Evidence", tuple(map(_piece, reading.found[:_PIECES])))


def _passages(assistant: Assistant, scope: Scope, vector: FloatArray) -> Iterator[str]:
    count = assistant.settings.retrieved_chunks
    for hit in retrieve(assistant.index, vector, scope=scope, count=count)[:_PASSAGES]:
        ranks = f"by meaning {hit.dense_rank or '–'}, by words {hit.sparse_rank or '–'}"
        yield f"{hit.chunk.document.id} {hit.chunk.span.start}, {ranks}"


def _entry(match: Match) -> str:
    return f"{match.similarity:.3f} {'gap: ' * match.entry.gap}{match.entry.questions[0]}"


def _voted(votes: Votes) -> str:
    return (
        f"share of votes {votes.share:.3f}, likest {votes.nearness:.3f}, likest gap "
        f"{votes.gap:.3f}, strange words {votes.strangers}, sort of thing lacking "
        f"{votes.lacking}, clinic elsewhere {votes.away}"
    )


def _piece(one: Scored) -> str:
    span = one.evidence.sentence.span
    return f"{one.score:.3f} {one.evidence.document.id} {span.start}–{span.end}"


def _quoted(answer: Answer) -> Sequence[str]:
    return [
        f"[{quote.number}] {quote.role.value}: {quote.document.id} {quote.span.start}–"
        f"{quote.span.end}, sha256 {quote.document.digest[:12]}"
        for quote in answer.quotes
    ]
