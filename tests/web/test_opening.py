"""While the models are opened the page is up: questions wait, and danger does not."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, cast

import jsonschema
import pytest
from starlette.testclient import TestClient

from rag.assistant import Assistant
from rag.contract import answer_json
from rag.datatypes import AnswerKind, CorpusError, IndexCorruptError
from rag.settings import ROOT, Settings
from rag.web import app as server
from rag.web import texts
from rag.web.current import CurrentAssistant
from rag.web.opening import BusyError, Opening, open_beside

if TYPE_CHECKING:
    from fastapi import FastAPI

    from tests.web.conftest import FakeAssistant

CONTRACT = json.loads((ROOT / "rag" / "answer.schema.json").read_text(encoding="utf-8"))
QUESTION = "How long does a session last?"


@pytest.fixture
def future() -> Future[Assistant]:
    return Future()


@pytest.fixture
def opening(future: Future[Assistant], assistant: FakeAssistant) -> Opening:
    return Opening(future, assistant.documents, "US", patience=30)


@pytest.fixture
def opening_app(opening: Opening) -> FastAPI:
    async def make() -> FastAPI:
        return server.create_app(opening, Settings(hosts="testserver"))

    return asyncio.run(make())


def test_readiness_is_said_once_a_question_was_answered(
    new_assistant: Callable[[], FakeAssistant],
    opening: Opening,
    future: Future[Assistant],
    opening_app: FastAPI,
) -> None:
    fake, go_on = new_assistant(), threading.Event()

    def make() -> Assistant:
        assert go_on.wait(30)
        return cast(Assistant, fake)

    client = TestClient(opening_app)
    open_beside(future, make, failed=lambda: None)
    before = client.get("/readyz")
    assert (before.status_code, before.json()["detail"]) == (503, texts.API_NOT_READY)
    assert int(before.headers["retry-after"]) > 0
    assert client.get("/healthz").status_code == 200
    assert "public pages" in client.get("/").text
    go_on.set()
    # Asked before the models are there, answered when they are.
    assert client.post("/api/ask", json={"question": QUESTION}).json()["kind"] == "answer"
    assert client.get("/readyz").json() == {"status": "ready"}
    assert len(fake.asked) == 2


def test_a_question_does_not_wait_for_ever(
    future: Future[Assistant], assistant: FakeAssistant
) -> None:
    current = CurrentAssistant(Opening(future, assistant.documents, "US", patience=0))
    with pytest.raises(BusyError, match="not ready yet"):
        current.get().ask(QUESTION)


def test_danger_is_met_with_help_before_there_is_a_model(opening: Opening) -> None:
    # A mark that nobody sees hides nothing.
    for words in ("I want to kill myself", "I want to ki\u00adll myself"):
        answer = CurrentAssistant(opening).get().ask(words)
        assert answer.kind is AnswerKind.CRISIS
        assert "988" in (answer.notice or "")
        jsonschema.validate(json.loads(json.dumps(answer_json(answer))), CONTRACT)


def test_an_index_that_cannot_be_opened_stops_the_server(
    monkeypatch: pytest.MonkeyPatch, pages: Path, tmp_path: Path
) -> None:
    def fail(_settings: Settings) -> Assistant:
        raise IndexCorruptError("expected one thing, found another")

    monkeypatch.setattr(server, "open_assistant", fail)
    settings = Settings(corpus=pages, index=tmp_path / "index", port=0, records="")
    with pytest.raises(IndexCorruptError, match="expected one thing"):
        server.serve(settings)


def test_a_folder_without_pages_is_said_before_anything_is_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CorpusError):
        server.serve(Settings(corpus=tmp_path / "none", port=0, records=""))
    assert capsys.readouterr().out == ""
