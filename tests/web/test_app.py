from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import gradio
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from rag.assistant import Assistant
from rag.datatypes import Answer, IndexCorruptError
from rag.web import public, texts
from rag.web.catalogue import read_texts
from rag.web.current import CurrentAssistant
from rag.web.feedback import Keepers
from rag.web.gate import is_closed

if TYPE_CHECKING:
    from tests.web.conftest import FakeAssistant

GRADIO_ASSETS = Path(gradio.__file__).parent / "templates" / "frontend" / "assets"
OFFER = public.Offer(read_texts("en"), "US", Keepers())
QUESTION = {"question": "How long does a session last?"}
LONDON = "apn-london-what-is-ketamine-assisted-healing.txt"


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


def place(assistant: FakeAssistant, words: str) -> dict[str, Any]:
    document = assistant.documents[LONDON]
    start = document.text.index(words)
    return {"start": start, "end": start + len(words), "digest": document.digest}


def test_every_kind_of_response_carries_the_security_headers(client: TestClient) -> None:
    for path in ("/", "/healthz", "/ui/app.js", "/api/source/none", "/config", "/nothing"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "same-origin", path
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy, path
        assert "unsafe-eval" not in policy, path
        scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
        assert "unsafe-inline" not in scripts, path


def test_each_document_has_its_own_nonce_on_every_script(client: TestClient) -> None:
    seen = set()
    for _ in range(2):
        response = client.get("/", headers={"accept": "text/html", "accept-encoding": "gzip, br"})
        nonce = response.headers["content-security-policy"].split("'nonce-")[1].split("'")[0]
        scripts = [part.split(">")[0] for part in response.text.split("<script")[1:]]
        assert len(scripts) > 2
        assert all(f"nonce={nonce}" in script for script in scripts)
        assert response.headers["cache-control"] == "no-store"
        seen.add(nonce)
    assert len(seen) == 2


def test_the_document_names_no_other_host_for_a_preview(client: TestClient) -> None:
    text = client.get("/").text
    assert "og:image" not in text
    assert "githubusercontent" not in text


def test_no_foreign_origin_is_let_in(client: TestClient) -> None:
    asked = {"origin": "https://evil.example", "host": "chat.example"}
    for path in ("/", "/healthz", "/gradio_api/startup-events"):
        assert "access-control-allow-origin" not in client.get(path, headers=asked).headers
    preflight = client.options(
        "/gradio_api/queue/join", headers={**asked, "access-control-request-method": "POST"}
    )
    assert preflight.status_code == 400
    assert "access-control-allow-origin" not in preflight.headers


@pytest.mark.parametrize(
    "path",
    [
        "/config", "/config/", "/monitoring", "/monitoring/summary", "/login", "/logout",
        "/gradio_api", "/gradio_api/info", "/gradio_api/openapi.json", "/gradio_api/upload",
        "/gradio_api/upload_progress", "/gradio_api/deep_link", "/gradio_api/runs",
        "/gradio_api/run-history/records", "/gradio_api/file=/etc/hostname",
        "/gradio_api/file/etc/hostname", "/gradio_api/proxy=https://example.org",
        "/gradio_api/stream/x", "/gradio_api/component_server", "/gradio_api/run/predict",
        "/gradio_api/api/predict", "/gradio_api/call/answer", "/gradio_api/mcp",
        "/gradio_api/vibe-code", "/gradio_api/process_recording", "/docs", "/openapi.json",
    ],
)  # fmt: skip
def test_what_the_page_does_not_need_is_not_there(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404
    ours = {"sec-fetch-site": "same-origin"}
    assert client.post(path, headers=ours).status_code in {404, 405}


def test_slashes_do_not_get_around_the_closed_addresses() -> None:
    assert is_closed("//gradio_api//upload")
    assert is_closed("/gradio_api/")
    assert not is_closed("/")
    assert not is_closed("/gradio_api/queue/join")


def test_healthz_says_ok(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_the_source_comes_whole_and_marked(client: TestClient, assistant: FakeAssistant) -> None:
    words = "A ketamine-assisted healing session typically lasts two hours."
    response = client.get(f"/api/source/{LONDON}", params=place(assistant, words))
    assert response.status_code == 200
    view = response.json()
    assert view["publisher"] == "APN London"
    assert view["title"] == "What Is Ketamine-Assisted Healing and Therapy?"
    segments = [part for block in view["blocks"] for part in block["segments"]]
    assert [part["text"] for part in segments if part["mark"]] == [words]
    document = assistant.documents[LONDON]
    assert "".join("".join(part["text"] for part in segments).split()) == "".join(
        document.text.split()
    )
    assert response.headers["cache-control"] == "no-store"


def test_a_page_that_changed_is_a_conflict_in_plain_words(
    client: TestClient, assistant: FakeAssistant
) -> None:
    changed = {**place(assistant, "ketamine"), "digest": "0" * 64}
    response = client.get(f"/api/source/{LONDON}", params=changed)
    assert response.status_code == 409
    assert response.json()["detail"] == texts.API_CHANGED


@pytest.mark.parametrize(
    "name", ["none.txt", "%2e%2e/sources.toml", "sources.toml", "/etc/hostname"]
)
def test_only_documents_of_the_index_can_be_read(
    client: TestClient, assistant: FakeAssistant, name: str
) -> None:
    response = client.get(f"/api/source/{name}", params=place(assistant, "ketamine"))
    assert response.status_code == 404
    assert response.json()["detail"] == texts.API_NO_DOCUMENT


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": -1},
        {"end": 10**9},
        {"end": 0},
        {"start": 5, "end": 5},
        {"start": "x"},
        {"end": "1.5"},
        {"digest": None},
    ],
)
def test_bad_places_are_refused_without_repeating_them(
    client: TestClient, assistant: FakeAssistant, wrong: dict[str, Any]
) -> None:
    given = {**place(assistant, "ketamine"), **wrong}
    params = {key: value for key, value in given.items() if value is not None}
    response = client.get(f"/api/source/{LONDON}", params=params)
    assert response.status_code == 422
    assert response.json()["detail"] in {texts.API_BAD_SPAN, texts.API_BAD_QUERY}


def test_ask_gives_the_contract(client: TestClient, assistant: FakeAssistant) -> None:
    response = client.post("/api/ask", json={**QUESTION, "id": "a7", "history": ["Is it safe?"]})
    assert response.status_code == 200
    given = response.json()
    assert (given["id"], given["question"], given["kind"]) == ("a7", QUESTION["question"], "answer")
    for quote in given["quotes"]:
        document = assistant.documents[quote["document"]]
        assert document.text[quote["start"] : quote["end"]] == quote["text"]
    assert [quote["number"] for quote in given["quotes"]] == [1, 2]
    assert assistant.asked[-1] == (QUESTION["question"], ("Is it safe?",))


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"", 400, texts.API_NOT_JSON),
        (b"{", 400, texts.API_NOT_JSON),
        (b"\xff", 400, texts.API_NOT_JSON),
        (b"[" * 60_000, 400, texts.API_NOT_JSON),
        (b'["How long?"]', 400, texts.API_NOT_JSON),
        (b"{}", 422, texts.API_BAD_QUESTION),
        (b'{"question": 7}', 422, texts.API_BAD_QUESTION),
        (b'{"question": "q", "history": "h"}', 422, texts.API_BAD_HISTORY),
        (b'{"question": "q", "history": [1]}', 422, texts.API_BAD_HISTORY),
        (b'{"question": "q", "id": 1}', 422, texts.API_BAD_ID),
        (b'{"question": "q", "id": "\\ud800"}', 422, texts.API_BAD_ID),
        (b'{"question": " "}', 422, "Please write a question."),
        (b'{"question": "%s"}' % (b"x" * 3000), 422, "The question is longer than"),
        (b" " * 70_000, 413, "The request is larger than 64000 bytes."),
    ],
)
def test_ask_refuses_in_plain_words(
    client: TestClient, body: bytes, status: int, detail: str
) -> None:
    response = client.post("/api/ask", content=body)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["detail"].startswith(detail)
    assert (problem["type"], problem["status"]) == ("about:blank", status)
    assert problem["title"]


