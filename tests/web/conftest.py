"""A fake assistant over the real pages, the application around it, and a real Chromium."""

from __future__ import annotations

import asyncio
import os
import queue
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from typing import cast

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import BrowserContext, Page, sync_playwright

from rag.assistant import Assistant
from rag.blocks import read_blocks
from rag.corpus import read_corpus
from rag.datatypes import (
    Answer,
    AnswerKind,
    Document,
    InputError,
    Quote,
    Receipt,
    Role,
    Source,
    Span,
    Statement,
)
from rag.ground import text_digest
from rag.settings import Settings
from rag.web.app import create_app
from rag.web.feedback import Keepers

CRISIS = (
    "You are not alone, and help is there now.\n"
    "US: Emergency: call 911 · Suicide & Crisis Lifeline: call or text 988 "
    "· Poison Help: 1-800-222-1222\n"
    "UK: Emergency: call 999 · NHS urgent advice: call 111 · Samaritans: call 116 123"
)
ADVICE = "Only your own clinician can decide this with you. Do not change a medicine on your own."
# Tests ask faster than any visitor, and from names of their own.
SETTINGS = Settings(rate_ask="", rate_script="", rate_rest="", hosts="testserver, chat.example")
GREETING = "Hello. Ask about ketamine therapy in your own words."


# A page by somebody who means harm; its words are quoted like any other's.
HOSTILE = (
    "<script>alert(1)</script> is not markup\u00a0here, 👩\u200d⚕\ufe0f said.",
    "\u202eturned\u202c <img src=x onerror=alert(1)> [a](javascript:alert(1)) ${alert(1)}",
    "• one\u00a0<svg onload=alert(1)>\n  • two 🧠 & three &amp; four",
    "x" * 20_000,
)


def hostile_page() -> Document:
    """The page of HOSTILE, with a title and a publisher to match."""
    text = "\n\n".join(("<b>Title</b>", "A list of things:", *HOSTILE)) + "\n"
    source = Source("<b>Title</b>", publisher="<img src=x onerror=alert(1)>", kind="<i>kind</i>")
    blocks = read_blocks(text, title=source.title, markdown=False)
    return Document("sub/hostile <1>.txt", source, text, blocks, text_digest(text))


def quote_of(
    document: Document,
    first: str,
    last: str = "",
    *,
    number: int = 1,
    role: Role = Role.ANSWER,
    comment: bool = False,
) -> Quote:
    """The words from ``first`` to the end of ``last`` (or of ``first``), wherever they stand."""
    start = document.text.index(first)
    final = last or first
    end = document.text.index(final, start) + len(final)
    span = Span(start, end)
    return Quote(number, document, span, document.slice(span), role, comment=comment)


def answer_of(
    question: str,
    *quotes: Quote,
    kind: AnswerKind = AnswerKind.ANSWER,
    notice: str | None = None,
    standalone_question: str = "",
    sources_differ: bool = False,
    suggestions: tuple[str, ...] = (),
) -> Answer:
    """An answer around quotes, each a statement of its own."""
    return Answer(
        question=question,
        standalone_question=standalone_question or question,
        kind=kind,
        text="",
        statements=tuple(Statement(quote.text, (quote,)) for quote in quotes),
        notice=notice,
        probability=0.9,
        sources_differ=sources_differ,
        suggestions=suggestions,
        receipt=Receipt("i", "m", "t"),
        milliseconds=1.0,
    )


@dataclass
class FakeAssistant:
    """Answers by the first table key that the question contains; otherwise the pages are silent."""

    documents: Mapping[str, Document]
    table: Mapping[str, Callable[[str], Answer]]
    silent: Callable[[str], Answer]
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    successor: FakeAssistant | None = None
    votes: list[tuple[str, str, bool, str]] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)

    def keepers(self) -> Keepers:
        """What stores votes and unanswered questions here."""

        def vote(answer: Answer, helpful: bool, reason: str) -> None:  # noqa: FBT001
            self.votes.append((answer.question, answer.kind.value, helpful, reason))

        return Keepers(vote, lambda answer: self.unanswered.append(answer.question))

    def ask(self, question: str, history: Sequence[str] = ()) -> Answer:
        """Answer, and remember what was asked."""
        self.asked.append((question, tuple(history)))
        if not question.strip():
            raise InputError("Please write a question.")
        if len(question) > 2_000:
            raise InputError("The question is longer than 2000 characters. Please shorten it.")
        for key, answer in self.table.items():
            if key in question.casefold():
                return answer(question)
        return self.silent(question)

    def is_current(self) -> bool:
        """Whether no newer index was made."""
        return self.successor is None

    def reopened(self) -> FakeAssistant:
        """The assistant of the newer index."""
        assert self.successor is not None
        return self.successor


