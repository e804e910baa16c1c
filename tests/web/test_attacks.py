"""Attacks that work on a Gradio page with its defaults, and what becomes of them on ours."""

from __future__ import annotations

import asyncio
import hashlib
import queue
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr
import httpx2
import pytest
from fastapi import FastAPI
from playwright.sync_api import BrowserContext, Page, expect

from rag.blocks import read_blocks
from rag.datatypes import Document, Source
from tests.web.conftest import FakeAssistant, Serving, answer_of, fake_app, quote_of
from tests.web.gradio_queue import join, page_config

SVG = (
    '<svg width="90" height="30"><a href="javascript:void(document.title=window.hit=1)">'
    '<text y="20">Tap me</text></a></svg>'
)
TEMPLATE = "${Object.assign(window,{hit:1})}"
FOREIGN = {"host": "chat.example", "origin": "https://evil.example", "cookie": "session=1"}
PRIVATE = "words for the staff alone"
# One paragraph each of a page that somebody else wrote.
HOSTILE = (
    SVG,
    TEMPLATE,
    "{{constructor.constructor('window.hit=1')()}}",
    "<script>window.hit=1</script>",
    "</script><script>window.hit=1</script>",
    '<img src="x" onerror="window.hit=1"><details open ontoggle="window.hit=1">',
    '<iframe srcdoc="<script>parent.hit=1</script>"></iframe>',
    '" onfocus="window.hit=1" autofocus x="',
    "[Tap me](javascript:window.hit=1)",
    "[Tap me](data:text/html,<script>opener.hit=1</script>)",
    "![](https://evil.example/seen.png) https://evil.example $$x$$ **b** `c`",
    "\u202egnp.exe\u202c \u2066left\u2069 \u200b",
    "w" * 100_000,
)


@contextmanager
def serving(make: Callable[[], Coroutine[Any, Any, FastAPI]]) -> Iterator[str]:
    """The address of an application on a real port of this machine."""
    ready: queue.Queue[Serving] = queue.Queue()

    async def serve() -> None:
        await Serving(await make(), ready, 0).serve()

    thread = threading.Thread(target=asyncio.run, args=[serve()])
    thread.start()
    server = ready.get(timeout=60)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)


async def bare_app() -> FastAPI:
    """What one gets from Gradio by its examples: a chat, some HTML, a button for the staff."""

    def echo(message: str, history: object) -> str:
        if message.startswith("Warn"):
            gr.Warning(f"Nothing is known of {message}")
        return message

    with gr.Blocks(analytics_enabled=False) as page:
        gr.ChatInterface(echo, analytics_enabled=False)
        gr.HTML(TEMPLATE, html_template="<p>{{value}}</p>", elem_id="template")
        answer = gr.Textbox()
        gr.Button("Staff").click(lambda: PRIVATE, outputs=answer, api_visibility="private")
    app: FastAPI = gr.mount_gradio_app(FastAPI(), page, path="/")
    return app


async def our_app() -> FastAPI:
    """Our page over a page that is hostile in every paragraph, quoted whole in every answer."""
    text = "\n\n".join(HOSTILE)
    digest = hashlib.sha256(text.encode()).hexdigest()
    source = Source(title=f"Title {SVG}{TEMPLATE}", publisher=f"Publisher {SVG}{TEMPLATE}")
    page = Document("hostile.txt", source, text, read_blocks(text), digest)
    quotes = [quote_of(page, words, number=at) for at, words in enumerate(HOSTILE, start=1)]
    fake = FakeAssistant(
        {page.id: page},
        {},
        lambda question: answer_of(question, *quotes, suggestions=(SVG, TEMPLATE)),
    )
    return await fake_app(fake)


@pytest.fixture(scope="module")
def bare() -> Iterator[str]:
    with serving(bare_app) as address:
        yield address


@pytest.fixture(scope="module")
def ours() -> Iterator[str]:
    with serving(our_app) as address:
        yield address


@pytest.fixture
def open_page(chromium: BrowserContext) -> Iterator[Callable[[str], Page]]:
    opened: list[Page] = []

    def open_at(address: str) -> Page:
        page = chromium.new_page()
        opened.append(page)
        page.goto(address)
        page.get_by_role("textbox").first.wait_for()
        return page

    yield open_at
    for page in opened:
        page.close()


@pytest.fixture(scope="module")
def bare_page(chromium: BrowserContext, bare: str) -> Page:
    """A visitor's bare page, once its template was filled in."""
    page = chromium.new_page()
    page.goto(bare)
    expect(page.locator("#template p")).to_have_text("[object Window]")
    return page


def ask(page: Page, question: str) -> None:
    box = page.get_by_role("textbox").first
    box.fill(question)
    box.press("Enter")


def hit(page: Page) -> object:
    """Whether foreign code ran in the page."""
    return page.evaluate("window.hit")


def test_a_foreign_origin_reads_answers_with_cookies_on_a_bare_page_only(
    bare: str, ours: str
) -> None:
    found = []
    for address in (bare, ours):
        with httpx2.Client(base_url=address, headers=FOREIGN) as client:
            headers = client.get("/gradio_api/startup-events").headers
        found.append(
            (
                headers.get("access-control-allow-origin"),
                headers.get("access-control-allow-credentials"),
            )
        )
    assert found == [("https://evil.example", "true"), (None, None)]


