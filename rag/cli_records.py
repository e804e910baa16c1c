"""The owner's commands over what is kept: ``records`` and what stands below it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.datatypes import InputError, RecordsError
from rag.settings import Settings
from rag.terminal import harmless, print_json

if TYPE_CHECKING:
    from rag.records.store import Records

DONE = 0
_MOST_DAYS = 36_500
_Commands = argparse._SubParsersAction
_Run = Callable[[argparse.Namespace, Settings], int]


def add_records(commands: _Commands[argparse.ArgumentParser]) -> None:
    """Add ``records``."""
    records = commands.add_parser(
        "records",
        help="votes and unanswered questions: see, delete, back up",
        description="Shows how much is kept of visitors' questions, and until when. What that "
        "is, and what never is: docs/privacy.md.",
    )
    records.set_defaults(run=_held)
    below = records.add_subparsers(metavar="what")
    asked = below.add_parser("unanswered", help="questions the pages did not answer")
    asked.add_argument("--limit", type=int, metavar="N", help="so many of the most asked")
    votes = below.add_parser("votes", help="what visitors found helpful, newest first")
    delete = below.add_parser("delete", help="delete single records, by their numbers")
    delete.add_argument("table", choices=("vote", "unanswered"))
    delete.add_argument("ids", type=int, nargs="+", metavar="NUMBER")
    purge = below.add_parser("purge", help="delete what is old, or everything")
    purge.add_argument("--days", type=int, metavar="N", help="older than N days (RAG_RECORDS_DAYS)")
    purge.add_argument("--all", action="store_true", help="everything")
    backup = below.add_parser("backup", help="copy everything to a new file")
    backup.add_argument("file", type=Path, metavar="FILE")
    restore = below.add_parser("restore", help="put a backup in the place of what is kept")
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.add_argument("--yes", action="store_true", help="do not ask first")
    for listing in (asked, votes):
        listing.add_argument("--json", action="store_true", help="one JSON object a line")
    runs: list[tuple[argparse.ArgumentParser, _Run]] = [
        (asked, _unanswered),
        (votes, _votes),
        (delete, _delete),
        (purge, _purge),
        (backup, _backup),
        (restore, _restore),
    ]
    for parser, run in runs:
        parser.set_defaults(run=run)


def _held(_: argparse.Namespace, settings: Settings) -> int:
    held = _open(settings).held()
    print(
        f"{held.votes:,} votes ({held.helpful:,} helpful), "
        f"{held.unanswered:,} questions asked in vain."
    )
    if held.oldest:
        end = held.oldest + timedelta(days=settings.records_days)
        print(f"The oldest is from {held.oldest:%Y-%m-%d} and is deleted on {end:%Y-%m-%d}.")
    print(f"Everything is deleted after {settings.records_days} days.")
    return DONE


def _unanswered(options: argparse.Namespace, settings: Settings) -> int:
    if options.limit is not None and options.limit < 1:
        raise InputError(f"--limit takes at least 1, not {options.limit}.")
    groups = _open(settings).asked_in_vain()[: options.limit]
    for group in groups:
        if options.json:
            print_json(_plain(asdict(group)))
            continue
        numbers = ", ".join(map(str, group.ids))
        words = harmless(" ".join(group.question.split()))
        _print(f"{group.count:>4} × {words}  ({_hour(group.newest)}; {numbers})")
    if not groups and not options.json:
        print("No question was asked in vain.")
    return DONE


def _votes(options: argparse.Namespace, settings: Settings) -> int:
    votes = _open(settings).votes()
    for number, vote in votes:
        if options.json:
            print_json({"id": number} | _plain(asdict(vote)))
            continue
        said = "helpful" if vote.helpful else "not helpful"
        words = harmless(" ".join(vote.question.split()))
        _print(f"{number:>4} {_hour(vote.when)} {said}: {words}")
        if vote.reason:
            _print(f"     because: {harmless(' '.join(vote.reason.split()))}")
    if not votes and not options.json:
        print("Nobody has voted.")
    return DONE


def _delete(options: argparse.Namespace, settings: Settings) -> int:
    # SQLAlchemy takes half a second to import; the other commands do without it.
    from rag.records.database import UNANSWERED, VOTES  # noqa: PLC0415

    table = VOTES if options.table == "vote" else UNANSWERED
    gone = _open(settings).delete(table, options.ids)
    print(f"Deleted {gone:,} records.")
    if gone < len(set(options.ids)):
        raise RecordsError(f"{len(set(options.ids)) - gone} of the numbers name no record.")
    return DONE


def _purge(options: argparse.Namespace, settings: Settings) -> int:
    from rag.records.database import UNANSWERED, VOTES  # noqa: PLC0415

    if options.days is not None and options.all:
        raise InputError("Give --days N or --all, not both.")
    if options.days is not None and not 0 <= options.days <= _MOST_DAYS:
        raise InputError(f"--days takes 0 to {_MOST_DAYS}, not {options.days}.")
    records = _open(settings)
    if options.all:
        gone = records.delete(VOTES) + records.delete(UNANSWERED)
    else:
        gone = records.purge(options.days)
    print(f"Deleted {gone:,} records.")
    return DONE


def _backup(options: argparse.Namespace, settings: Settings) -> int:
    from rag.records.backup import back_up  # noqa: PLC0415

    back_up(_file(settings), options.file)
    print(f"Backed up to {options.file}. What it holds is not deleted after some days.")
    return DONE


def _restore(options: argparse.Namespace, settings: Settings) -> int:
    from rag.records.backup import restore  # noqa: PLC0415
    from rag.records.store import open_records  # noqa: PLC0415

    file = _file(settings)
    if not (options.yes or _agreed(f"Put {options.file} in the place of {file}?")):
        raise InputError("Nothing was restored: not confirmed. Say --yes to do it unasked.")

    def migrate(copy: Path) -> object:
        return open_records(replace(settings, records=str(copy)))

    aside = restore(options.file, file, migrate=migrate)
    print(f"Restored {options.file}.")
    if aside:
        print(f"What was there before is in {aside}; delete it when it is not needed.")
    return DONE


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        return False
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}


def _open(settings: Settings) -> Records:
    from rag.records.store import open_records  # noqa: PLC0415

    records = open_records(settings)
    if records is None:
        raise RecordsError("Nothing is kept: RAG_RECORDS is empty.")
    return records


def _file(settings: Settings) -> Path:
    from rag.records.database import records_file  # noqa: PLC0415

    if not settings.records:
        raise RecordsError("Nothing is kept: RAG_RECORDS is empty.")
    file = records_file(settings.records)
    if file is None:
        raise RecordsError(
            "RAG_RECORDS names another database than SQLite: back it up, and restore it, with "
            "that database's own tools."
        )
    return file


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in fields.items()
    }


def _hour(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:00} UTC"


def _print(line: str) -> None:
    sys.stdout.buffer.write(line.encode("utf-8", "replace") + b"\n")
