"""The server: what is between a request and the routes, in order, and its start and stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from concurrent.futures import Future
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
from rag.settings import Settings
from rag.web.api import add_api
from rag.web.current import CurrentAssistant
from rag.web.doors import SameOrigin, TrustedNames
from rag.web.gate import Gate
from rag.web.headers import SecurityHeaders
from rag.web.logs import RequestLog, written_to
from rag.web.opening import Opening, open_beside
from rag.web.problems import add_errors
from rag.web.rates import Rates

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
    future: Future[Assistant] = Future()
    with written_to(sys.stderr, level=settings.log), contextlib.suppress(KeyboardInterrupt):
        app = create_app(Opening(future, pages, settings.region), settings)
        server = _server(app, settings)
        # Not before Gradio is imported: two threads that import the same packages may clash.
        open_beside(future, lambda: open_assistant(settings), failed=server.stop)
        server.run()
    if future.done() and (error := future.exception()):
        raise error


def create_app(
    assistant: Assistant | Opening, settings: Settings, *, rates: Rates | None = None
) -> FastAPI:
    """The whole web application around an assistant.

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
        root_path=settings.root_path,
        # A script that names no content type sends JSON.
        strict_content_type=False,
    )
    _add_guards(app, settings, rates or Rates(settings))
    add_errors(app)
    add_api(app, current, settings)
    app.mount("/ui", StaticFiles(directory=_ASSETS))
    # Whatever else is mounted comes here: the page at "/" takes every address that is left.
    page = public.build_page(current, region=settings.region)
    page.queue(max_size=settings.waiting, default_concurrency_limit=settings.at_once)
    page.root_path = settings.root_path
    public.mount(app, page)
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


def _server(app: FastAPI, settings: Settings) -> _Server:
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        # The log is ours (logs.py); who asked for what is nobody's business.
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        # Gradio keeps one stream open for each visitor; without this a stop would wait for it.
        timeout_graceful_shutdown=2,
    )
    # An open page's stream that is cut by the stop is no error worth a traceback.
    logging.getLogger("uvicorn.error").addFilter(_is_no_cancellation)
    return _Server(config)


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and not self.should_exit:
            print(f"Open http://{self.config.host}:{self.config.port}", flush=True)  # noqa: T201

    def stop(self) -> None:
        self.should_exit = True
