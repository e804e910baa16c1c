"""The database: its tables, how it is opened, and its errors without anybody's words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from rag.datatypes import RecordsError

_MIGRATIONS: Final = Path(__file__).with_name("migrations")
# How long a write waits for another process that writes, in milliseconds.
_PATIENCE: Final = 5_000
TABLES: Final = sa.MetaData()
# As the migrations leave them; a test holds the two to each other.
VOTES: Final = sa.Table(
    "votes",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("hour", sa.DateTime, nullable=False),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("helpful", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("quotes", sa.JSON, nullable=False),
    sa.Column("index_digest", sa.String(64), nullable=False),
    sa.Index("votes_by_hour", "hour"),
)
UNANSWERED: Final = sa.Table(
    "unanswered",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("hour", sa.DateTime, nullable=False),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("probability", sa.Float, nullable=False),
    sa.Column("index_digest", sa.String(64), nullable=False),
    sa.Index("unanswered_by_hour", "hour"),
)


def records_file(records: str) -> Path | None:
    """The file of a setting; None where it is another database's URL.

    Raises:
        RecordsError: it is no file and no URL.
    """
    if "://" not in records:
        return Path(records)
    url = _url(records)
    if url.get_backend_name() != "sqlite":
        return None
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise RecordsError("RAG_RECORDS names a SQLite database that is no file. Give a file.")
    return Path(url.database)


def migrate(engine: sa.Engine, revision: str = "head") -> None:
    """Bring a database to a revision, in one transaction.

    Raises:
        RecordsError: it cannot be done, or a newer version wrote it.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    try:
        with trouble("opened"), engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    except CommandError as error:
        raise RecordsError(
            "What is kept was written by a newer version of this program. Use that one, or "
            "name another file in RAG_RECORDS."
        ) from error


def open_engine(records: str) -> sa.Engine:
    """The database that a setting names, not yet looked at.

    Raises:
        RecordsError: it names none, or its driver or its file cannot be had.
    """
    file = records_file(records)
    try:
        if file is None:
            # Parameters are visitors' words, which have no place in an error.
            return sa.create_engine(_url(records), hide_parameters=True)
        _make_private(file)
        url = sa.URL.create("sqlite", database=str(file))
        # A connection for each use: nothing is held open while a backup is put back.
        engine = sa.create_engine(url, hide_parameters=True, poolclass=NullPool)
    except (ImportError, NoSuchModuleError) as error:
        raise RecordsError(
            f"The database that RAG_RECORDS names needs a driver that is not here: {error}."
        ) from error
    sa.event.listen(engine, "connect", _set_up)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _url(records: str) -> sa.URL:
    try:
        return sa.make_url(records)
    except (ArgumentError, ValueError) as error:
        # The URL may hold a password: it is not repeated.
        raise RecordsError("RAG_RECORDS is neither a file nor a database's URL.") from error


def _make_private(file: Path) -> None:
    """The folder and the file, for their owner alone, unless they are there already."""
    try:
        if not file.parent.is_dir():
            file.parent.mkdir(mode=0o700, parents=True)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise RecordsError(
            f"{file} cannot be written: {error.strerror}. Name another file in RAG_RECORDS, or "
            "leave it empty to keep nothing."
        ) from error


def _set_up(connection: Any, _record: object) -> None:  # noqa: ANN401 - any driver's
    # We begin transactions ourselves: the driver's own way reads first and may then not write.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {_PATIENCE}")
    connection.execute("PRAGMA journal_mode = WAL")
    # On the disk before it is acknowledged, and overwritten when deleted.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")


def _begin(connection: sa.Connection) -> None:
    if not connection.get_execution_options().get("only_reads"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def trouble(what: str) -> Iterator[None]:
    """Errors of the database as our own, without the words that were being kept."""
    try:
        yield
    except DBAPIError as error:
        raise RecordsError(f"The records cannot be {what}: {_said(error)}.") from None
    except (SQLAlchemyError, UnicodeError) as error:
        raise RecordsError(f"The records cannot be {what}: {type(error).__name__}.") from None


def _said(error: DBAPIError) -> str:
    # SQLite's messages hold no values; other databases quote them in theirs.
    said = str(error.orig)
    return said if type(error.orig).__module__ == "sqlite3" else type(error.orig).__name__
