"""Names, origins, sizes, rates and queues: what is let in, and what is sent away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from rag.datatypes import Answer, InputError
from rag.settings import Settings
from rag.web import texts
from rag.web.doors import SameOrigin, TrustedNames
from rag.web.gate import MOST_BODY, MOST_CONVERSATION, Gate
from rag.web.rates import Rates, Windows, network
from tests.web.gradio_queue import OURS, asking_function, join, page_config

if TYPE_CHECKING:
    from tests.web.conftest import FakeAssistant

FREE = Settings(rate_ask="", rate_script="", rate_rest="", hosts="testserver")


class Clock:
    """A time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the body that came, and whatever proxies claimed."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    claims = [(name, value) for name, value in scope["headers"] if name.startswith(b"x-")]
    await send({"type": "http.response.start", "status": 200, "headers": claims})
    await send({"type": "http.response.body", "body": body})


def of_host(host: str, settings: Settings = FREE) -> int:
    app = TrustedNames(echo, bound=settings.host, names=settings.hosts)
    return TestClient(app).get("/", headers={"host": host}).status_code


@dataclass(frozen=True)
class Busy:
    """A chat that answers one question at once and is kept at it until it may go on."""

    client: TestClient
    started: threading.Semaphore
    go_on: threading.Event


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:7860", "[::1]:7860", "LOCALHOST:1", "testserver"]
)
def test_our_own_names_are_answered(host: str) -> None:
    assert of_host(host) == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "192.168.1.5", "127.0.0.1@evil.example:", "[::1",
     ""],
)  # fmt: skip
def test_a_name_pointed_at_this_machine_is_refused(host: str) -> None:
    assert of_host(host) == 400


def test_a_server_for_the_whole_network_answers_to_addresses_but_not_to_names() -> None:
    everywhere = replace(FREE, host="0.0.0.0")
    assert of_host("192.168.1.5:7860", everywhere) == 200
    assert of_host("evil.example", everywhere) == 400


def test_what_a_stranger_claims_to_be_a_proxy_for_is_dropped() -> None:
    app = TrustedNames(echo, bound="127.0.0.1", names="testserver")
    claims = {"x-forwarded-host": "evil.example", "x-gradio-server": "https://evil.example"}
    assert not [
        name for name in TestClient(app).get("/", headers=claims).headers if name.startswith("x-")
    ]


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, "/gradio_api/queue/join", 200),
        ({"sec-fetch-site": "none"}, "/gradio_api/queue/join", 200),
        ({"sec-fetch-site": "cross-site"}, "/api/ask", 403),
        ({"sec-fetch-site": "same-site"}, "/api/ask", 403),
        ({"sec-fetch-site": "cross-site", "origin": "http://testserver"}, "/api/ask", 403),
        ({"origin": "http://testserver"}, "/gradio_api/queue/join", 200),
        ({"origin": "https://testserver"}, "/gradio_api/queue/join", 200),
        ({"origin": "http://testserver:80"}, "/gradio_api/queue/join", 200),
        ({"origin": "http://testserver:8080"}, "/api/ask", 403),
        ({"origin": "http://testserver.evil.example"}, "/api/ask", 403),
        ({"origin": "http://evil.example"}, "/api/ask", 403),
        ({"origin": "null"}, "/api/ask", 403),
        ({"origin": "http://[::1"}, "/api/ask", 403),
        ({}, "/api/ask", 200),
        ({}, "/gradio_api/queue/join", 403),
        ({}, "/apiary", 403),
    ],
)
def test_only_our_own_page_and_scripts_may_ask(
    headers: dict[str, str], path: str, status: int
) -> None:
    client = TestClient(SameOrigin(echo))
    assert client.post(path, headers=headers).status_code == status
    assert client.put(path, headers=headers).status_code == status
    assert client.get(path, headers=headers).status_code == 200


