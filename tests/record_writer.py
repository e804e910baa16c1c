"""What another process does with the records; imports little, so that it starts at once."""

from __future__ import annotations

from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from rag.records.store import open_records
from rag.records.values import Unanswered
from rag.settings import Settings


def write(file: Path, first: int, count: int | None, told: Connection) -> None:
    """Add records, numbered from ``first`` in their words, and tell of each once it is kept."""
    records = open_records(Settings(records=str(file)))
    assert records
    at = first
    while count is None or at < first + count:
        records.add(Unanswered(datetime.now(UTC), f"question {at}", 0.1, "digest"))
        told.send(at)
        at += 1
    told.close()
