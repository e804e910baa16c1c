"""A copy of the records, made while they are in use, and the way back.

Both go through SQLite's own backup: what is copied is one moment's state, and a restore that is
cut off leaves what was there. Nothing is replaced before the copy is seen to be whole.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rag.datatypes import RecordsError

_TABLES = {"votes", "unanswered", "alembic_version"}


def back_up(records: Path, copy: Path) -> None:
    """Copy the records to a file that does not exist yet; it is there whole, or not at all.

    Raises:
        RecordsError: there is nothing to copy, or the copy cannot be written.
    """
    if copy.exists():
        raise RecordsError(f"{copy} exists already. Give the name of a new file.")
    if not records.is_file():
        raise RecordsError(f"There is nothing to back up: {records} does not exist.")
    with _trouble(f"{records} cannot be copied to {copy}"), _beside(copy) as partial:
        _copy(records, partial)
        with closing(_opened(partial)) as database:
            # One file that can be carried about, without a log beside it.
            database.execute("PRAGMA journal_mode = DELETE")
        partial.replace(copy)


def restore(copy: Path, records: Path, *, migrate: Callable[[Path], object]) -> Path | None:
    """Put a backup in the place of the records; where those of before were put, if there were any.

    Args:
        copy: what ``back_up`` wrote, now or with an earlier version.
        records: the file in use; programs that have it open see the new state.
        migrate: brings a file to the newest schema.

    Raises:
        RecordsError: the backup is damaged or no backup, or cannot be put in place. What was
            there then still is.
    """
    _check(copy)
    with _trouble(f"{copy} cannot be restored"), _beside(records) as partial:
        _copy(copy, partial)
        migrate(partial)
        _check(partial)
        if not (records.is_file() and records.stat().st_size):
            _copy(partial, _private(records))
            return None
        aside = records.with_name(f"{records.name}.before-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}")
        if _is_whole(records):
            _copy(records, _private(aside))
            _copy(partial, records)
            return aside
        # It cannot even be read: its files are moved, with the log that belongs to them.
        for end in ("-wal", "-shm", ""):
            part = records.with_name(records.name + end)
            if part.exists():
                part.rename(aside.with_name(aside.name + end))
        partial.rename(records)
        return aside


def _check(file: Path) -> None:
    if not file.is_file():
        raise RecordsError(f"{file} does not exist.")
    if not _is_whole(file):
        raise RecordsError(f"{file} is damaged, or no backup of the records. Nothing was changed.")


def _is_whole(file: Path) -> bool:
    """Whether every page of a file is as SQLite wrote it, and it holds our tables."""
    try:
        with closing(_opened(file, mode="ro")) as database:
            sound = database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            names = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    except sqlite3.DatabaseError:
        return False
    return sound and names >= _TABLES


def _copy(source: Path, target: Path) -> None:
    with closing(_opened(source, mode="ro")) as old, closing(_opened(target)) as new:
        old.backup(new)


def _opened(file: Path, mode: str = "rw") -> sqlite3.Connection:
    # Never made here: an empty database must not stand where a file is missing.
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode={mode}", uri=True, timeout=5)


def _private(file: Path) -> Path:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    return file


@contextmanager
def _beside(file: Path) -> Iterator[Path]:
    """A private file in the same folder, to be renamed; what is left of it goes."""
    partial = _private(file.with_name(f".{file.name}.{secrets.token_hex(4)}"))
    try:
        yield partial
    finally:
        for end in ("", "-wal", "-shm", "-journal"):
            partial.with_name(partial.name + end).unlink(missing_ok=True)


@contextmanager
def _trouble(what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise RecordsError(f"{what}: {error}.") from error