def gate(clock: Clock, **limits: str) -> TestClient:
    given = {"rate_ask": "", "rate_script": "", "rate_rest": "", **limits}
    return TestClient(Gate(echo, rates=Rates(Settings(**given), clock=clock)))  # type: ignore[arg-type]


def test_too_many_questions_are_sent_away_until_the_window_ends() -> None:
    clock = Clock()
    client = gate(clock, rate_ask="2/minute", rate_script="1/minute")
    page, script = "/gradio_api/queue/join", "/api/ask"
    assert [client.post(page).status_code for _ in range(3)] == [200, 200, 429]
    clock.now += 20.5
    refused = client.post(page)
    assert refused.headers["retry-after"] == "40"
    assert refused.headers["content-type"] == "application/problem+json"
    # What Gradio shows: help is named there too.
    assert refused.json()["detail"] == texts.API_TOO_OFTEN
    assert "911" in refused.json()["detail"]
    assert [client.post(script).status_code for _ in range(2)] == [200, 429]
    assert client.get("/").status_code == 200
    clock.now += 39.5
    assert client.post(page).status_code == 200


def test_a_slash_more_is_no_way_around_a_rate() -> None:
    client = gate(Clock(), rate_ask="1/minute")
    assert client.post("/gradio_api/queue/join/").status_code == 200
    assert client.post("/gradio_api/queue/join").status_code == 429


def test_one_address_does_not_use_up_anothers_rate() -> None:
    rates = Rates(Settings(rate_script="1/minute"), clock=Clock())
    assert not rates.wait("/api/ask", "192.0.2.1")
    assert rates.wait("/api/ask", "192.0.2.1") == 60
    assert not rates.wait("/api/ask", "192.0.2.2")
    assert not rates.wait("/api/ask", "2001:db8:0:1::1")
    assert rates.wait("/api/ask", "2001:db8:0:1:ffff::7")
    assert rates.wait("/api/ask", "::ffff:192.0.2.1")
    assert not rates.wait("/api/ask", None)


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_addresses_of_one_network_are_one(address: IPv6Address, other: int) -> None:
    if not address.ipv4_mapped:
        sibling = IPv6Address(int(address) >> 64 << 64 | other)
        assert sibling.ipv4_mapped or network(str(sibling)) == network(str(address))


def test_many_addresses_take_bounded_memory() -> None:
    clock = Clock()
    windows = Windows(clock, 100)
    for number in range(1000):
        windows.incr(f"{number}", 60)
        windows.incr("busy", 60)
    assert len(windows) == 100
    assert windows.get("999") == 1
    clock.now += 61
    assert windows.get("999") == 0
    assert windows.incr("999", 60) == 1


def test_a_rate_that_is_none_is_named() -> None:
    with pytest.raises(InputError, match='rate_ask takes a rate such as 30/minute, or "", not'):
        Rates(Settings(rate_ask="often"))


def test_a_forwarded_address_counts_only_from_a_trusted_proxy(
    new_assistant: Callable[[], FakeAssistant],
    new_app: Callable[[FakeAssistant, Settings], FastAPI],
) -> None:
    settings = replace(FREE, rate_script="1/minute")
    for trusted, expected in (("", [200, 429]), ("192.0.2.0/24", [200, 200])):
        given = replace(settings, trusted_proxies=trusted)
        app = new_app(new_assistant(), given)
        client = TestClient(app, client=("192.0.2.9", 5000))
        statuses = [
            client.post(
                "/api/ask",
                json={"question": "How long does a session last?"},
                headers={"x-forwarded-for": address},
            ).status_code
            for address in ("198.51.100.1", "198.51.100.2")
        ]
        assert statuses == expected


