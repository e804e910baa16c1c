"""Every refusal as ``application/problem+json`` (RFC 9457), in words that repeat nothing sent."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from rag.datatypes import InputError, RagError
from rag.web import texts
from rag.web.opening import BusyError

logger = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
# After how many seconds to ask again where nobody can know better.
SOON: Final = 5


class Problem(BaseModel):
    """What went wrong, in the fields of RFC 9457."""

    type: str
    title: str
    status: int
    detail: str


class RefusalError(RagError):
    """A request to the API that cannot be met."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def problem(status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The response that says what went wrong."""
    # "about:blank": the status says all there is to know, so the title is the status's own.
    content = Problem(
        type="about:blank", title=HTTPStatus(status).phrase, status=status, detail=detail
    )
    return JSONResponse(
        content.model_dump(),
        status_code=status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        media_type=MEDIA_TYPE,
    )


def come_back(status: int, detail: str, seconds: int = SOON) -> JSONResponse:
    """The response that says when to try again."""
    return problem(status, detail, headers={"Retry-After": str(seconds)})


def add_errors(app: FastAPI) -> None:
    """Answer with a problem whatever the routes of ``app`` raise."""

    @app.exception_handler(RefusalError)
    def refused(_request: Request, error: RefusalError) -> JSONResponse:
        return problem(error.status, str(error))

    @app.exception_handler(BusyError)
    def busy(_request: Request, error: BusyError) -> JSONResponse:
        return come_back(503, str(error))

    @app.exception_handler(InputError)
    def bad_input(_request: Request, error: InputError) -> JSONResponse:
        return problem(422, str(error))

    @app.exception_handler(RagError)
    def trouble(_request: Request, error: RagError) -> JSONResponse:
        logger.error("A question could not be answered.", exc_info=error)
        return come_back(503, texts.TROUBLE)

    @app.exception_handler(RequestValidationError)
    def bad_request(_request: Request, fault: RequestValidationError) -> JSONResponse:
        return problem(*_fault(fault))

    @app.exception_handler(HTTPException)
    def plain(_request: Request, error: HTTPException) -> JSONResponse:
        words = {400: texts.API_NOT_JSON, 404: texts.API_NOT_FOUND, 405: texts.API_BAD_METHOD}
        detail = words.get(error.status_code, texts.TROUBLE)
        return problem(error.status_code, detail, headers=error.headers)


def _fault(fault: RequestValidationError) -> tuple[int, str]:
    """The status and the words for the first thing that is wrong with a request."""
    first = fault.errors()[0]
    place, *names = first["loc"]
    if place != "body":
        return 422, texts.API_BAD_QUERY
    named = {
        "question": texts.API_BAD_QUESTION,
        "history": texts.API_BAD_HISTORY,
        "id": texts.API_BAD_ID,
    }
    words = named.get(str(names[0])) if names else None
    return (422, words) if words else (400, texts.API_NOT_JSON)
