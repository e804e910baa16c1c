from __future__ import annotations

import asyncio
import html
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, cast
from urllib.parse import quote as url_encoded

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from rag.assistant import Assistant
from rag.datatypes import Answer, BlockKind
from rag.web import public
from rag.web.app import create_app
from rag.web.catalogue import read_texts
from rag.web.current import CurrentAssistant
from rag.web.feedback import Keepers
from tests.web.conftest import SETTINGS

if TYPE_CHECKING:
    from tests.web.conftest import FakeAssistant

TEXTS = read_texts("en")
SESSION = {"question": "How long does a session last?", "helpful": True}


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


class Seen(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_page_is_listed_with_whose_it_is_and_opens_in_full(
    client: TestClient, assistant: FakeAssistant
) -> None:
    listed = Seen(client.get("/sources").text)
    for name, document in assistant.documents.items():
        assert document.source.title in listed.text
        address = f"sources/{url_encoded(name)}"
        assert address in listed.links
        response = client.get(f"/{address}")
        assert response.status_code == 200
        assert "default-src 'self'" in response.headers["content-security-policy"]
        seen = Seen(response.text)
        for block in document.blocks:
            assert document.slice(block.span) in seen.text
        assert {"h1", "ul", "p", "main"} <= seen.elements
        assert not seen.elements & {"script", "img", "svg", "i", "b"}
    # No page of corpus/ gives a date, and none is made up.
    assert listed.text.count(TEXTS.sources_undated) == len(assistant.documents)
    assert TEXTS.unnamed_publisher in listed.text


def test_what_is_not_searched_is_said_with_how_much_of_it_there_is(
    client: TestClient, assistant: FakeAssistant
) -> None:
    comments = sum(
        block.kind is BlockKind.COMMENT
        for document in assistant.documents.values()
        for block in document.blocks
    )
    assert comments > 0
    assert TEXTS.excluded_comments.format(number=comments) in Seen(client.get("/sources").text).text


@pytest.mark.parametrize("name", ["none.txt", "..%2f..%2fetc%2fhostname", "<b>", ""])
def test_a_page_that_is_not_there_is_said_plainly(client: TestClient, name: str) -> None:
    response = client.get(f"/sources/{name}")
    assert response.status_code == 404
    assert TEXTS.page_missing in Seen(response.text).text


@pytest.mark.parametrize("kept", [True, False])
def test_first_screen_and_privacy_page_say_the_same_of_what_is_kept(
    new_assistant: Callable[[], FakeAssistant], *, kept: bool
) -> None:
    fake = new_assistant()
    keepers = replace(fake.keepers(), days=7) if kept else Keepers()

    async def make() -> FastAPI:  # inside a running loop, as in conftest
        return create_app(cast(Assistant, fake), SETTINGS, keepers_of=lambda _: keepers)

    client = TestClient(asyncio.run(make()))
    privacy, first = Seen(client.get("/privacy").text).text, client.get("/").text
    assert (TEXTS.privacy_short_kept.format(days=7) in privacy) is kept
    assert (TEXTS.privacy_short_nothing in privacy) is not kept
    assert (TEXTS.kept_unanswered.format(days=7) in html.unescape(first)) is kept
    assert (TEXTS.kept_nothing in first) is not kept
    assert (client.post("/api/feedback", json=SESSION).status_code == 204) is kept


def test_feedback_is_stored_with_our_own_answer(
    client: TestClient, assistant: FakeAssistant
) -> None:
    said = {**SESSION, "helpful": False, "reason": " too short ", "history": ["Is it safe?"]}
    response = client.post("/api/feedback", json=said)
    assert (response.status_code, response.content) == (204, b"")
    assert assistant.votes[-1] == (SESSION["question"], "answer", False, "too short")
    assert assistant.asked[-1] == (SESSION["question"], ("Is it safe?",))


@pytest.mark.parametrize("question", ["I want to kill myself", "near danger", "hello"])
def test_nothing_is_stored_of_danger_or_of_a_greeting(
    client: TestClient, assistant: FakeAssistant, question: str
) -> None:
    before = list(assistant.votes)
    assert client.post("/api/feedback", json={**SESSION, "question": question}).status_code == 204
    assert assistant.votes == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"helpful": "yes"}, {"helpful": None}, {"question": 7}, {"history": "x"},
        {"reason": "x" * 501}, {"question": "x" * 2001}, {"question": " "}, {"answer": "forged"},
    ],
)  # fmt: skip
def test_feedback_of_another_shape_is_refused_and_not_stored(
    client: TestClient, assistant: FakeAssistant, wrong: dict[str, object]
) -> None:
    before = list(assistant.votes)
    assert client.post("/api/feedback", json={**SESSION, **wrong}).status_code in {400, 422}
    assert assistant.votes == before


def test_only_an_unanswered_question_without_danger_is_kept(
    new_assistant: Callable[[], FakeAssistant],
) -> None:
    fake = new_assistant()
    kept: list[Answer] = []
    offer = public.Offer(TEXTS, "US", Keepers(unanswered=kept.append))
    current = CurrentAssistant(cast(Assistant, fake))
    for question in ("What does it cost?", "How long is a session?", "kill", "near danger", " "):
        public.answered(current, question, (), offer)
    assert [answer.question for answer in kept] == ["What does it cost?"]
