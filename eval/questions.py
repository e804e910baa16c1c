"""Reads ``eval/questions.jsonl``; places of gold quotes are found in the pages, never stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eval.values import Kind, Place, Question, Twin

QUESTIONS = Path(__file__).with_name("questions.jsonl")


def read_pages(folder: Path) -> dict[str, str]:
    """The pages' text by their paths, read here anew and not by the program that is judged."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes().decode("utf-8")
        for path in sorted(folder.rglob("*.txt"))
    }


def read_questions(
    pages: Mapping[str, str], split: str, path: Path = QUESTIONS
) -> tuple[Question, ...]:
    """The questions of one split.

    Raises:
        ValueError: a gold quote does not stand in its page.
    """
    # Not str.splitlines: a question may hold other characters that it would break lines at.
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line)
    return tuple(read_question(row, pages) for row in rows if row["split"] == split)


def read_question(row: Mapping[str, Any], pages: Mapping[str, str]) -> Question:
    """One line of the file as a question.

    Raises:
        ValueError: a gold quote does not stand in its page.
    """
    points = tuple(tuple(read_place(quote, pages) for quote in point) for point in row["points"])
    return Question(
        id=row["id"],
        topic=row["topic"],
        split=row["split"],
        kind=Kind(row["kind"]),
        style=row["style"],
        history=tuple(row["history"]),
        words=row["question"],
        points=points,
        must=tuple(row["must"]),
        must_not=tuple(row["must_not"]),
        twin=Twin(row["twin"]["question"]) if row["twin"] else None,
    )


def read_place(quote: dict[str, Any], pages: Mapping[str, str]) -> Place:
    """Where a gold quote stands in its page.

    Raises:
        ValueError: it does not.
    """
    words, start = quote["quote"], -1
    for _ in range(quote["occurrence"]):
        start = pages[quote["document"]].index(words, start + 1)
    return Place(quote["document"], start, start + len(words))
