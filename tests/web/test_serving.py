"""The whole server in a process of its own: it asks no other host, and stops when it is told."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen

import httpx2
import pytest

from rag.settings import ROOT
from tests.web.gradio_queue import OURS, asking_function, join, page_config

# Started like this, Python tells of every name that is looked up and every connection made.
WATCHED = """
import runpy, sys
kinds = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.connect",
         "socket.sendto", "socket.sendmsg"}
def watch(kind, given):
    if kind in kinds:
        with open(sys.argv[1], "a", encoding="utf-8") as file:
            file.write(f"{kind} {given[0] if kind.startswith('socket.get') else given[1]!r}\\n")
sys.addaudithook(watch)
runpy.run_path("ui.py", run_name="__main__")
"""
LOCAL = ("127.0.0.1", "localhost", "::1", "/")


class Served:
    """A server in a process of its own."""

    def __init__(self, process: Popen[str], asked: Path) -> None:
        self.process = process
        self.asked = asked
        assert process.stdout is not None
        self.address = process.stdout.readline().removeprefix("Open ").strip()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(ROOT / "index", folder / "index")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GRADIO_")}
    process = Popen(
        [sys.executable, "-c", WATCHED, str(folder / "asked")],
        cwd=ROOT,
        env={
            **kept,
            "RAG_PORT": "0",
            "RAG_INDEX": str(folder / "index"),
            "RAG_LOG": "info",
            "RAG_RECORDS": str(folder / "kept.sqlite3"),
        },
        stdout=PIPE,
        stderr=PIPE,
        text=True,
    )
    yield Served(process, folder / "asked")
    process.kill()
    process.communicate()


@pytest.mark.weights
def test_a_question_through_the_page_asks_no_other_host_and_the_server_stops(
    served: Served,
) -> None:
    with httpx2.Client(base_url=served.address, timeout=120) as client:
        # The page is there before the models are; a question waits for them.
        function = asking_function(page_config(client))["id"]
        while client.get("/readyz").status_code == 503:
            client.post("/api/ask", json={"question": "How long does a session last?"})
        status, told = join(client, function, ["Is ketamine addictive?", []])
        assert status == 200
        assert "kind-answer" in told
        with client.stream("GET", "/gradio_api/heartbeat/s1", headers=OURS) as stream:
            assert stream.status_code == 200
            # A page is open: its stream is cut, the server does not wait for it.
            served.process.send_signal(signal.SIGTERM)
            _, errors = served.process.communicate(timeout=60)
    assert served.process.returncode == -signal.SIGTERM
    asked = served.asked.read_text(encoding="utf-8").splitlines() if served.asked.exists() else []
    assert [line for line in asked if not any(name in line for name in LOCAL)] == []
    lines = [json.loads(line) for line in errors.splitlines()]
    assert [line for line in lines if line["level"] == "error"] == []
    assert "addictive" not in errors


def test_the_watch_sees_what_is_asked(tmp_path: Path) -> None:
    asking = WATCHED.rsplit("\n", 2)[0] + "\nimport socket\nsocket.gethostbyname('192.0.2.1')\n"
    subprocess.run([sys.executable, "-c", asking, str(tmp_path / "asked")], check=False)
    assert (tmp_path / "asked").read_text() == "socket.gethostbyname '192.0.2.1'\n"


def test_what_stops_the_start_is_one_clear_line_and_status_1(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "ui.py"],
        cwd=ROOT,
        env={**os.environ, "RAG_CORPUS": str(tmp_path / "none"), "RAG_PORT": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    [line] = ended.stderr.splitlines()
    assert str(tmp_path) in line
