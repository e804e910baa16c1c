"""The server is restarted while a page is open: the visitor can go on asking."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import BrowserContext, expect

from rag.web import texts
from tests.web.conftest import Serving, fake_app, fake_assistant


@contextmanager
def serving(port: int) -> Iterator[int]:
    """The chat on a port; 0 is one that is free."""
    ready: queue.Queue[Serving] = queue.Queue()

    async def serve() -> None:
        server = Serving(await fake_app(fake_assistant()), ready)
        server.config.port = port
        await server.serve()

    thread = threading.Thread(target=asyncio.run, args=[serve()])
    thread.start()
    server = ready.get(timeout=60)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(30)


@pytest.mark.browser
def test_after_a_restart_the_open_page_asks_the_new_server(chromium: BrowserContext) -> None:
    page = chromium.new_page()
    box = page.get_by_placeholder(texts.BOX_PLACEHOLDER)
    answers = page.locator("#chat .answer")
    with serving(0) as port:
        page.goto(f"http://127.0.0.1:{port}")
        box.fill("How long does a session last?")
        box.press("Enter")
        expect(answers).to_have_count(1)
    # The conversation is the browser's: the server had nothing of it to lose.
    with serving(port):
        expect(answers).to_have_count(1)
        box.fill("Is ketamine addictive?")
        box.press("Enter")
        expect(answers).to_have_count(2)
        expect(answers.last.locator(".words")).to_have_count(3)
    page.close()
