from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rag.cli import main
from rag.datatypes import AnswerKind
from rag.records.store import Records, open_records
from rag.records.values import QuoteShown, Unanswered, Vote
from rag.settings import ROOT, Settings

Run = Callable[..., tuple[int, str, str]]
NOW = datetime.now(UTC)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "records.sqlite3"
    monkeypatch.setenv("RAG_RECORDS", str(file))
    return file


@pytest.fixture
def records(file: Path) -> Records:
    opened = open_records(Settings(records=str(file)))
    assert opened
    for days, question in ((0, "Is it halal?"), (2, "is it HALAL"), (5, "Do you treat cats?")):
        opened.add(Unanswered(NOW - timedelta(days=days), question, 0.1, "d"))
    shown = (QuoteShown("a.txt", 1, 9, "e"),)
    opened.add(Vote(NOW, "Is it\x1b[2J safe?", False, "too long", AnswerKind.ANSWER, shown, "d"))
    return opened


@pytest.fixture
def run(file: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["records", *arguments])
        sys.stdout.flush()
        said = capfd.readouterr()
        return status, said.out, said.err

    return run


def test_how_much_is_kept_and_until_when(records: Records, run: Run) -> None:
    status, said, _ = run()
    assert status == 0
    assert "1 votes (0 helpful), 3 questions asked in vain." in said
    oldest, end = NOW - timedelta(days=5), NOW + timedelta(days=25)
    assert f"from {oldest:%Y-%m-%d} and is deleted on {end:%Y-%m-%d}" in said
    assert "after 30 days" in said


def test_nothing_kept_is_said(run: Run) -> None:
    assert run()[1].startswith("0 votes (0 helpful), 0 questions")
    assert run("unanswered")[1] == "No question was asked in vain.\n"
    assert run("votes")[1] == "Nobody has voted.\n"
    assert run("votes", "--json")[1] == ""


def test_questions_asked_in_vain_the_most_asked_first(records: Records, run: Run) -> None:
    status, said, _ = run("unanswered")
    assert status == 0
    first, second = said.splitlines()
    assert re.fullmatch(r"   2 × Is it halal\?  \(\d{4}-\d\d-\d\d \d\d:00 UTC; 1, 2\)", first)
    assert "Do you treat cats?" in second
    (line,) = run("unanswered", "--json", "--limit", "1")[1].splitlines()
    group = json.loads(line)
    assert (group["question"], group["count"], group["ids"]) == ("Is it halal?", 2, [1, 2])
    assert datetime.fromisoformat(group["newest"]).tzinfo
    status, _, error = run("unanswered", "--limit", "0")
    assert status == 1
    assert "at least 1" in error


def test_votes_are_listed_and_cannot_steer_the_terminal(records: Records, run: Run) -> None:
    status, said, _ = run("votes")
    assert status == 0
    assert "not helpful: Is it[2J safe?" in said
    assert "because: too long" in said
    vote = json.loads(run("votes", "--json")[1])
    assert vote["quotes"] == [{"document": "a.txt", "start": 1, "end": 9, "digest": "e"}]
    assert (vote["id"], vote["helpful"], vote["kind"]) == (1, False, "answer")


def test_single_records_are_deleted_by_their_numbers(records: Records, run: Run) -> None:
    assert run("delete", "unanswered", "1", "3")[:2] == (0, "Deleted 2 records.\n")
    assert [number for number, _ in records.unanswered()] == [2]
    status, _, error = run("delete", "vote", "1", "7")
    assert status == 1
    assert "1 of the numbers name no record" in error
    assert records.votes() == ()


def test_what_is_old_is_purged_or_everything(records: Records, run: Run) -> None:
    assert run("purge")[:2] == (0, "Deleted 0 records.\n")
    assert run("purge", "--days", "4")[:2] == (0, "Deleted 1 records.\n")
    assert len(records.unanswered()) == 2
    for wrong in (("--days", "-1"), ("--days", "999999999"), ("--days", "1", "--all")):
        assert run("purge", *wrong)[0] == 1
    assert len(records.unanswered()) == 2
    assert run("purge", "--all")[:2] == (0, "Deleted 3 records.\n")
    assert records.held().votes == records.held().unanswered == 0


def test_a_backup_is_restored_and_what_was_there_is_kept_aside(
    records: Records, run: Run, tmp_path: Path
) -> None:
    copy = str(tmp_path / "copy.sqlite3")
    assert run("backup", copy)[0] == 0
    assert run("backup", copy)[0] == 1
    run("purge", "--all")
    status, _, error = run("restore", copy)
    assert status == 1
    assert "--yes" in error
    assert records.unanswered() == ()
    status, said, _ = run("restore", copy, "--yes")
    assert status == 0
    assert ".before-" in said
    assert len(records.unanswered()) == 3


def test_a_restore_is_asked_about_at_a_terminal(
    records: Records, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = str(tmp_path / "copy.sqlite3")
    run("backup", copy)
    run("purge", "--all")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "no")
    assert run("restore", copy)[0] == 1
    assert records.unanswered() == ()
    monkeypatch.setattr("builtins.input", lambda _: "y")
    assert run("restore", copy)[0] == 0
    assert len(records.unanswered()) == 3


def test_a_backup_that_is_none_is_refused(records: Records, run: Run, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong")
    status, _, error = run("restore", str(wrong), "--yes")
    assert status == 1
    assert "Nothing was changed" in error
    assert len(records.unanswered()) == 3


@pytest.mark.parametrize("command", [(), ("votes",), ("backup", "x"), ("restore", "x", "--yes")])
def test_where_nothing_is_kept_that_is_said(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("RAG_RECORDS", "")
    status, said, error = run(*command)
    assert (status, said) == (1, "")
    assert "RAG_RECORDS is empty" in error


def test_other_databases_are_backed_up_with_their_own_tools(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_RECORDS", "postgresql://somewhere/records")
    assert "own tools" in run("backup", "x")[2]


def test_every_command_below_and_its_options_are_in_the_documentation(
    run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    documented = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["records", "--help"])
    below = re.findall(r"^    (\w+)\s", capfd.readouterr().out, re.M)
    assert len(below) == 6
    for name in below:
        assert f"records {name}" in documented
        with pytest.raises(SystemExit):
            main(["records", name, "--help"])
        for option in set(re.findall(r"--[a-z]+", capfd.readouterr().out)) - {"--help"}:
            assert f"`{option}" in documented, (name, option)
