"""The server: what is between a request and the routes, in order, and its start and stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from socket import socket
from typing import Any, Final, cast

import uvicorn
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from rag.assistant import Assistant, open_assistant
from rag.corpus import read_corpus
from rag.records.store import Records, open_records
from rag.settings import Settings
from rag.web.api import add_api
from rag.web.catalogue import read_texts
from rag.web.current import CurrentAssistant
from rag.web.doors import SameOrigin, TrustedNames
from rag.web.feedback import Keepers, add_feedback_route
from rag.web.gate import Gate
from rag.web.headers import SecurityHeaders
from rag.web.logs import RequestLog, written_to
from rag.web.opening import Opening, open_beside
from rag.web.pages import Frame, add_pages
from rag.web.problems import add_errors
from rag.web.rates import Rates
from rag.web.storing import purge_hourly, storing

_ASSETS: Final = Path(__file__).parent / "assets"


def serve(settings: Settings) -> None:
    """Serve the page until interrupted; the models are opened while it is up already.

    Prints the address once the page can be opened.

    Raises:
        RagError: the pages, the models or the index cannot be used.
    """
    # What is wrong with the folder of pages is said before anything else is done.
    corpus = read_corpus(settings.corpus, most_bytes=settings.file_bytes)
    pages = {document.id: document for document in corpus.documents}
    opening = Opening(Future(), pages, settings.region)
    records = open_records(settings)
    with written_to(sys.stderr, level=settings.log), contextlib.suppress(KeyboardInterrupt):
        _Server(opening, settings, records).run()
    if opening.future.done() and (error := opening.future.exception()):
        raise error


def create_app(
    assistant: Assistant | Opening,
    settings: Settings,
    *,
    rates: Rates | None = None,
    keepers_of: Callable[[CurrentAssistant], Keepers] = lambda _: Keepers(),
) -> FastAPI:
    """The whole web application around an assistant; without ``keepers_of`` nothing is stored.

    Raises:
        InputError: a setting of the server is not one that it takes.
    """
    # Gradio asks other hosts about itself unless told not to before it is imported.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    from rag.web import public  # noqa: PLC0415 - see above

    current = CurrentAssistant(assistant)
    # No generated API pages: FastAPI's load scripts from another host. The document is ours.
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        # A script that names no content type sends JSON.
        strict_content_type=False,
    )
    _add_guards(app, settings, rates or Rates(settings))
    add_errors(app)
    words, keepers = read_texts(settings.language), keepers_of(current)
    add_feedback_route(app, current, keepers.feedback)
    add_api(app, current, settings)
    app.mount("/ui", StaticFiles(directory=_ASSETS))
    add_pages(app, current, Frame(words, settings.region, kept=keepers.kept))
    # Whatever else is mounted comes here: the page at "/" takes every address that is left.
    page = public.build_page(current, public.Offer(words, settings.region, keepers))
    page.queue(max_size=settings.waiting, default_concurrency_limit=settings.at_once)
    page.root_path = settings.root_path
    public.mount(app, page, words)
    return app


def _add_guards(app: FastAPI, settings: Settings, rates: Rates) -> None:
    """What a request passes before the routes, added from the innermost out."""
    app.add_middleware(Gate, rates=rates)
    app.add_middleware(SameOrigin)
    # With any CORS middleware here Gradio adds no headers of its own; without, it would
    # let every origin in, with credentials.
    app.add_middleware(CORSMiddleware, allow_origins=[])
    app.add_middleware(SecurityHeaders)
    app.add_middleware(TrustedNames, bound=settings.host, names=settings.hosts)
    if settings.trusted_proxies:
        app.add_middleware(_behind_proxies, trusted=settings.trusted_proxies)
    app.add_middleware(RequestLog)


def _behind_proxies(app: ASGIApp, trusted: str) -> ASGIApp:
    return cast(ASGIApp, ProxyHeadersMiddleware(cast(Any, app), trusted_hosts=trusted))


def _is_no_cut_stream(record: logging.LogRecord) -> bool:
    """Whether something else happened than that a stop cut the streams of open pages."""
    cut = record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError)
    return not (cut or "timeout graceful shutdown exceeded" in str(record.msg))


class _Server(uvicorn.Server):
    """Opens the assistant once the page is up, and stops where that fails."""

    def __init__(self, opening: Opening, settings: Settings, records: Records | None) -> None:
        config = uvicorn.Config(
            # Made inside the running loop: else Gradio makes one of its own.
            lambda: create_app(opening, settings, keepers_of=partial(storing, records=records)),
            factory=True,
            host=settings.host,
            port=settings.port,
            root_path=settings.root_path,
            # The log is ours (logs.py); who asked for what is nobody's business.
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            # Gradio keeps one stream open for each visitor; a stop would wait for it.
            timeout_graceful_shutdown=2,
        )
        logging.getLogger("uvicorn.error").addFilter(_is_no_cut_stream)
        super().__init__(config)
        self._opening = opening
        self._settings = settings
        self._records = records
        self._purging: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        port = self.servers[0].sockets[0].getsockname()[1]
        print(f"Open http://{self.config.host}:{port}", flush=True)  # noqa: T201
        if self._records:
            self._purging = asyncio.create_task(purge_hourly(self._records))
        # Not before Gradio is imported: two threads that import the same packages may clash.
        open_beside(self._opening.future, lambda: open_assistant(self._settings), failed=self._stop)

    def _stop(self) -> None:
        self.should_exit = True
