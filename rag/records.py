"""What is kept, in a database: votes, and questions asked in vain.

SQLite in a file of its own, or another database by its URL. What is acknowledged is on the disk;
what is older than so many days goes, and leaves nothing behind in the file. Words come in here
scrubbed (``rag.keeping``); times are cut to the hour.
"""

from __future__ import annotations

import logging
import os
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from rag.datatypes import AnswerKind, RecordsError
from rag.settings import Settings

logger = logging.getLogger(__name__)

_MIGRATIONS: Final = Path(__file__).with_name("migrations")
# How long a write waits for another process that writes, in milliseconds.
_PATIENCE: Final = 5_000
_PURGED_EVERY: Final = timedelta(hours=1)
_TABLES: Final = sa.MetaData()
# As the migrations leave them; a test holds the two to each other.
VOTES: Final = sa.Table(
    "votes",
    _TABLES,
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
    _TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("hour", sa.DateTime, nullable=False),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("probability", sa.Float, nullable=False),
    sa.Column("index_digest", sa.String(64), nullable=False),
    sa.Index("unanswered_by_hour", "hour"),
)


@dataclass(frozen=True, slots=True)
class QuoteShown:
    """A quote that was shown: its page, its place there, and the sha256 of the page."""

    document: str
    start: int
    end: int
    digest: str


@dataclass(frozen=True, slots=True)
class Vote:
    """Somebody found an answer helpful, or not; ``reason`` is "" where none was given.

    ``question`` and ``reason`` are scrubbed, ``index`` is the digest of the index that answered.
    """

    when: datetime
    question: str
    helpful: bool
    reason: str
    kind: AnswerKind
    quotes: tuple[QuoteShown, ...]
    index: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A scrubbed question that the pages do not answer, and how likely it was that they do."""

    when: datetime
    question: str
    probability: float
    index: str


@dataclass(frozen=True, slots=True)
class AskedInVain:
    """The same question, however often: its newest wording, its count, and each record."""

    question: str
    count: int
    newest: datetime
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """How much is kept, and the hour of the oldest; None where nothing is."""

    votes: int
    helpful: int
    unanswered: int
    oldest: datetime | None


@dataclass(slots=True)
class Records:
    """An open database. Every method may be called from any thread."""

    engine: sa.Engine = field(repr=False)
    days: int
    clock: Callable[[], datetime]
    _purged: datetime | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, record: Vote | Unanswered) -> int:
        """Write a record; once its number is returned it is on the disk.

        Raises:
            RecordsError: it cannot be written.
        """
        self._purge_in_time()
        table, row = _row(record)
        with _trouble("written"), self.engine.begin() as connection:
            done = connection.execute(sa.insert(table).values(row))
        (number,) = done.inserted_primary_key or (0,)
        return int(number)

    def keep(self, record: Vote | Unanswered | None) -> bool:
        """Write a record if there is one and it can be done; an answer never fails with it."""
        if record is None:
            return False
        try:
            self.add(record)
        except RecordsError as error:
            # Its words are our own; the visitor's are not in it.
            logger.warning("%s", error)
            return False
        return True

    def votes(self) -> tuple[tuple[int, Vote], ...]:
        """Every vote with its number, newest first.

        Raises:
            RecordsError: they cannot be read.
        """
        return tuple((row.id, _vote(row)) for row in self._rows(VOTES))

    def unanswered(self) -> tuple[tuple[int, Unanswered], ...]:
        """Every question asked in vain with its number, newest first.

        Raises:
            RecordsError: they cannot be read.
        """
        return tuple(
            (
                row.id,
                Unanswered(
                    _aware(row.hour),
                    question=row.question,
                    probability=row.probability,
                    index=row.index_digest,
                ),
            )
            for row in self._rows(UNANSWERED)
        )

    def asked_in_vain(self) -> tuple[AskedInVain, ...]:
        """Questions asked in vain, those of the same words as one, the most often asked first.

        Raises:
            RecordsError: they cannot be read.
        """
        same: dict[str, list[tuple[int, Unanswered]]] = {}
        for number, record in self.unanswered():
            same.setdefault(folded(record.question), []).append((number, record))
        groups = [
            AskedInVain(
                question=found[0][1].question,
                count=len(found),
                newest=found[0][1].when,
                ids=tuple(number for number, _ in found),
            )
            for found in same.values()
        ]
        # Sorting keeps the order of equals: newest first.
        return tuple(sorted(groups, key=lambda group: -group.count))

    def held(self) -> Held:
        """How much is kept.

        Raises:
            RecordsError: it cannot be read.
        """
        self._purge_in_time()
        helped = sa.cast(VOTES.c.helpful, sa.Integer)
        with _trouble("read"), self._reading() as connection:
            votes, helpful, first = connection.execute(
                sa.select(sa.func.count(), sa.func.sum(helped), _first(VOTES))
            ).one()
            unanswered, other = connection.execute(
                sa.select(sa.func.count(), _first(UNANSWERED))
            ).one()
        oldest = min((hour for hour in (first, other) if hour), default=None)
        return Held(votes, helpful or 0, unanswered, _aware(oldest) if oldest else None)

    def delete(self, table: sa.Table, ids: Iterable[int] | None = None) -> int:
        """Delete records of a table by their numbers, or all; how many there were.

        Raises:
            RecordsError: they cannot be deleted.
        """
        wanted = sa.true() if ids is None else table.c.id.in_(list(ids))
        with _trouble("deleted"), self.engine.begin() as connection:
            gone = connection.execute(sa.delete(table).where(wanted)).rowcount
        self._wipe()
        return gone

    def purge(self, days: int | None = None) -> int:
        """Delete what is older than so many days (``self.days``); how many records went.

        Raises:
            RecordsError: they cannot be deleted.
        """
        now = self.clock()
        before = _naive(now) - timedelta(days=self.days if days is None else days)
        gone = 0
        with _trouble("deleted"), self.engine.begin() as connection:
            for table in (VOTES, UNANSWERED):
                gone += connection.execute(sa.delete(table).where(table.c.hour < before)).rowcount
        if gone:
            self._wipe()
        with self._lock:
            self._purged = now
        return gone

    def _purge_in_time(self) -> None:
        with self._lock:
            due = self._purged is None or self.clock() - self._purged >= _PURGED_EVERY
        if due:
            self.purge()

    def _wipe(self) -> None:
        """What SQLite's log still holds of deleted words goes too."""
        if self.engine.dialect.name != "sqlite":
            return
        # Where another process reads it just now, the log goes with that one's last connection.
        with suppress(RecordsError), _trouble("deleted"), self._reading() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def _rows(self, table: sa.Table) -> list[Any]:
        self._purge_in_time()
        newest = sa.select(table).order_by(table.c.hour.desc(), table.c.id.desc())
        with _trouble("read"), self._reading() as connection:
            return list(connection.execute(newest))

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        """A connection that waits for no writer, and makes none wait."""
        with self.engine.connect() as connection:
            yield connection.execution_options(only_reads=True)


