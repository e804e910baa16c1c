"""What every command prints with: JSON lines, harmless text, a progress bar."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from rag.index import Progress as Report


def print_json(value: dict[str, object]) -> None:
    """Print one line of JSON."""
    # UTF-8 whatever the terminal's locale is: a quote is the page's own characters.
    sys.stdout.buffer.write(
        json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    )
    sys.stdout.buffer.flush()


def harmless(text: str) -> str:
    """``text`` without what would steer a terminal."""
    return "".join(mark for mark in text if mark.isprintable() or mark in "\n\t\u00a0")


@contextmanager
def progress(what: str) -> Iterator[Report]:
    """A progress bar on standard error that appears once there is something to do."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    # Piped standard error gets messages alone.
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(what, total=None, visible=False)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        yield report
