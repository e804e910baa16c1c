"""Reads ``eval/dialogues.jsonl`` and measures what a follow-up was taken to ask, and its answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval import grounding
from eval.measure import Pair, mean_of
from eval.questions import read_question
from eval.systems import System
from eval.values import Figure, Kind, Question

DIALOGUES = Path(__file__).with_name("dialogues.jsonl")
# Full questions, which nothing said before may alter.
_COMPLETE = frozenset({"complete", "new_topic"})
# An item that is pointed at has words of its page, which no list of terms foresees.
_POINTED_AT = "ordinal"
# A dialogue's terms are of the question as it was understood, not of the answer.
_AS_QUESTION: dict[str, Any] = {"kind": Kind.FOLLOW_UP, "must": (), "must_not": (), "twin": None}


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A conversation whose last question is judged; ``author`` tells who wrote it.

    ``must`` and ``must_not`` are terms that the question as it was understood holds and
    does not hold; ``question`` has what a right answer covers.
    """

    author: int
    sort: str
    must: tuple[str, ...]
    must_not: tuple[str, ...]
    question: Question

    @property
    def is_complete(self) -> bool:
        """Whether the last question needs nothing that was said before."""
        return self.sort in _COMPLETE

    def is_resolved(self, understood: str) -> bool:
        """Whether the last question was understood as it was meant."""
        if self.is_complete:
            return understood == self.question.words
        if self.sort == _POINTED_AT:
            return understood != self.question.words
        plain = understood.casefold()
        return all(term.casefold() in plain for term in self.must) and not any(
            term.casefold() in plain for term in self.must_not
        )


def read_dialogues(
    pages: Mapping[str, str], split: str, path: Path = DIALOGUES
) -> tuple[Dialogue, ...]:
    """The dialogues of one split.

    Raises:
        ValueError: a gold quote does not stand in its page.
    """
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line)
    return tuple(
        Dialogue(
            author=row["author"],
            sort=row["sort"],
            must=tuple(row["resolved_must"]),
            must_not=tuple(row["resolved_must_not"]),
            question=read_question(
                row | {"topic": row["id"], "style": row["sort"]} | _AS_QUESTION, pages
            ),
        )
        for row in rows
        if row["split"] == split
    )


def dialogue_figures(system: System, dialogues: Sequence[Dialogue]) -> dict[str, Figure]:
    """What was understood, and of the follow-ups that the pages answer, how rightly."""
    pairs = {
        one: Pair(one.question, system(one.question.words, one.question.history))
        for one in dialogues
    }
    resolved = {
        pair.question.id: one.is_resolved(pair.said.understood) for one, pair in pairs.items()
    }
    leaning = [pair for one, pair in pairs.items() if not one.is_complete]
    complete = [pair for one, pair in pairs.items() if one.is_complete]
    answered = [pair for pair in leaning if pair.question.points]
    figures = {
        "follow-ups understood": mean_of(leaning, lambda q, _: float(resolved[q.id])),
        "complete questions left as typed": mean_of(complete, lambda q, _: float(resolved[q.id])),
        "follow-ups: gold points covered": mean_of(answered, grounding.coverage),
        "follow-ups: first quote right": mean_of(answered, grounding.first_right),
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


def unrelated_figure(system: System, questions: Sequence[Question]) -> dict[str, Figure]:
    """How often a question is left as typed after one of quite another subject."""
    alone = [one for one in questions if one.kind.answerable and not one.history]
    half = len(alone) // 2
    pairs = [
        Pair(one, system(one.words, (other.words,)))
        for one, other in zip(alone, alone[half:] + alone[:half], strict=True)
        if one.topic != other.topic
    ]
    figure = mean_of(pairs, lambda question, said: float(said.understood == question.words))
    return {"unrelated questions left as typed": figure} if figure else {}
