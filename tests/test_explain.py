from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from rag.assistant import Assistant
from rag.contract import answer_json
from rag.datatypes import InputError
from rag.explain import explain

ASKED = "It needs how many minutes before it is bright?"


def kept(assistant: Assistant, question: str, history: tuple[str, ...] = ()) -> dict[str, Any]:
    """An answer as a file holds it."""
    answer: dict[str, Any] = json.loads(json.dumps(answer_json(assistant.ask(question, history))))
    return answer


def test_a_receipt_shows_every_step_and_that_nothing_changed(assistant: Assistant) -> None:
    answer = kept(assistant, ASKED)
    found = explain(assistant, answer)
    assert not found.changed
    assert [step.name for step in found.steps] == [
        "Sorted",
        "Understood",
        "Searched",
        "Passages",
        "Bank",
        "Decided",
        "Evidence",
        "Quoted",
    ]
    quote = answer["quotes"][0]
    assert f"{quote['document']} {quote['start']}–{quote['end']}" in found.steps[-1].found[0]
    assert f"probability {answer['probability']:.3f}"[:16] in " ".join(found.steps[5].found)


def test_a_follow_up_is_asked_again_with_what_came_before(assistant: Assistant) -> None:
    answer = kept(assistant, "why?", (ASKED,))
    assert answer["standalone_question"] != "why?"
    assert not explain(assistant, answer).changed


def test_danger_is_sorted_and_nothing_is_searched(assistant: Assistant) -> None:
    found = explain(assistant, kept(assistant, "I want to die"))
    assert [step.name for step in found.steps] == ["Sorted"]
    assert "danger" in found.steps[0].found[0]


def test_what_changed_since_is_named(assistant: Assistant) -> None:
    answer = kept(assistant, ASKED)
    surer = replace(assistant.calibration, operating_point=1.0)
    changed = explain(replace(assistant, calibration=surer), answer).changed
    assert {"kind", "quotes", "text"} <= set(changed)
    answer["receipt"]["index"] = "0" * 64
    assert "index" in explain(assistant, answer).changed


@pytest.mark.parametrize("given", [{}, {"question": "x"}, {"question": "x", "receipt": None}])
def test_what_is_no_answer_is_an_error(assistant: Assistant, given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="ask --json"):
        explain(assistant, given)
