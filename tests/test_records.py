from __future__ import annotations

import logging
import multiprocessing
import random
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from rag.datatypes import AnswerKind, RecordsError
from rag.records.backup import back_up, restore
from rag.records.database import TABLES, UNANSWERED, VOTES, migrate, open_engine
from rag.records.store import Records, open_records
from rag.records.values import QuoteShown, Unanswered, Vote, folded
from rag.settings import Settings
from tests.record_writer import write

NOW = datetime(2026, 11, 22, 14, 47, 31, 5, tzinfo=UTC)
HOUR = datetime(2026, 11, 22, 14, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


def opened(file: Path, clock: Callable[[], datetime] = Clock(), days: int = 30) -> Records:  # noqa: B008
    records = open_records(Settings(records=str(file), records_days=days), clock=clock)
    assert records
    return records


def asked(question: str, when: datetime = NOW) -> Unanswered:
    return Unanswered(when, question, 0.25, "digest")


def vote(question: str = "Is it safe?", reason: str = "", when: datetime = NOW) -> Vote:
    quotes = (QuoteShown("a.txt", 3, 9, "d" * 64), QuoteShown("b.txt", 0, 4, "e" * 64))
    return Vote(
        when=when,
        question=question,
        helpful=False,
        reason=reason,
        kind=AnswerKind.ANSWER,
        quotes=quotes,
        index="f" * 64,
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "records.sqlite3"


def test_what_is_added_is_listed_newest_first_with_its_hour_and_no_minute(file: Path) -> None:
    records = opened(file)
    first = records.add(vote("one"))
    second = records.add(vote("two", "because", NOW + timedelta(hours=1)))
    assert records.votes() == (
        (second, vote("two", "because", HOUR + timedelta(hours=1))),
        (first, vote("one", when=HOUR)),
    )
    number = records.add(asked("why?"))
    assert opened(file).unanswered() == ((number, asked("why?", HOUR)),)


def test_a_time_of_another_zone_is_kept_in_utc(file: Path) -> None:
    records = opened(file)
    records.add(asked("q", datetime.fromisoformat("2026-11-22T10:30:00-05:00")))
    ((_, kept),) = records.unanswered()
    assert kept.when == datetime(2026, 11, 22, 15, tzinfo=UTC)


def test_the_same_words_are_counted_together(file: Path) -> None:
    records = opened(file)
    rare = records.add(asked("Do you treat cats?", NOW + timedelta(hours=2)))
    often = [
        records.add(asked(words, NOW + timedelta(hours=at)))
        for at, words in enumerate(["Is it  halal", "is it halal?", "IS IT HALAL?!"])
    ]
    groups = records.asked_in_vain()
    assert [(g.question, g.count) for g in groups] == [
        ("IS IT HALAL?!", 3),
        ("Do you treat cats?", 1),
    ]
    assert groups[0].ids == tuple(reversed(often))
    assert groups[0].newest == HOUR + timedelta(hours=2)
    assert groups[1].ids == (rare,)
    assert folded("Ⅳ—drip, now!") == "iv drip now"


def test_one_or_all_are_deleted_and_numbers_are_not_given_again(file: Path) -> None:
    records = opened(file)
    numbers = [records.add(asked(f"question {at}")) for at in range(3)]
    kept = records.add(vote())
    assert records.delete(UNANSWERED, numbers[1:2]) == 1
    assert [number for number, _ in records.unanswered()] == [numbers[2], numbers[0]]
    assert records.delete(UNANSWERED) == 2
    assert records.unanswered() == ()
    assert records.add(asked("again")) > max(numbers)
    assert [number for number, _ in records.votes()] == [kept]
    assert records.delete(VOTES, [99]) == 0


def test_what_is_deleted_leaves_no_trace_in_the_files(file: Path) -> None:
    records = opened(file)
    for at in range(50):
        records.add(asked(f"Zanzibar {at} " * 20))
    files = [part for part in file.parent.iterdir() if part.stat().st_size]
    assert any(b"Zanzibar" in part.read_bytes() for part in files)
    records.delete(UNANSWERED)
    assert not any(b"Zanzibar" in part.read_bytes() for part in file.parent.iterdir())


def test_what_is_too_old_goes_when_the_records_are_opened(file: Path) -> None:
    clock = Clock()
    records = opened(file, clock)
    records.add(asked("old"))
    records.add(vote("old"))
    clock.now += timedelta(days=20)
    records.add(asked("newer", clock.now))
    clock.now += timedelta(days=10)
    assert len(opened(file, clock).unanswered()) == 2
    clock.now += timedelta(hours=1)
    again = opened(file, clock)
    assert [kept.question for _, kept in again.unanswered()] == ["newer"]
    assert again.votes() == ()


def test_an_open_database_is_purged_by_use_once_an_hour(file: Path) -> None:
    clock = Clock()
    records = opened(file, clock, days=1)
    records.add(asked("old"))
    clock.now += timedelta(days=1, minutes=59)
    records.add(asked("new", clock.now))
    assert [kept.question for _, kept in records.unanswered()] == ["new"]
    # Written as old; within the hour nobody looks for what is old.
    records.add(asked("too old already", clock.now - timedelta(days=2)))
    clock.now += timedelta(minutes=59)
    records.add(asked("newest", clock.now))
    assert records.held().unanswered == 3
    clock.now += timedelta(minutes=1)
    assert records.held().unanswered == 2


def test_how_much_is_held_is_told(file: Path) -> None:
    records = opened(file)
    assert (records.held().votes, records.held().oldest) == (0, None)
    records.add(vote(when=NOW - timedelta(days=3)))
    records.add(replace(vote(), helpful=True))
    records.add(asked("q", NOW - timedelta(days=5)))
    held = records.held()
    assert (held.votes, held.helpful, held.unanswered) == (2, 1, 1)
    assert held.oldest == HOUR - timedelta(days=5)


def test_only_the_owner_may_read_the_folder_and_its_files(file: Path) -> None:
    records = opened(file)
    with records._reading() as reading:
        # An open connection keeps SQLite's log beside the file.
        reading.execute(sa.select(UNANSWERED)).all()
        records.add(asked("q"))
        modes = {part.name: part.stat().st_mode & 0o777 for part in file.parent.iterdir()}
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert len(modes) == 3
    assert set(modes.values()) == {0o600}


def test_nothing_is_opened_where_nothing_shall_be_kept() -> None:
    assert open_records(Settings(records="")) is None


def test_another_database_is_a_url(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other.sqlite3"
    records = open_records(Settings(records=url), clock=Clock())
    assert records
    records.add(asked("q"))
    assert len(opened(tmp_path / "other.sqlite3").unanswered()) == 1


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("sqlite://", "no file"),
        ("sqlite:///:memory:", "no file"),
        ("nonsense://host/name", "needs a driver"),
        ("postgresql://user:secret-word@:bad:port/x", "neither a file nor"),
    ],
)
def test_a_database_that_cannot_be_used_is_named_without_its_password(
    value: str, words: str
) -> None:
    with pytest.raises(RecordsError, match=words) as raised:
        open_records(Settings(records=value))
    assert "secret-word" not in str(raised.value)


def test_a_file_that_is_no_database_is_refused_and_left_alone(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"Dear diary, " * 1000)
    with pytest.raises(RecordsError, match="not a database"):
        opened(file)
    assert file.read_bytes() == b"Dear diary, " * 1000


@pytest.mark.parametrize(
    "words",
    [
        "'; DROP TABLE votes; --",
        'a "quoted" \\ %s :name ? $1 {x}',
        "👩\u200d⚕\ufe0f \u202eturned\u202c e\u0301",
        "line\r\nbreak\ttab\x0b\x1f",
        "x" * 100_000,
        "",
    ],
)
def test_hostile_words_come_back_as_they_were(file: Path, words: str) -> None:
    records = opened(file)
    records.add(vote(words, words))
    records.add(asked(words))
    assert records.votes()[0][1] == vote(words, words, HOUR)
    assert records.unanswered()[0][1] == asked(words, HOUR)


@pytest.mark.parametrize("words", ["nul \0 here", "half \ud83d a pair"])
def test_words_that_no_database_takes_are_refused(file: Path, words: str) -> None:
    records = opened(file)
    with pytest.raises(RecordsError, match="cannot be kept"):
        records.add(asked(words))
    with pytest.raises(RecordsError, match="cannot be kept"):
        records.add(vote("fine", words))
    assert records.held().unanswered == records.held().votes == 0


@hypothesis_settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(words=st.text())
def test_any_words_come_back_or_are_refused(file: Path, words: str) -> None:
    records = opened(file)
    records.delete(UNANSWERED)
    if records.keep(asked(words)):
        assert records.unanswered()[0][1].question == words
    else:
        assert "\0" in words
        assert records.unanswered() == ()


def test_what_cannot_be_kept_breaks_nothing_and_is_logged_without_the_words(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    records = opened(file)
    with closing(sqlite3.connect(file)) as database:
        database.execute("DROP TABLE unanswered")
    with caplog.at_level(logging.DEBUG):
        assert not records.keep(asked("a private worry"))
        assert not records.keep(vote("worry \0", "private"))
        assert not records.keep(None)
    assert "no such table" in caplog.text
    assert len(caplog.records) == 2
    assert "worry" not in caplog.text
    assert "private" not in caplog.text
    assert records.keep(vote("fine"))


def test_threads_write_side_by_side(file: Path) -> None:
    records = opened(file)
    numbers: list[int] = []

    def add() -> None:
        numbers.extend([records.add(asked("q")) for _ in range(10)])

    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(numbers)) == 60
    assert {number for number, _ in records.unanswered()} == set(numbers)


def test_processes_that_open_a_new_file_at_once_lose_nothing(file: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.record_writer"])
    ends = [context.Pipe(duplex=False) for _ in range(3)]
    writers = [
        context.Process(target=write, args=(file, at * 100, 20, told))
        for at, (_, told) in enumerate(ends)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    records = opened(file, lambda: datetime.now(UTC))
    kept = {one.question for _, one in records.unanswered()}
    assert kept == {f"question {at * 100 + n}" for at in range(3) for n in range(20)}


def test_nothing_acknowledged_is_lost_in_fifty_kills(file: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.record_writer"])
    chance = random.Random(20_261_122)
    acknowledged: set[int] = set()
    for kill in range(50):
        heard, told = context.Pipe(duplex=False)
        writer = context.Process(target=write, args=(file, kill * 1_000, None, told))
        writer.start()
        told.close()
        # At a moment of some write, or of the opening.
        for _ in range(chance.randrange(12)):
            acknowledged.add(heard.recv())
        writer.kill()
        writer.join()
        with closing(heard):
            while heard.poll():
                try:
                    acknowledged.add(heard.recv())
                except EOFError:
                    break
        assert writer.exitcode == -9
        assert {f"question {at}" for at in acknowledged} <= _questions(file)
    opened(file, lambda: datetime.now(UTC)).add(asked("life goes on", datetime.now(UTC)))
    assert len(acknowledged) > 200
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def _questions(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as database:
        made = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'unanswered'").fetchall()
        rows = database.execute("SELECT question FROM unanswered") if made else ()
        return {words for (words,) in rows}


def test_a_database_of_the_previous_schema_opens_with_all_it_held(file: Path) -> None:
    engine = open_engine(str(file))
    migrate(engine, "0001")
    hour = "2026-11-20 09:00:00.000000"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(
            "INSERT INTO unanswered (hour, question, probability, index_digest) "
            "VALUES (?, 'from before', 0.5, 'd')",
            (hour,),
        )
        assert not _indexes(database)
    records = opened(file)
    ((_, kept),) = records.unanswered()
    assert (kept.question, kept.when) == ("from before", datetime(2026, 11, 20, 9, tzinfo=UTC))
    with closing(sqlite3.connect(file)) as database:
        assert _indexes(database)


def _indexes(database: sqlite3.Connection) -> list[str]:
    wanted = "SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE '%hour%'"
    return [name for (name,) in database.execute(wanted)]


def test_a_database_of_a_newer_version_is_refused_and_left_alone(file: Path) -> None:
    opened(file).add(asked("kept"))
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(RecordsError, match="newer version"):
        opened(file)
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT question FROM unanswered").fetchall() == [("kept",)]


def test_the_migrations_make_the_tables_that_are_used(file: Path) -> None:
    with opened(file).engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), TABLES)
    assert found == []


def migrated(copy: Path) -> object:
    return opened(copy)


def test_a_backup_is_one_private_file_that_restores_to_the_same(file: Path, tmp_path: Path) -> None:
    records = opened(file)
    records.add(vote("one", "reason"))
    records.add(asked("two"))
    copy = tmp_path / "copy.sqlite3"
    back_up(file, copy)
    assert copy.stat().st_mode & 0o777 == 0o600
    before = records.votes(), records.unanswered()
    records.delete(VOTES)
    records.add(asked("after the backup"))
    aside = restore(copy, file, migrate=migrated)
    # The program that has it open sees what was restored.
    assert (records.votes(), records.unanswered()) == before
    assert aside
    words = [kept.question for _, kept in opened(aside).unanswered()]
    assert sorted(words) == ["after the backup", "two"]
    assert sorted(part.name for part in tmp_path.iterdir()) == ["copy.sqlite3", "kept"]


def test_a_backup_does_not_replace_a_file(file: Path, tmp_path: Path) -> None:
    opened(file)
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(RecordsError, match="exists already"):
        back_up(file, tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "precious"
    with pytest.raises(RecordsError, match="does not exist"):
        back_up(tmp_path / "none", tmp_path / "new")
    with pytest.raises(RecordsError, match="cannot be copied"):
        back_up(tmp_path / "mine", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_backup_is_made_while_somebody_writes(file: Path, tmp_path: Path) -> None:
    records = opened(file)
    records.add(asked("written"))
    with records.engine.begin() as connection:
        connection.execute(sa.delete(UNANSWERED))
        back_up(file, tmp_path / "copy")
    assert [kept.question for _, kept in opened(tmp_path / "copy").unanswered()] == ["written"]


@pytest.mark.parametrize("damage", ["cut", "overwritten", "text", "other", "missing", "newer"])
def test_a_damaged_backup_is_refused_and_nothing_is_lost(
    file: Path, tmp_path: Path, damage: str
) -> None:
    records = opened(file)
    for at in range(10):
        records.add(asked(f"question {at} " * 500))
    copy = tmp_path / "copy"
    back_up(file, copy)
    before = records.unanswered()
    content = copy.read_bytes()
    if damage == "cut":
        copy.write_bytes(content[: len(content) // 2])
    elif damage == "overwritten":
        copy.write_bytes(content[:8192] + b"\xff" * 4096 + content[12288:])
    elif damage == "text":
        copy.write_text("no database")
    elif damage == "missing":
        copy.unlink()
    elif damage == "other":
        copy.unlink()
        with closing(sqlite3.connect(copy)) as database, database:
            database.execute("CREATE TABLE recipes (words TEXT)")
    else:
        with closing(sqlite3.connect(copy)) as database, database:
            database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(RecordsError):
        restore(copy, file, migrate=migrated)
    assert records.unanswered() == before
    assert [part.name for part in file.parent.iterdir()] == [file.name]


def test_a_backup_is_restored_where_nothing_is_left(file: Path, tmp_path: Path) -> None:
    opened(file).add(asked("kept"))
    back_up(file, tmp_path / "copy")
    shutil.rmtree(file.parent)
    assert restore(tmp_path / "copy", file, migrate=migrated) is None
    assert [kept.question for _, kept in opened(file).unanswered()] == ["kept"]
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_backup_is_restored_over_a_damaged_file_which_is_kept_aside(
    file: Path, tmp_path: Path
) -> None:
    opened(file).add(asked("kept"))
    back_up(file, tmp_path / "copy")
    file.write_bytes(b"scrambled" * 1000)
    aside = restore(tmp_path / "copy", file, migrate=migrated)
    assert aside
    assert aside.read_bytes() == b"scrambled" * 1000
    assert [kept.question for _, kept in opened(file).unanswered()] == ["kept"]


def test_an_older_backup_is_brought_to_the_newest_schema(file: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.sqlite3"
    migrate(open_engine(str(old)), "0001")
    opened(file)
    restore(old, file, migrate=migrated)
    with closing(sqlite3.connect(file)) as database:
        assert _indexes(database)


def test_what_is_too_old_by_now_is_not_brought_back(file: Path, tmp_path: Path) -> None:
    records = opened(file)
    records.add(asked("old", NOW - timedelta(days=29)))
    records.add(asked("newer"))
    back_up(file, tmp_path / "copy")
    later = Clock(NOW + timedelta(days=2))
    restore(tmp_path / "copy", file, migrate=lambda copy: opened(copy, later))
    assert [kept.question for _, kept in records.unanswered()] == ["newer"]
