"""What is in the log, and that nothing a visitor typed ever is."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from rag.datatypes import Answer, IndexCorruptError
from rag.settings import Settings
from rag.web.logs import written_to
from tests.web.gradio_queue import asking_function, join, page_config

if TYPE_CHECKING:
    from tests.web.conftest import FakeAssistant

SECRET = "marmalade"
QUIET = Settings(rate_ask="", rate_script="", rate_rest="", hosts="testserver")


def broken(question: str) -> Answer:
    raise ValueError(f"nothing is known of {question}")


def corrupt(_question: str) -> Answer:
    raise IndexCorruptError("vectors are missing")


def ask_everywhere(client: TestClient) -> None:
    """The secret in every place that takes words: the page's queue, the API, addresses."""
    function = asking_function(page_config(client))["id"]
    asked = {"question": f"Is {SECRET} safe?", "history": [f"And {SECRET}?"], "id": SECRET}
    for data in (
        [f"Is {SECRET} safe?", [[SECRET, SECRET]]],
        [f"Is {SECRET} safe?"],
        [{SECRET: SECRET}, SECRET],
        [SECRET * 500, []],
    ):
        join(client, function, data)
    join(client, 99, [SECRET])
    join(client, function, SECRET)
    client.post("/api/ask", json=asked)
    client.post("/api/ask", json={**asked, "question": [SECRET]})
    client.post("/api/ask", content=SECRET)
    client.post("/api/ask", content=SECRET * 10_000)
    client.get(f"/api/source/{SECRET}", params={"start": SECRET})
    client.get(f"/{SECRET}", params={SECRET: SECRET}, headers={"cookie": SECRET, "referer": SECRET})
    client.post(f"/gradio_api/{SECRET}", headers={"origin": f"http://{SECRET}"})
    client.get("/", headers={"host": SECRET})


@pytest.mark.parametrize("fault", [None, broken, corrupt])
def test_nothing_that_was_typed_is_in_the_log(
    fault: Callable[[str], Answer] | None,
    new_assistant: Callable[[], FakeAssistant],
    new_app: Callable[[FakeAssistant, Settings], FastAPI],
    capfd: pytest.CaptureFixture[str],
) -> None:
    fake = new_assistant()
    if fault:
        fake.silent = fault
    stream = io.StringIO()
    app = new_app(fake, QUIET)
    with (
        written_to(stream, level="debug"),
        TestClient(app, raise_server_exceptions=False, client=("192.0.2.77", 5000)) as client,
    ):
        ask_everywhere(client)
    assert any(SECRET in question for question, _ in fake.asked)
    logged = stream.getvalue()
    lines = [json.loads(line) for line in logged.splitlines()]
    assert {line["status"] for line in lines if line["event"] == "request"} >= {200, 403, 404, 413}
    for text in (logged, *capfd.readouterr()):
        assert SECRET not in text
        assert "192.0.2.77" not in text


def log_of(act: Callable[[TestClient], object], app: FastAPI, level: str) -> list[dict[str, Any]]:
    stream = io.StringIO()
    with (
        TestClient(app, raise_server_exceptions=False) as client,
        written_to(stream, level=level),
    ):
        act(client)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_request_is_one_line_with_its_template_and_its_time(app: FastAPI) -> None:
    lines = log_of(lambda client: client.get("/api/source/none?start=1"), app, "info")
    [line] = [line for line in lines if line["event"] == "request"]
    assert (line["route"], line["method"], line["status"]) == (
        "/api/source/{document:path}",
        "GET",
        422,
    )
    assert line["milliseconds"] > 0
    assert line["level"] == "info"
    assert line["time"].endswith("+00:00")


def test_at_the_usual_level_only_what_went_wrong_is_written(app: FastAPI) -> None:
    assert log_of(lambda client: client.get("/healthz"), app, "warning") == []


def test_of_an_error_kinds_places_and_our_own_words_are_kept() -> None:
    stream = io.StringIO()
    with written_to(stream, level="warning"):
        try:
            try:
                broken(SECRET)
            except ValueError as error:
                raise IndexCorruptError("vectors are missing") from error
        except IndexCorruptError:
            logging.getLogger("rag.web").exception("It failed.")
        logging.getLogger("somebody.elses").error("said %s", SECRET)
    failed, said = (json.loads(line) for line in stream.getvalue().splitlines())
    assert [cause["kind"] for cause in failed["error"]] == ["IndexCorruptError", "ValueError"]
    assert failed["error"][0]["words"] == "vectors are missing"
    assert failed["error"][1]["frames"][-1].endswith(" broken")
    assert said["at"].startswith("somebody.elses:")
    assert SECRET not in stream.getvalue()


def test_the_log_of_before_comes_back() -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    with written_to(io.StringIO(), level="debug"):
        assert root.level == logging.DEBUG
    assert (root.handlers, root.level) == before
