from __future__ import annotations

import json
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from rag.assistant import Assistant
from rag.contract import answer_json
from rag.datatypes import AnswerKind, QuoteError
from rag.settings import ROOT

SCHEMA = json.loads((ROOT / "rag" / "answer.schema.json").read_text(encoding="utf-8"))
ASKED = {
    "It needs how many minutes before it is bright?": AnswerKind.ANSWER,
    "Which moons does Jupiter have?": AnswerKind.NOT_IN_SOURCES,
    "I want to die": AnswerKind.CRISIS,
    "Should I stop taking my lamp?": AnswerKind.MEDICAL_ADVICE,
    "hello": AnswerKind.GREETING,
}


@pytest.mark.parametrize(("words", "kind"), ASKED.items())
def test_every_kind_of_answer_keeps_the_contract(
    assistant: Assistant, words: str, kind: AnswerKind
) -> None:
    answer = assistant.ask(words)
    assert answer.kind is kind
    line = json.loads(json.dumps(answer_json(answer, id="q1")))
    Draft202012Validator(SCHEMA).validate(line)
    assert line["id"] == "q1"
    assert line["question"] == words


def test_what_came_before_cannot_break_the_answer_that_holds_it(assistant: Assistant) -> None:
    words = "It needs how many minutes before it is bright?"
    line = answer_json(assistant.ask(words, ["why \ud800?", "\x00how long?"] * 9))
    Draft202012Validator(SCHEMA).validate(line)
    assert json.dumps(line, ensure_ascii=False).encode("utf-8")
    receipt = line["receipt"]
    assert isinstance(receipt, dict)
    assert len(receipt["history"]) == 6


def test_the_schema_refuses_what_the_contract_forbids(assistant: Assistant) -> None:
    answer = answer_json(assistant.ask("It needs how many minutes before it is bright?"))
    validator = Draft202012Validator(SCHEMA)
    wrongs: tuple[dict[str, object], ...] = (
        {"kind": "not_in_sources"},
        {"kind": "maybe"},
        {"quotes": []},
        {"receipt": {"index": "x", "model": "y"}},
        {"probability": None},
    )
    for wrong in wrongs:
        assert list(validator.iter_errors(json.loads(json.dumps(answer | wrong)))), wrong


def test_a_quote_that_no_longer_matches_its_page_is_not_given_out(assistant: Assistant) -> None:
    answer = assistant.ask("It needs how many minutes before it is bright?")
    statement = answer.statements[0]
    quote = statement.quotes[0]
    changed = replace(quote.document, text=quote.document.text.replace("minutes", "seconds"))
    broken = replace(statement, quotes=(replace(quote, document=changed),))
    with pytest.raises(QuoteError):
        answer_json(replace(answer, statements=(broken,)))
