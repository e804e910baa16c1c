"""The OpenAPI document describes what the API really says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from rag.datatypes import Document
from rag.settings import ROOT
from rag.web.api import Asked

if TYPE_CHECKING:
    from tests.web.conftest import FakeAssistant

ADDRESS = "/api/openapi.json"


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    response = client.get(ADDRESS)
    assert response.headers["content-type"] == "application/json"
    found: dict[str, Any] = response.json()
    return found


def described(document: dict[str, Any], path: str, status: int, body: object) -> None:
    """Hold a body against what the document says of it; its references must resolve."""
    [operation] = document["paths"][path].values()
    [content] = operation["responses"][str(status)]["content"].values()
    # The whole document as the root, so that "#/components/…" is found in it.
    schema = {**document, "$ref": content["schema"]["$ref"]}
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(body)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Is ketamine addictive?", "answer"),
        ("What colour?", "not_in_sources"),
        ("I want to kill myself", "crisis"),
        ("Should I stop my tablets?", "medical_advice"),
        ("hello", "greeting"),
    ],
)
def test_every_kind_of_answer_is_as_described(
    client: TestClient, document: dict[str, Any], question: str, kind: str
) -> None:
    answer = client.post("/api/ask", json={"question": question}).json()
    assert answer["kind"] == kind
    # The fakes have no text and no digests of an index; that the rest holds is the point.
    answer["text"] = answer["text"] or "as shown"
    answer["receipt"].update(index="0" * 64, model="0" * 64)
    if kind in {"crisis", "greeting"}:
        answer["probability"] = None
    described(document, "/api/ask", 200, answer)


def test_the_answers_schema_is_the_contracts_own(document: dict[str, Any]) -> None:
    contract = json.loads((ROOT / "rag" / "answer.schema.json").read_text(encoding="utf-8"))
    shown = document["components"]["schemas"]["Answer"]
    assert shown["properties"].keys() == contract["properties"].keys()
    assert (shown["required"], shown["allOf"]) == (contract["required"], contract["allOf"])
    assert shown["$defs"] == contract["$defs"]


def test_a_wrong_answer_is_told_from_a_right_one(document: dict[str, Any]) -> None:
    right = document["paths"]["/api/ask"]["post"]["responses"]["200"]["content"]
    value = right["application/json"]["examples"]["answer"]["value"]
    described(document, "/api/ask", 200, value)
    nearest = [{**quote, "role": "nearest"} for quote in value["quotes"]]
    with pytest.raises(Exception, match="'answer' was expected"):
        described(document, "/api/ask", 200, {**value, "quotes": nearest})


def test_the_examples_hold_and_quote_the_pages(
    document: dict[str, Any], real_pages: dict[str, Document]
) -> None:
    ask = document["paths"]["/api/ask"]["post"]
    examples = ask["responses"]["200"]["content"]["application/json"]["examples"].values()
    kinds = {example["value"]["kind"] for example in examples}
    assert kinds == {"answer", "not_in_sources", "crisis", "medical_advice", "greeting"}
    for example in examples:
        described(document, "/api/ask", 200, example["value"])
        for quote in example["value"]["quotes"]:
            page = real_pages[quote["document"]]
            assert page.digest == quote["digest"]
            assert page.text[quote["start"] : quote["end"]] == quote["text"]
    for example in ask["requestBody"]["content"]["application/json"]["examples"].values():
        Asked.model_validate(example["value"])


def test_a_source_is_as_described(
    client: TestClient, document: dict[str, Any], assistant: FakeAssistant
) -> None:
    name, page = next(iter(assistant.documents.items()))
    place: dict[str, str | int] = {"start": 0, "end": 20, "digest": page.digest}
    view = client.get(f"/api/source/{name}", params=place).json()
    [path] = (path for path in document["paths"] if path.startswith("/api/source"))
    described(document, path, 200, view)


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"[]", 400), (b'{"question": 1}', 422), (b"x" * 65_000, 413)],
)
def test_every_refusal_is_as_described(
    client: TestClient, document: dict[str, Any], body: bytes, status: int
) -> None:
    response = client.post("/api/ask", content=body)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    described(document, "/api/ask", status, response.json())


def test_health_is_as_described(client: TestClient, document: dict[str, Any]) -> None:
    for path in ("/healthz", "/readyz"):
        described(document, path, 200, client.get(path).json())


def test_addresses_that_are_none_are_problems_too(client: TestClient) -> None:
    for response in (client.get("/api/ask"), client.get("/api/x"), client.get("/ui/x.js")):
        assert response.status_code == (405 if response.url.path == "/api/ask" else 404)
        assert response.headers["content-type"] == "application/problem+json"


def test_only_what_is_meant_to_be_asked_is_in_the_document(document: dict[str, Any]) -> None:
    assert {path.split("{")[0] for path in document["paths"]} == {
        "/healthz",
        "/readyz",
        "/api/source/",
        "/api/ask",
    }
