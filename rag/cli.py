"""The command line: ``index``, ``ask``, ``explain``, ``bank``, ``learn``, ``records``, ``serve``.

Exit statuses: 0 done, 1 cannot be done, 2 done but for some of the input.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from rag.assistant import Assistant, open_assistant
from rag.cli_corpus import add_bank, add_index
from rag.cli_records import add_records
from rag.contract import answer_json
from rag.datatypes import (
    Answer,
    InputError,
    RagError,
    TriageKind,
)
from rag.explain import explain
from rag.settings import Settings, read_settings
from rag.terminal import harmless, print_json, progress
from rag.triage import read_triage_table

DONE, FAILED, PARTLY = 0, 1, 2
_EXAMPLES = """\
examples:
  python -m rag index                          bring the index up to date with corpus/
  python -m rag ask "How long is a session?"   an answer in the pages' own words
  python -m rag ask "Is it safe?" --json       the same as JSON, for scripts
  python -m rag ask --batch questions.jsonl    one JSON answer a line, in order
  python -m rag bank                           what the question bank lacks
  python -m rag learn                          teach the model the question bank
  python -m rag explain answer.json            how an answer came about
  python -m rag records unanswered             what visitors asked in vain
  python -m rag serve                          the chat page, at 127.0.0.1:7860

Any folder of .txt and .md pages will do: --corpus DIR --index DIR.
Every setting can also be given as RAG_<NAME> in the environment (docs/settings.md)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status is returned."""
    options = _parser().parse_args(arguments)
    errors = Console(stderr=True)
    logging.getLogger("transformers").setLevel(logging.ERROR)
    try:
        settings = _settings(options)
        status: int = options.run(options, settings)
    except RagError as error:
        errors.print(Text(str(error), style="red"), soft_wrap=True)
        return FAILED
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output (head, say) has seen enough.
        sys.stderr.close()
        return DONE
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rag",
        description="Answers about a folder of pages, in the exact words of the pages.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--corpus", type=Path, metavar="DIR", help="the folder of pages")
    shared.add_argument("--index", type=Path, metavar="DIR", help="where the index is kept")
    commands = parser.add_subparsers(metavar="command", required=True)
    add_index(commands, shared)
    _add_ask(commands, shared)
    add_bank(commands, shared)
    _add_explain(commands, shared)
    add_records(commands)
    serve = commands.add_parser("serve", parents=[shared], help="open the chat page")
    serve.add_argument("--host", help="the address to listen on (127.0.0.1)")
    serve.add_argument("--port", type=int, help="the port to listen on (7860)")
    serve.set_defaults(run=_serve)
    return parser


def _add_ask(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser
) -> None:
    ask = commands.add_parser(
        "ask",
        parents=[shared],
        help="answer a question, or a file of them",
        description="Answers in numbered quotes, or says that the pages are silent. An index "
        "that is missing or stale is brought up to date first.",
    )
    ask.add_argument("question", nargs="?", help="the question; - reads it from standard input")
    ask.add_argument("--json", action="store_true", help="print the answer as JSON")
    ask.add_argument(
        "--batch",
        metavar="FILE",
        help='JSON lines {"id", "question", "history"} in, one JSON answer a line out, in '
        "order; a bad line gives an error object with its line number, and exit status 2. "
        "- is standard input",
    )
    ask.set_defaults(run=_ask)


def _add_explain(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser
) -> None:
    command = commands.add_parser(
        "explain",
        parents=[shared],
        help="ask again what an answer answered, and show each step",
        description="Reads an answer of `ask --json`, asks its question again, and shows what "
        "each step found and what changed since (exit status 2 if anything did).",
    )
    command.add_argument("receipt", metavar="FILE", help="the answer; - reads standard input")
    command.set_defaults(run=_explain)


def _settings(options: argparse.Namespace) -> Settings:
    given = {name: getattr(options, name, None) for name in ("corpus", "index", "host", "port")}
    return replace(
        read_settings(), **{name: value for name, value in given.items() if value is not None}
    )


def _ask(options: argparse.Namespace, settings: Settings) -> int:
    if (options.question is None) == (options.batch is None):
        raise InputError('Give one question, or --batch FILE: python -m rag ask "Is it safe?"')
    if options.batch is not None:
        with _lines(options.batch) as lines, progress("Indexing") as report:
            return _batch(lines, open_assistant(settings, progress=report))
    question = options.question
    if question == "-":
        question = sys.stdin.buffer.read().decode("utf-8", "replace")
    try:
        with progress("Indexing") as report:
            assistant = open_assistant(settings, progress=report)
    except RagError:
        # Help for somebody in danger does not wait for what is broken here.
        triage = read_triage_table(region=settings.region).read(question)
        if triage.kind is TriageKind.DANGER:
            print(triage.notice)
        raise
    answer = assistant.ask(question)
    if options.json:
        print_json(answer_json(answer))
    else:
        _show(answer)
    return DONE


def _batch(lines: Iterable[bytes], assistant: Assistant) -> int:
    status = DONE
    for number, line in enumerate(lines, start=1):
        try:
            print_json(_answer_line(line, assistant))
        except InputError as error:
            status = PARTLY
            print_json({"line": number, "error": str(error)})
    return status


def _answer_line(line: bytes, assistant: Assistant) -> dict[str, object]:
    row = _object(line)
    if not isinstance(row.get("question"), str):
        raise InputError('A line is an object with a text "question".')
    history = row.get("history") or []
    if not isinstance(history, list) or not all(isinstance(turn, str) for turn in history):
        raise InputError('"history" is a list of earlier questions.')
    given = row.get("id")
    return answer_json(
        assistant.ask(row["question"], history), id=None if given is None else str(given)
    )


def _object(content: bytes) -> dict[str, Any]:
    try:
        row = json.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InputError(f"This is not JSON: {error}.") from error
    if not isinstance(row, dict):
        raise InputError("This is not a JSON object.")
    return row


@contextmanager
def _lines(name: str) -> Iterator[Iterable[bytes]]:
    """The lines of a file as bytes, so that a bad one does not spoil the others."""
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}.") from error
    with file:
        yield io.BytesIO(file.read())


def _show(answer: Answer) -> None:
    console = Console()
    if not console.is_terminal:
        sys.stdout.buffer.write(answer.text.encode("utf-8") + b"\n")
        return
    console.print(
        Panel(
            Text(harmless(answer.text)),
            title=answer.kind.value.replace("_", " "),
            title_align="left",
        )
    )
    for quote in answer.quotes:
        place = f"[{quote.number}] {quote.document.id} {quote.span.start}–{quote.span.end}"
        console.print(Text(place, style="dim"))


def _explain(options: argparse.Namespace, settings: Settings) -> int:
    with _lines(options.receipt) as lines:
        content = b"".join(lines)
    with progress("Indexing") as report:
        assistant = open_assistant(settings, progress=report)
    found = explain(assistant, _object(content))
    console = Console()
    for number, step in enumerate(found.steps, start=1):
        console.print(Text(f"{number} {step.name}", style="bold"))
        for line in step.found:
            console.print(Text(harmless(f"  {line}")), soft_wrap=True)
    changed = ", ".join(found.changed)
    console.print(f"Changed since: {changed}." if changed else "All is as it was.")
    return PARTLY if changed else DONE


def _serve(_: argparse.Namespace, settings: Settings) -> int:
    # Gradio takes seconds to import; the other commands do without it.
    from rag.web.app import serve  # noqa: PLC0415

    serve(settings)
    return DONE
