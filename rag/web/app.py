"""The server: security first, then a few addresses of our own, then the page."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Final

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import FileResponse, JSONResponse
from starlette.concurrency import run_in_threadpool

from rag.assistant import Assistant, open_assistant
from rag.contract import answer_json
from rag.datatypes import InputError, RagError, Span
from rag.settings import Settings
from rag.web import texts
from rag.web.catalogue import read_texts
from rag.web.current import CurrentAssistant
from rag.web.feedback import Keepers, add_feedback_route
from rag.web.headers import ClosedPaths, SecurityHeaders
from rag.web.pages import Frame, add_pages
from rag.web.source import source_view

logger = logging.getLogger(__name__)

_ASSETS: Final = Path(__file__).parent / "assets"
_ASSET_KINDS: Final = {
    "app.css": "text/css",
    "app.js": "text/javascript",
    "dom.js": "text/javascript",
    "feedback.js": "text/javascript",
    "source.js": "text/javascript",
}
# Room for the longest question and its history, many times over.
_MOST_BODY: Final = 64_000
_NO_STORE: Final = {"Cache-Control": "no-store"}


def serve(settings: Settings) -> None:
    """Open the assistant and serve the page until interrupted; prints the address once ready."""
    app = create_app(open_assistant(settings), settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        # Addresses asked for are nobody's business, and questions are never in a log.
        access_log=False,
        server_header=False,
        # Gradio keeps one stream open for each visitor; without this a stop would wait for it.
        timeout_graceful_shutdown=2,
    )
    # An open page's stream that is cut by the stop is no error worth a traceback.
    logging.getLogger("uvicorn.error").addFilter(_is_no_cancellation)
    with contextlib.suppress(KeyboardInterrupt):
        _Server(config).run()


def create_app(assistant: Assistant, settings: Settings, keepers: Keepers | None = None) -> FastAPI:
    """The whole web application around an open assistant; without ``keepers`` nothing is stored."""
    # Gradio asks other hosts about itself unless told not to before it is imported.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    from rag.web import public  # noqa: PLC0415 - see above

    current = CurrentAssistant(assistant)
    # No generated API pages: FastAPI's load scripts from another host.
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(ClosedPaths)
    # With any CORS middleware here Gradio adds no headers of its own; without, it would
    # let every origin in, with credentials.
    app.add_middleware(CORSMiddleware, allow_origins=[])
    app.add_middleware(SecurityHeaders)
    _add_errors(app)
    _add_routes(app, current)
    words = read_texts(settings.language)
    keepers = keepers or Keepers()
    add_feedback_route(app, current, keepers.feedback)
    add_pages(app, current, Frame(words, settings.region, kept=keepers.any))
    offer = public.Offer(words, settings.region, keepers)
    public.mount(app, public.build_page(current, offer), words)
    return app


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"Open http://{self.config.host}:{self.config.port}", flush=True)  # noqa: T201


class _RefusalError(RagError):
    """A request to the API that cannot be met."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class _Asked:
    question: str
    history: tuple[str, ...]
    id: str | None


def _add_routes(app: FastAPI, current: CurrentAssistant) -> None:
    @app.get("/healthz")
    def healthz() -> JSONResponse:
        return JSONResponse({"status": "ok"}, headers=_NO_STORE)

    @app.get("/ui/{name}")
    def asset(name: str) -> FileResponse:
        if name not in _ASSET_KINDS:
            raise _RefusalError(404, texts.API_NOT_FOUND)
        return _asset(name, _ASSET_KINDS[name])

    @app.get("/api/source/{document:path}")
    def source(document: str, start: int, end: int, digest: str) -> JSONResponse:
        return _source(current.get(), document, Span(start, end), digest)

    @app.post("/api/ask")
    async def ask(request: Request) -> JSONResponse:
        asked = _read_asked(await _read_body(request))
        return await run_in_threadpool(_ask, current, asked)


def _add_errors(app: FastAPI) -> None:
    """Every refusal is JSON with one key, ``error``, and never repeats what was sent."""

    @app.exception_handler(_RefusalError)
    def refused(_request: Request, error: _RefusalError) -> JSONResponse:
        return _error(error.status, str(error))

    @app.exception_handler(InputError)
    def bad_input(_request: Request, error: InputError) -> JSONResponse:
        return _error(422, str(error))

    @app.exception_handler(RagError)
    def trouble(_request: Request, error: RagError) -> JSONResponse:
        logger.error("A question could not be answered.", exc_info=error)
        return _error(503, texts.TROUBLE)

    @app.exception_handler(RequestValidationError)
    def bad_query(_request: Request, _fault: RequestValidationError) -> JSONResponse:
        return _error(422, texts.API_BAD_QUERY)


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status, headers=_NO_STORE)


def _asset(name: str, media_type: str) -> FileResponse:
    # Asked for again on each visit, and answered "not modified": a new version shows at once.
    return FileResponse(
        _ASSETS / name, media_type=media_type, headers={"Cache-Control": "no-cache"}
    )


def _source(assistant: Assistant, name: str, span: Span, digest: str) -> JSONResponse:
    document = assistant.documents.get(name)
    if document is None:
        raise _RefusalError(404, texts.API_NO_DOCUMENT)
    if document.digest != digest:
        raise _RefusalError(409, texts.API_CHANGED)
    if not 0 <= span.start < span.end <= len(document.text):
        raise _RefusalError(422, texts.API_BAD_SPAN)
    return JSONResponse(source_view(document, span), headers=_NO_STORE)


async def _read_body(request: Request) -> bytes:
    """The body, refused as soon as it proves too large, whatever its length header says."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BODY:
            raise _RefusalError(413, texts.API_TOO_LARGE.format(most=_MOST_BODY))
    return bytes(body)


def _read_asked(body: bytes) -> _Asked:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _RefusalError(400, texts.API_NOT_JSON) from error
    if not isinstance(given, dict):
        raise _RefusalError(400, texts.API_NOT_JSON)
    question, history, name = given.get("question"), given.get("history", []), given.get("id")
    if not isinstance(question, str):
        raise _RefusalError(422, texts.API_BAD_QUESTION)
    if not isinstance(history, list) or not all(isinstance(words, str) for words in history):
        raise _RefusalError(422, texts.API_BAD_HISTORY)
    if name is not None and not isinstance(name, str):
        raise _RefusalError(422, texts.API_BAD_ID)
    return _Asked(question, tuple(history), name)


def _ask(current: CurrentAssistant, asked: _Asked) -> JSONResponse:
    answer = current.get().ask(asked.question, asked.history)
    return JSONResponse(answer_json(answer, id=asked.id), headers=_NO_STORE)