def open_records(
    settings: Settings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Records | None:
    """Open what is kept, brought to the newest schema and purged; None where nothing is.

    Raises:
        RecordsError: the database cannot be opened, or a newer version wrote it.
    """
    if not settings.records:
        return None
    records = Records(_engine(settings.records), settings.records_days, clock)
    migrate(records.engine)
    records.purge()
    return records


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
        with _trouble("opened"), engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    except CommandError as error:
        raise RecordsError(
            "What is kept was written by a newer version of this program. Use that one, or "
            "name another file in RAG_RECORDS."
        ) from error


def folded(words: str) -> str:
    """Words without what does not tell questions apart: capitals, marks, spaces."""
    plain = unicodedata.normalize("NFKC", words).casefold()
    return " ".join("".join(mark if mark.isalnum() else " " for mark in plain).split())


def _engine(records: str) -> sa.Engine:
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
        raise RecordsError(f"{file} cannot be written: {error.strerror}.") from error


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
def _trouble(what: str) -> Iterator[None]:
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


def _row(record: Vote | Unanswered) -> tuple[sa.Table, dict[str, object]]:
    row: dict[str, object] = {
        "hour": _naive(record.when),
        "question": _storable(record.question),
        "index_digest": record.index,
    }
    if isinstance(record, Unanswered):
        return UNANSWERED, row | {"probability": record.probability}
    return VOTES, row | {
        "helpful": record.helpful,
        "reason": _storable(record.reason),
        "kind": record.kind.value,
        "quotes": [asdict(quote) for quote in record.quotes],
    }


def _storable(words: str) -> str:
    """Words that any database takes.

    Raises:
        RecordsError: they hold NUL or half a surrogate pair.
    """
    if any(mark == "\0" or unicodedata.category(mark) == "Cs" for mark in words):
        raise RecordsError("These words hold characters that cannot be kept (NUL, surrogates).")
    return words


def _vote(row: Any) -> Vote:  # noqa: ANN401 - a row of VOTES
    return Vote(
        when=_aware(row.hour),
        question=row.question,
        helpful=row.helpful,
        reason=row.reason,
        kind=AnswerKind(row.kind),
        quotes=tuple(QuoteShown(**quote) for quote in row.quotes),
        index=row.index_digest,
    )


def _first(table: sa.Table) -> sa.ColumnElement[datetime | None]:
    return sa.func.min(table.c.hour)


def _naive(when: datetime) -> datetime:
    """The hour, in UTC, as every database keeps it: less to know than the minute."""
    return when.astimezone(UTC).replace(minute=0, second=0, microsecond=0, tzinfo=None)


def _aware(hour: datetime) -> datetime:
    return hour.replace(tzinfo=UTC)