def test_a_body_without_a_length_is_refused_too(client: TestClient) -> None:
    response = client.post("/api/ask", content=(b" " * 1000 for _ in range(100)))
    assert response.status_code == 413


def test_a_new_index_is_adopted_before_the_next_answer(
    new_assistant: Callable[[], FakeAssistant],
) -> None:
    older, newer = new_assistant(), new_assistant()
    current = CurrentAssistant(cast(Assistant, older))
    current.get().ask("One?")
    older.successor = newer
    current.get().ask("Two?")
    assert (older.asked, newer.asked) == ([("One?", ())], [("Two?", ())])


def test_an_index_that_cannot_be_opened_leaves_the_old_one_in_use(
    assistant: FakeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        documents = assistant.documents
        ask = assistant.ask

        def is_current(self) -> bool:
            return False

        def reopened(self) -> Assistant:
            raise IndexCorruptError("expected one thing, found another")

    current = CurrentAssistant(cast(Assistant, Broken()))
    assert current.get().ask("How long does a session last?").quotes
    assert "was not adopted" in caplog.text


def test_a_failure_is_said_plainly_and_logged_without_the_question(
    client: TestClient,
    assistant: FakeAssistant,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_question: str) -> Answer:
        raise IndexCorruptError("vectors are missing")

    monkeypatch.setattr(assistant, "silent", fail)
    with caplog.at_level(logging.DEBUG, logger="rag"):
        response = client.post("/api/ask", json={"question": "a secret matter"})
    assert response.status_code == 503
    assert response.json()["detail"] == texts.TROUBLE
    assert "vectors are missing" in caplog.text
    assert "secret" not in caplog.text


def test_assets_are_served_and_asked_for_again(client: TestClient) -> None:
    scripts = ("app", "dom", "feedback", "source")
    paths = ("/ui/app.css", *(f"/ui/{name}.js" for name in scripts))
    for path, kind in zip(paths, ("text/css", *["/javascript"] * 4), strict=True):
        response = client.get(path)
        assert kind in response.headers["content-type"]
        assert response.headers["cache-control"] == "no-cache"
        again = client.get(path, headers={"if-none-match": response.headers["etag"]})
        assert again.status_code == 304
        assert again.content == b""


def test_files_that_never_change_are_kept(client: TestClient) -> None:
    names = sorted(path.name for path in GRADIO_ASSETS.iterdir())
    # "immutable" rests on this: each name ends with a digest of what is in the file.
    assert all(re.fullmatch(r".+-[\w-]{8,10}\.\w+", name) for name in names)
    kept = client.get(f"/assets/{names[0]}").headers["cache-control"]
    assert "immutable" in kept
    missing = client.get("/assets/none-12345678.js")
    assert missing.status_code == 404
    assert "cache-control" not in missing.headers
    assert client.get("/ui/nothing.js").status_code == 404


def test_only_questions_of_earlier_turns_reach_the_assistant(
    new_assistant: Callable[[], FakeAssistant],
) -> None:
    fake = new_assistant()
    earlier = (public.Turn("One?", "<b>forged</b>"), public.Turn("", "refused"))
    turns = public.answered(CurrentAssistant(cast(Assistant, fake)), "Two?", earlier, OFFER)
    assert fake.asked == [("Two?", ("One?",))]
    assert turns[:2] == earlier
    assert turns[2].question == "Two?"


def test_a_long_conversation_sends_only_its_last_questions(
    new_assistant: Callable[[], FakeAssistant],
) -> None:
    fake = new_assistant()
    turns = tuple(public.Turn(f"{n}?", "") for n in range(500))
    public.answered(CurrentAssistant(cast(Assistant, fake)), "Last?", turns, OFFER)
    assert fake.asked == [("Last?", ("494?", "495?", "496?", "497?", "498?", "499?"))]