def chunks(size: int) -> Iterator[bytes]:
    yield from (b"x" * 1000 for _ in range(size // 1000))


def test_no_route_is_given_more_than_it_needs() -> None:
    client = gate(Clock())
    for path, most in (
        ("/gradio_api/queue/join", MOST_CONVERSATION),
        ("/api/ask", MOST_BODY),
        ("/gradio_api/cancel", MOST_BODY),
        ("/", MOST_BODY),
    ):
        assert client.post(path, content=chunks(most)).content == b"x" * most
        assert client.post(path, content=chunks(most + 1000)).status_code == 413
        assert client.post(path, content=b"x" * (most + 1)).status_code == 413
        lying = {"content-length": "9" * 30}
        assert client.post(path, content=b"x", headers=lying).status_code == 413
        assert client.get(path, params={"q": "x" * 8000}).status_code == 414


def test_whoever_goes_away_amid_a_body_is_not_served() -> None:
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def never(*_: object) -> None:
        raise AssertionError("reached")

    scope: Scope = {"type": "http", "path": "/", "query_string": b"", "headers": [], "client": None}
    asyncio.run(Gate(never, rates=Rates(FREE))(scope, gone, never))


@pytest.fixture
def busy(
    new_assistant: Callable[[], FakeAssistant],
    new_app: Callable[[FakeAssistant, Settings], FastAPI],
) -> Iterator[Busy]:
    fake = new_assistant()
    started, go_on = threading.Semaphore(0), threading.Event()
    silent = fake.silent

    def slow(question: str) -> Answer:
        started.release()
        assert go_on.wait(30)
        return silent(question)

    fake.silent = slow
    with TestClient(new_app(fake, replace(FREE, at_once=1, waiting=1))) as client:
        yield Busy(client, started, go_on)
        go_on.set()


def test_when_all_are_busy_the_next_is_told_when_to_come_back(busy: Busy) -> None:
    ask = partial(busy.client.post, "/api/ask", json={"question": "What colour?"})
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(ask)
        assert busy.started.acquire(timeout=30)
        others = [pool.submit(ask) for _ in range(2)]
        done, waiting = wait(others, 30, FIRST_COMPLETED)
        refused = done.pop().result()
        busy.go_on.set()
        assert (refused.status_code, refused.json()["detail"]) == (503, texts.API_BUSY)
        assert int(refused.headers["retry-after"]) > 0
        assert [served.result(30).status_code for served in (first, *waiting)] == [200, 200]


def test_the_page_too_has_a_line_of_bounded_length(busy: Busy) -> None:
    function = asking_function(page_config(busy.client))["id"]
    joined = []
    for number in range(3):
        call = {"data": ["What colour?", []], "fn_index": function, "session_hash": f"s{number}"}
        joined.append(busy.client.post("/gradio_api/queue/join", json=call, headers=OURS))
        if number == 0:
            assert busy.started.acquire(timeout=30)
    assert [response.status_code for response in joined] == [200, 200, 503]
    assert int(joined[-1].headers["retry-after"]) > 0


def test_behind_a_path_of_a_proxy_the_page_and_its_guards_work(
    new_assistant: Callable[[], FakeAssistant],
    new_app: Callable[[FakeAssistant, Settings], FastAPI],
) -> None:
    app = new_app(new_assistant(), replace(FREE, root_path="/help", rate_ask="1/minute"))
    # What uvicorn makes of a request whose path the proxy took off.
    with TestClient(app, base_url="http://testserver/help", root_path="/help") as client:
        config = page_config(client)
        assert config["root"] == "http://testserver/help"
        function = asking_function(config)["id"]
        assert "kind-answer" in join(client, function, ["Is ketamine addictive?", []])[1]
        assert join(client, function, ["Is ketamine addictive?", []])[0] == 429
        for path in ("/healthz", "/ui/app.js", "/api/openapi.json"):
            assert client.get(path).status_code == 200
        assert client.get("/api/openapi.json").json()["servers"] == [{"url": "/help"}]
        assert client.get("/config").status_code == 404
        assert client.post("/api/ask", json={"question": "hello"}).status_code == 200
