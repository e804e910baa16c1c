"""What is kept, in a database: votes, and questions asked in vain.

SQLite in a file of its own, or another database by its URL. What is acknowledged is on the disk;
what is older than so many days goes, and leaves nothing behind in the file. Words come in here
scrubbed (``rag.keeping``); times are cut to the hour.
"""

from __future__ import annotations

import logging
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from rag.datatypes import AnswerKind, RecordsError
from rag.records.database import UNANSWERED, VOTES, migrate, open_engine, trouble
from rag.records.values import AskedInVain, Held, QuoteShown, Unanswered, Vote, folded
from rag.settings import Settings

logger = logging.getLogger(__name__)

_PURGED_EVERY: Final = timedelta(hours=1)


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
        with trouble("written"), self.engine.begin() as connection:
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
        with trouble("read"), self._reading() as connection:
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
        with trouble("deleted"), self.engine.begin() as connection:
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
        with trouble("deleted"), self.engine.begin() as connection:
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
        with suppress(RecordsError), trouble("deleted"), self._reading() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def _rows(self, table: sa.Table) -> list[Any]:
        self._purge_in_time()
        newest = sa.select(table).order_by(table.c.hour.desc(), table.c.id.desc())
        with trouble("read"), self._reading() as connection:
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
    records = Records(open_engine(settings.records), settings.records_days, clock)
    migrate(records.engine)
    records.purge()
    return records


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
