"""The OpenAPI document at /api/openapi.json: our routes, with the contract's own schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from rag.web import texts
from rag.web.gate import MOST_BODY
from rag.web.problems import MEDIA_TYPE, Problem

ADDRESS: Final = "/api/openapi.json"
# Of the contract; another only when a field goes or changes its meaning.
_VERSION: Final = "1"

_HERE: Final = Path(__file__).parent
_CONTRACT: Final = _HERE.parent / "answer.schema.json"
_EXAMPLES: Final = _HERE / "examples.json"
_ANSWER: Final = "#/components/schemas/Answer"
_WORDS: Final = {
    400: texts.API_NOT_JSON,
    403: texts.API_WRONG_ORIGIN,
    404: texts.API_NO_DOCUMENT,
    409: texts.API_CHANGED,
    413: texts.API_TOO_LARGE.format(most=MOST_BODY),
    422: texts.API_BAD_QUESTION,
    429: texts.API_TOO_OFTEN,
    503: texts.API_NOT_READY,
}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route, each with an example of its words."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": _WORDS[status],
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in statuses
    }


def add_document(app: FastAPI, root_path: str) -> None:
    """Describe the routes; as JSON only, for the usual pages load scripts from another host."""
    document = _document(app, root_path)

    @app.get(ADDRESS, include_in_schema=False)
    def openapi() -> JSONResponse:
        return JSONResponse(document, headers={"Cache-Control": "no-cache"})


def _document(app: FastAPI, root_path: str) -> dict[str, Any]:
    found = get_openapi(
        title="Answers in the pages' own words",
        version=_VERSION,
        description="Questions in, verbatim quotes out. Not medical advice.",
        routes=app.routes,
        servers=[{"url": root_path}] if root_path else None,
    )
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Answer"] = _contract()
    schemas["Problem"] = Problem.model_json_schema()
    ask = found["paths"]["/api/ask"]["post"]
    examples = json.loads(_EXAMPLES.read_text(encoding="utf-8"))
    ask["requestBody"]["content"]["application/json"]["examples"] = examples["asked"]
    ask["responses"]["200"] = {
        "description": "The answer. Each quote is `page[start:end]` of the page it names.",
        "content": {
            "application/json": {"schema": {"$ref": _ANSWER}, "examples": examples["answers"]}
        },
    }
    return found


def _contract() -> dict[str, Any]:
    """The contract's schema, its inner references made to hold inside the document."""
    text = _CONTRACT.read_text(encoding="utf-8").replace('"#/$defs/', f'"{_ANSWER}/$defs/')
    schema: dict[str, Any] = json.loads(text)
    del schema["$schema"]
    return schema
