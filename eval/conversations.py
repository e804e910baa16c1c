"""Whole conversations, as a visitor would see them: ``report/conversations.md``.

``python -m eval.conversations`` asks the ones in ``conversations.jsonl`` and writes what
was said, for somebody to read aloud; ``make eval`` does so too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.assistant import Assistant, open_assistant
from rag.datatypes import Answer, InputError
from rag.settings import read_settings

CONVERSATIONS = Path(__file__).with_name("conversations.jsonl")
REPORT = Path(__file__).with_name("report") / "conversations.md"
_HEAD = """# Conversations

What visitors typed, and what they were shown. Written by somebody who knew only the pages; nothing
was chosen or left out.
"""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Who asks, and what they type, in order."""

    id: str
    who: str
    turns: tuple[str, ...]


def read_conversations(path: Path = CONVERSATIONS) -> tuple[Conversation, ...]:
    """The conversations of a file, a JSON object a line."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    return tuple(Conversation(row["id"], row["who"], tuple(row["turns"])) for row in rows)


def write_conversations(
    assistant: Assistant, conversations: Sequence[Conversation], path: Path = REPORT
) -> None:
    """Ask them all, and write what was said as Markdown."""
    parts = [_HEAD, *("\n".join(_held(assistant, one)) for one in conversations)]
    path.write_text("\n".join(parts), encoding="utf-8", newline="\n")


def _held(assistant: Assistant, conversation: Conversation) -> Iterator[str]:
    yield f"## {conversation.id}: {conversation.who}\n"
    for at, words in enumerate(conversation.turns):
        yield f"**{_plain(words)}**\n"
        yield from _said(assistant, words, conversation.turns[:at])


def _said(assistant: Assistant, words: str, history: Sequence[str]) -> Iterator[str]:
    try:
        answer = assistant.ask(words, history)
    except InputError as error:
        yield _quoted(str(error))
        return
    if answer.standalone_question != answer.question:
        yield _quoted(f"Understood as: {answer.standalone_question}")
    if answer.sources_differ:
        yield _quoted("The sources differ on this.")
    yield _quoted("\n\n".join(_shown(answer)))


def _shown(answer: Answer) -> Iterator[str]:
    yield answer.text
    if answer.suggestions:
        yield "You could also ask: " + " · ".join(answer.suggestions)


def _quoted(text: str) -> str:
    """A Markdown block quote in which nothing is mark-up."""
    return "".join(f"> {_plain(line)}".rstrip() + "\n" for line in text.split("\n"))


def _plain(text: str) -> str:
    """Text in which Markdown and HTML say nothing."""
    for mark in "\\`*_<>#[]|":
        text = text.replace(mark, f"\\{mark}")
    return text


if __name__ == "__main__":
    write_conversations(open_assistant(read_settings()), read_conversations())
