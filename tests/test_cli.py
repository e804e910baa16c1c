from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from rag.assistant import Assistant
from rag.settings import ROOT
from tests.test_contract import SCHEMA

pytestmark = pytest.mark.weights


def run(
    *arguments: str, given: bytes = b"", index: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    if index:
        environment["RAG_INDEX"] = str(index)
    return subprocess.run(
        [sys.executable, "-m", "rag", *arguments],
        input=given,
        capture_output=True,
        cwd=ROOT,
        env=environment,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, real_assistant: Assistant) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "index"
    # So that the bank's thousands of questions are not embedded again.
    shutil.copytree(real_assistant.settings.index, folder)
    done = run("index", index=folder)
    assert done.returncode == 0, done.stderr
    assert b"5 pages" in done.stdout
    return folder


def test_every_quote_of_a_long_batch_is_its_slice_and_every_page_is_quoted(index: Path) -> None:
    lines = (ROOT / "eval" / "questions.jsonl").read_text(encoding="utf-8").split("\n")
    dev = [json.loads(line) for line in lines if '"split": "dev"' in line]
    asked = [{key: row[key] for key in ("id", "question", "history")} for row in dev]
    assert len(asked) >= 60
    given = "\n".join(json.dumps(row) for row in asked).encode()
    done = run("ask", "--batch", "-", given=given, index=index)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]
    assert [answer["id"] for answer in answers] == [row["id"] for row in asked]
    pages = {p.name: p.read_bytes().decode() for p in (ROOT / "corpus").glob("*.txt")}
    quoted = set()
    for answer in answers:
        Draft202012Validator(SCHEMA).validate(answer)
        for quote in answer["quotes"]:
            assert pages[quote["document"]][quote["start"] : quote["end"]] == quote["text"]
            quoted.add(quote["document"])
    assert quoted == set(pages)


def test_batch_gives_one_line_for_each_in_order_and_says_which_are_bad(index: Path) -> None:
    lines = [
        json.dumps({"id": "a", "question": "Is ketamine addictive?"}),
        "{not json",
        json.dumps({"id": 7, "question": "london session length?", "history": ["hi"]}),
        json.dumps(["a list"]),
        json.dumps({"question": ""}),
        "",
        json.dumps({"question": "x", "history": "not a list"}),
        json.dumps({"id": None, "question": "\ufeffWhat is\u2028ketamine?"}),
        '{"id": "\\ud800", "question": "Is \\ud800 it safe?"}',
        "[" * 100_000,
    ]
    given = "\n".join(lines).encode() + b"\n\xff\xfe broken\n"
    done = run("ask", "--batch", "-", given=given, index=index)
    assert done.returncode == 2, done.stderr
    found = [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]
    assert [line.get("id") for line in found] == ["a", None, "7", *[None] * 5, "?", None, None]
    assert [line.get("line") for line in found] == [None, 2, None, 4, 5, 6, 7, None, None, 10, 11]
    assert all(line["error"] for line in found if "line" in line)
    pages = {p.name: p.read_bytes().decode() for p in (ROOT / "corpus").glob("*.txt")}
    for line in found:
        if "line" not in line:
            Draft202012Validator(SCHEMA).validate(line)
            for quote in line["quotes"]:
                assert pages[quote["document"]][quote["start"] : quote["end"]] == quote["text"]


def test_a_question_is_answered_plainly_in_a_pipe_and_as_json_when_asked(index: Path) -> None:
    words = "How long does a session last at the London clinic?"
    plain = run("ask", words, index=index)
    assert plain.returncode == 0
    assert plain.stdout.decode() == (
        "“A ketamine-assisted healing session typically lasts two hours.” [1]\n— APN London\n"
    )
    assert plain.stderr == b""
    answer = json.loads(run("ask", "-", "--json", given=words.encode(), index=index).stdout)
    assert answer["quotes"][0]["publisher"] == "APN London"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ask", ""), "There is no question yet"),
        (("ask",), "Give one question, or --batch FILE"),
        (("ask", "a", "--batch", "b"), "Give one question, or --batch FILE"),
        (("ask", "--batch", "nowhere.jsonl"), "nowhere.jsonl cannot be read"),
        (("ask", "x" * 20_000), "20,000 characters"),
        (("index", "--corpus", "nowhere"), "There is no folder nowhere"),
        (("index", "--verify", "--index", "nowhere"), "There is no index in nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_without_a_traceback(
    index: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = run(*arguments, index=index)
    assert done.returncode == 1
    assert words in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_help_for_somebody_in_danger_does_not_wait_for_what_is_broken(index: Path) -> None:
    done = run("ask", "I want to die", "--corpus", "nowhere", index=index)
    assert done.returncode == 1
    assert "911" in done.stdout.decode()


def test_index_names_bad_files_and_ends_with_status_two(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "good.txt").write_text("A Page\n\nA sentence stands here.\n")
    (pages / "bad.txt").write_bytes(b"\0")
    arguments = ("index", "--corpus", str(pages), "--index", str(tmp_path / "index"), "--json")
    done = run(*arguments)
    assert done.returncode == 2
    assert "bad.txt: is binary" in done.stderr.decode()
    report = json.loads(done.stdout)
    assert (report["documents"], report["chunks_embedded"]) == (1, 1)


def test_verify_reads_every_byte(index: Path) -> None:
    done = run("index", "--verify", index=index)
    assert done.returncode == 0
    assert re.search(rb"[0-9a-f]{64}", done.stdout)


def test_bank_tells_what_is_broken_repeated_and_lacking_and_drafts_it(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "good.txt").write_text("A Page\n\nA sentence stands here. Another one follows it.\n")
    gone = (
        '{"topic": "t", "questions": ["q"], "points": [[{"page": "good.txt", "quote": "Gone."}]]}'
    )
    (pages / "questions.jsonl").write_text(gone + '\n{"gap": "g", "questions": ["price"]}\n')
    draft = tmp_path / "draft.jsonl"
    arguments = ("bank", "--corpus", str(pages), "--json", "--draft", str(draft))
    done = run(*arguments)
    assert done.returncode == 2
    found = json.loads(done.stdout)
    assert found["gap_questions"] == 1
    assert "does not hold “Gone.”" in found["broken"][0]
    assert [lacking["text"] for lacking in found["without_questions"]] == [
        "A sentence stands here.",
        "Another one follows it.",
    ]
    assert len(draft.read_text().splitlines()) == 2
    again = run(*arguments)
    assert again.returncode == 1
    assert "draft.jsonl cannot be written" in again.stderr.decode()


def test_every_command_and_option_is_in_the_documentation() -> None:
    documented = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    overview = run("--help").stdout.decode()
    for command in re.findall(r"^    (\w+) ", overview, re.M):
        assert f"rag {command}" in documented
        for option in set(re.findall(r"--[a-z]+", run(command, "--help").stdout.decode())):
            assert f"`{option}" in documented or option == "--help", (command, option)