def fake_assistant() -> FakeAssistant:
    """A fake over the pages of corpus/, with one answer of each kind."""
    corpus = read_corpus(Settings().corpus, most_bytes=Settings().file_bytes)
    hostile = hostile_page()
    pages = {document.id: document for document in (*corpus.documents, hostile)}

    def page(start: str) -> Document:
        return next(document for name, document in pages.items() if name.startswith(start))

    us, london, amen, plain = page("apn-us"), page("apn-london"), page("amen"), page("unnamed")
    session = (
        quote_of(us, "A ketamine-assisted therapy session typically lasts three hours."),
        quote_of(
            london, "A ketamine-assisted healing session typically lasts two hours.", number=2
        ),
    )
    effects = (
        quote_of(
            plain,
            "While ketamine therapy is generally safe under medical supervision, some",
            "Increase in heart rate",
        ),
        quote_of(amen, "Ketamine is known to cause side effects", "nausea.", number=2),
    )
    addictive = (
        quote_of(plain, "Ketamine is not generally considered", "chemically speaking."),
        quote_of(amen, "In addition, some research has found the drug may be addictive.", number=2),
        quote_of(amen, "NOT GOOD!!!!", "it is addictive!!", number=3, comment=True),
    )
    steps = quote_of(london, "1. The process starts", "make adjustments as needed.")
    nearest = quote_of(us, "You will receive a call from", "treatment.", role=Role.NEAREST)
    contact = quote_of(london, "Call 0203 984 7699", "to get started.", number=2, role=Role.CONTACT)
    overdose = quote_of(us, "Taking too much ketamine", "even death.")
    next_ = ("How long do the effects last?", "Is ketamine addictive?")
    return FakeAssistant(
        pages,
        {
            "session": lambda q: answer_of(q, *session, suggestions=next_),
            "side effects": lambda q: answer_of(q, *effects),
            "addictive": lambda q: answer_of(q, *addictive, sources_differ=True),
            "step by step": lambda q: answer_of(q, steps),
            "and in london": lambda q: answer_of(
                q, session[1], standalone_question="How long does a session last in London?"
            ),
            "kill": lambda q: answer_of(q, overdose, kind=AnswerKind.CRISIS, notice=CRISIS),
            "hostile": lambda q: answer_of(
                q, *(quote_of(hostile, part, number=n) for n, part in enumerate(HOSTILE, 1))
            ),
            "near danger": lambda q: answer_of(q, *session, notice=CRISIS),
            "stop my": lambda q: answer_of(
                q, addictive[0], kind=AnswerKind.MEDICAL_ADVICE, notice=ADVICE
            ),
            "hello": lambda q: answer_of(
                q, kind=AnswerKind.GREETING, notice=GREETING, suggestions=next_
            ),
        },
        lambda q: answer_of(q, nearest, contact, kind=AnswerKind.NOT_IN_SOURCES),
    )


@pytest.fixture(scope="module")
def assistant() -> FakeAssistant:
    return fake_assistant()


@pytest.fixture
def new_assistant() -> Callable[[], FakeAssistant]:
    return fake_assistant


async def fake_app(assistant: FakeAssistant, settings: Settings = SETTINGS) -> FastAPI:
    """The application; made inside a running loop, else Gradio makes one and never closes it."""
    return create_app(
        cast(Assistant, assistant), settings, keepers_of=lambda _: assistant.keepers()
    )


@pytest.fixture(scope="module")
def app(assistant: FakeAssistant) -> FastAPI:
    return asyncio.run(fake_app(assistant))


@pytest.fixture
def new_app() -> Callable[[FakeAssistant, Settings], FastAPI]:
    return lambda assistant, settings: asyncio.run(fake_app(assistant, settings))


class Serving(uvicorn.Server):
    """A server that says when it can be reached."""

    def __init__(self, app: FastAPI, ready: queue.Queue[Serving], port: int) -> None:
        super().__init__(
            uvicorn.Config(app, port=port, log_level="critical", timeout_graceful_shutdown=1)
        )
        self.ready = ready

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self.ready.put(self)


@pytest.fixture(scope="module")
def served() -> FakeAssistant:
    """The assistant behind ``address``."""
    return fake_assistant()


@contextmanager
def serving(assistant: FakeAssistant, port: int = 0) -> Iterator[str]:
    """The application around an assistant, on a real port of this machine."""
    ready: queue.Queue[Serving] = queue.Queue()

    async def serve() -> None:
        await Serving(await fake_app(assistant), ready, port).serve()

    thread = threading.Thread(target=asyncio.run, args=[serve()])
    thread.start()
    server = ready.get(timeout=60)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(30)


@pytest.fixture
def serve() -> Callable[[FakeAssistant, int], AbstractContextManager[str]]:
    return serving


@pytest.fixture(scope="module")
def address(served: FakeAssistant) -> Iterator[str]:
    with serving(served) as address:
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[BrowserContext]:
    """A real Chromium from PATH or $CHROMIUM; its pages share a cache, as a visitor's do."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None or not Path(path).exists():
        message = "No Chromium: put chromium on PATH or name it in CHROMIUM."
        if os.environ.get("REQUIRE_CHROMIUM") == "1":
            pytest.fail(message)
        pytest.skip(message)
    quiet = ["--no-first-run", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-sync", *quiet],
        )
        context = browser.new_context()
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        yield context
        browser.close()


# What Gradio notes when a page is left while it still listens to the server.
_LEFT = ("signal is aborted without reason", "Unexpected error Connection errored out")


@dataclass(frozen=True)
class Watched:
    """A page of the chat, with everything that went wrong in it."""

    page: Page
    troubles: list[str]


@pytest.fixture
def open_chat(chromium: BrowserContext, address: str) -> Iterator[Callable[[int, int], Watched]]:
    """Opens the chat at a window size; at the end, any trouble in any page is a failure."""
    opened: list[Watched] = []

    def open_at(width: int, height: int) -> Watched:
        page = chromium.new_page()
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": width, "height": height})
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("dialog", lambda dialog: troubles.append(f"dialog: {dialog.message}"))
        page.on(
            "console",
            lambda said: troubles.append(said.text) if said.type in {"error", "warning"} else None,
        )
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith((address, "data:")) else troubles.append(request.url)
            ),
        )
        page.goto(address)
        page.get_by_placeholder("Ask in your own words").wait_for()
        page.locator(".speaker").first.wait_for(state="attached")  # the page's script is there
        opened.append(Watched(page, troubles))
        return opened[-1]

    yield open_at
    troubles = [
        trouble
        for watched in opened
        for trouble in watched.troubles
        if not any(left in trouble for left in _LEFT)
    ]
    for watched in opened:
        watched.page.close()
    assert troubles == []
