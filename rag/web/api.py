"""The JSON API that scripts and the source panel use; openapi.py describes it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import anyio
import anyio.to_thread
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from rag.contract import answer_json
from rag.datatypes import Answer, Span
from rag.settings import Settings
from rag.web import texts
from rag.web.current import CurrentAssistant
from rag.web.openapi import add_document, problem_responses
from rag.web.opening import BusyError
from rag.web.problems import RefusalError, come_back, problem
from rag.web.source import source_view

_NO_STORE: Final = {"Cache-Control": "no-store"}


def _encodable(words: str) -> str:
    """Words that can be sent back: no half of a pair of UTF-16 units."""
    words.encode()
    return words


class Asked(BaseModel):
    """A question, as POST /api/ask takes it."""

    model_config = ConfigDict(strict=True, frozen=True)

    question: str = Field(description="In anybody's own words; follow-ups may lean on `history`.")
    history: list[str] = Field([], description="Earlier questions, oldest first.")
    id: Annotated[str, AfterValidator(_encodable)] | None = Field(
        None, description="Given back with the answer."
    )


class SourceSegment(BaseModel):
    """A stretch of a block; together the marked ones are the quote."""

    text: str
    mark: bool


class SourceBlock(BaseModel):
    """A heading, a paragraph, an item of a list."""

    kind: str
    level: int
    segments: list[SourceSegment]


class SourcePage(BaseModel):
    """A page in full, cut so that a quote can be marked in it."""

    title: str
    publisher: str
    region: str
    kind: str
    digest: str
    blocks: list[SourceBlock]


class Health(BaseModel):
    """That all is well."""

    status: Literal["ok", "ready"]


class Line:
    """Lets a few questions be answered at once and some wait; the rest are sent away."""

    def __init__(self, *, at_once: int, waiting: int) -> None:
        self._turns = anyio.CapacityLimiter(at_once)
        self._room = at_once + waiting

    async def answer(self, current: CurrentAssistant, asked: Asked) -> Answer:
        """Answer in a thread when it is this question's turn.

        Raises:
            BusyError: too many others wait already.
        """
        if not self._room:
            raise BusyError(texts.API_BUSY)
        self._room -= 1
        try:
            return await anyio.to_thread.run_sync(_answer, current, asked, limiter=self._turns)
        finally:
            self._room += 1


def _answer(current: CurrentAssistant, asked: Asked) -> Answer:
    return current.get().ask(asked.question, asked.history)


def add_api(app: FastAPI, current: CurrentAssistant, settings: Settings) -> None:
    """Add the API's routes to the application, and the document that describes them."""
    line = Line(at_once=settings.at_once, waiting=settings.waiting)

    @app.get("/healthz", tags=["health"], response_model=Health)
    async def healthz() -> JSONResponse:
        """Whether the process is alive."""
        return JSONResponse({"status": "ok"}, headers=_NO_STORE)

    @app.get("/readyz", tags=["health"], response_model=Health, responses=problem_responses(503))
    async def readyz() -> JSONResponse:
        """Whether the index is open and the models answer."""
        if not current.is_ready():
            return come_back(503, texts.API_NOT_READY)
        return JSONResponse({"status": "ready"}, headers=_NO_STORE)

    @app.get(
        "/api/source/{document:path}",
        tags=["pages"],
        response_model=SourcePage,
        responses=problem_responses(404, 409, 422, 429),
    )
    def source(document: str, start: int, end: int, digest: str) -> JSONResponse:
        """A page in full, with the characters from `start` to `end` marked."""
        return _source(current, document, Span(start, end), digest)

    @app.post(
        "/api/ask", tags=["questions"], responses=problem_responses(400, 403, 413, 422, 429, 503)
    )
    async def ask(asked: Asked) -> JSONResponse:
        """An answer in verbatim quotes, or that the pages do not say."""
        answer = await line.answer(current, asked)
        return JSONResponse(answer_json(answer, id=asked.id), headers=_NO_STORE)

    add_document(app, settings.root_path)

    # Else the page, which takes every address that is left, would answer in Gradio's words.
    @app.get("/api/ask", include_in_schema=False)
    async def only_post() -> JSONResponse:
        return problem(405, texts.API_BAD_METHOD, headers={"Allow": "POST"})

    @app.api_route("/api/{address:path}", methods=["GET", "POST"], include_in_schema=False)
    async def nothing() -> JSONResponse:
        return problem(404, texts.API_NOT_FOUND)


def _source(current: CurrentAssistant, name: str, span: Span, digest: str) -> JSONResponse:
    document = current.get().documents.get(name)
    if document is None:
        raise RefusalError(404, texts.API_NO_DOCUMENT)
    if document.digest != digest:
        raise RefusalError(409, texts.API_CHANGED)
    if not 0 <= span.start < span.end <= len(document.text):
        raise RefusalError(422, texts.API_BAD_SPAN)
    return JSONResponse(source_view(document, span), headers=_NO_STORE)
