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
    """A conversation whose last question is judged.

    ``must`` and ``must_not`` are terms that the question as it was understood holds and
    does not hold; ``question`` has what a right answer covers.
    """

    sort: str
    must: tuple[str, ...]
    must_not: tuple[str, ...]
    question: Question

    def is_resolved(self, understood: str) -> bool:
        """Whether the last question was understood as it was meant."""
        if self.sort in _COMPLETE:
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


def _named(row: Mapping[str, Any]) -> dict[str, str]:
    return {"topic": row["id"], "style": row["sort"]}


def dialogue_figures(system: System, dialogues: Sequence[Dialogue]) -> dict[str, Figure]:
    """What was understood, and of the follow-ups that the pages answer, how rightly."""
    pairs = {
        one: Pair(one.question, system(one.question.words, one.question.history))
        for one in dialogues
    }
    resolved = {
        pair.question.id: one.is_resolved(pair.said.understood) for one, pair in pairs.items()
    }
    leaning = [pair for one, pair in pairs.items() if one.sort not in _COMPLETE]
    complete = [pair for one, pair in pairs.items() if one.sort in _COMPLETE]
    answered = [pair for pair in leaning if pair.question.points]
    figures = {
        "follow-ups understood": mean_of(leaning, lambda q, _: float(resolved[q.id])),
        "complete questions left as typed": mean_of(complete, lambda q, _: float(resolved[q.id])),
        "follow-ups: gold points covered": mean_of(answered, grounding.coverage),
        "follow-ups: first quote right": mean_of(answered, grounding.first_right),
    }
    return {name: figure for name, figure in figures.items() if figure is not None}