def test_a_foreign_page_can_ask_in_a_visitors_name_on_a_bare_page_only(
    bare: str, ours: str
) -> None:
    call = {"data": [], "fn_index": 0, "session_hash": "s"}
    asked = [
        httpx2.post(f"{address}/gradio_api/queue/join", json=call, headers=FOREIGN).status_code
        for address in (bare, ours)
    ]
    assert asked == [200, 403]


def test_anybody_can_upload_files_to_a_bare_page_only(bare: str, ours: str) -> None:
    uploaded = [
        httpx2.post(
            f"{address}/gradio_api/upload",
            files={"files": ("x.html", b"<script>alert(1)</script>")},
            headers={"sec-fetch-site": "same-origin"},
        ).status_code
        for address in (bare, ours)
    ]
    assert uploaded == [200, 404]


def test_a_private_function_can_be_called_by_its_number_on_a_bare_page_only(
    bare: str, ours: str
) -> None:
    with httpx2.Client(base_url=bare) as client:
        functions = page_config(client)["dependencies"]
        called = [join(client, f["id"], [], headers={})[1] for f in functions if f["backend_fn"]]
        assert any(PRIVATE in told for told in called)
    with httpx2.Client(base_url=ours) as client:
        functions = page_config(client)["dependencies"]
        assert {function["api_visibility"] for function in functions} == {"private"}
        for function in functions:
            assert join(client, function["id"], [], headers={})[0] == 403
        # Whoever writes our page's own header gets no more than the page itself gives.
        for function in functions:
            status, told = join(client, function["id"], [None] * len(function["inputs"]))
            assert status == 200
            assert PRIVATE not in told


@pytest.mark.browser
def test_a_template_string_runs_on_a_bare_page(bare_page: Page) -> None:
    assert hit(bare_page) == 1


@pytest.mark.browser
@pytest.mark.parametrize(("words", "place"), [(SVG, ".message"), (f"Warn of {SVG}", ".toast-body")])
def test_a_link_in_a_picture_runs_on_a_bare_page(bare_page: Page, words: str, place: str) -> None:
    bare_page.evaluate("document.title = 'not yet'")
    ask(bare_page, words)
    bare_page.locator(f"{place} svg a text").last.click()
    expect(bare_page).to_have_title("1")


@pytest.mark.browser
def test_nothing_that_a_page_or_a_visitor_wrote_runs_on_ours(
    ours: str, open_page: Callable[[str], Page]
) -> None:
    page = open_page(ours)
    troubles: list[str] = []
    page.on("console", lambda said: troubles.append(said.text))
    page.on("dialog", lambda dialog: troubles.append(dialog.message))
    page.on(
        "request",
        lambda asked: None if asked.url.startswith(ours) else troubles.append(asked.url),
    )
    for number, words in enumerate((SVG, TEMPLATE, HOSTILE[5]), start=1):
        ask(page, words)
        expect(page.locator("#chat .answer")).to_have_count(number)
    chat = page.locator("#chat")
    newest = chat.locator(".answer").last
    expect(newest.locator(".words")).to_have_count(len(HOSTILE))
    for words, shown in zip(HOSTILE, newest.locator(".words").all(), strict=True):
        assert shown.text_content() == words
    expect(chat.locator("script, iframe, object, form, .answer :is(svg, img)")).to_have_count(0)
    links = newest.locator("a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert links
    assert all(link.startswith(("#", "tel:")) for link in links)
    # The longest word makes nothing wider than the window.
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    newest.locator("details > summary").first.click()
    newest.locator("a.cite", has_text="[13]").click()
    expect(page.locator("#source mark")).to_have_text(HOSTILE[-1])
    expect(page.locator("#source .page :is(svg, img, script, iframe, a)")).to_have_count(0)
    assert page.locator("#source .page").inner_text().count("window.hit=1") >= 6
    assert hit(page) is None
    assert troubles == []


@pytest.mark.browser
def test_were_a_hostile_link_let_through_the_policy_would_stop_it(
    ours: str, open_page: Callable[[str], Page]
) -> None:
    page = open_page(ours)
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text))
    page.evaluate("html => document.body.insertAdjacentHTML('afterbegin', html)", SVG)
    with page.expect_console_message(lambda line: "Content Security Policy" in line.text):
        page.locator("svg a text").first.click()
    assert hit(page) is None


def test_hostile_words_come_back_from_the_api_as_text(ours: str) -> None:
    with httpx2.Client(base_url=ours) as client:
        for words in HOSTILE[:-1]:
            answer = client.post("/api/ask", json={"question": words})
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["x-content-type-options"] == "nosniff"
            given = answer.json()
            assert given["question"] == words
            assert [quote["text"] for quote in given["quotes"]] == list(HOSTILE)
        long = client.post("/api/ask", json={"question": HOSTILE[-1]})
        assert long.status_code == 413
        assert "w" * 50 not in long.text


def test_a_conversation_of_a_hundred_answers_can_go_on(ours: str) -> None:
    with httpx2.Client(base_url=ours) as client:
        config = page_config(client)
        said = [["What happens then?", "<p>" + "words " * 800 + "</p>"]] * 100
        ids = {c["id"]: c["props"].get("elem_id") for c in config["components"]}
        asking = next(f for f in config["dependencies"] if "box" in (ids[i] for i in f["inputs"]))
        data = ["And then?" if ids[i] == "box" else said for i in asking["inputs"]]
        assert '"success":true' in join(client, asking["id"], data)[1]
