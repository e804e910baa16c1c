"""What visitors say and ask in vain, from the page's routes to the database."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from rag.assistant import Assistant
from rag.datatypes import AnswerKind
from rag.records.store import Records, open_records
from rag.settings import Settings
from rag.web.app import create_app
from rag.web.current import CurrentAssistant
from rag.web.storing import storing
from tests.web.conftest import SETTINGS

pytestmark = pytest.mark.weights
IN_VAIN = "What does it cost? Mail jane.doe@example.com or ring 0161 496 0123"


@pytest.fixture
def records(tmp_path: Path) -> Records:
    found = open_records(Settings(records=str(tmp_path / "kept" / "records.sqlite3")))
    assert found is not None
    return found


def test_a_vote_is_on_the_disk_when_it_is_acknowledged(
    real_assistant: Assistant, records: Records
) -> None:
    async def make() -> FastAPI:  # inside a running loop, else Gradio makes one of its own
        keepers_of = partial(storing, records=records)
        return create_app(real_assistant, SETTINGS, keepers_of=keepers_of)

    with TestClient(asyncio.run(make())) as client:
        said = {
            "question": "and in London?",
            "history": ["How long is a session in the US?"],
            "helpful": False,
            "reason": "I am Jane Doe, ring me on 0161 496 0123",
        }
        assert client.post("/api/feedback", json=said).status_code == 204
        ((_, vote),) = records.votes()
        assert "session" in vote.question
        assert vote.kind is AnswerKind.ANSWER
        assert "0161" not in vote.reason
        assert "Doe" not in vote.reason
        quote = vote.quotes[0]
        page = real_assistant.documents[quote.document]
        assert "two hours" in page.text[quote.start : quote.end]
        danger = {"question": "I want to kill myself", "helpful": True}
        assert client.post("/api/feedback", json=danger).status_code == 204
        assert len(records.votes()) == 1


def test_a_question_asked_in_vain_is_kept_without_who_asked(
    real_assistant: Assistant, records: Records
) -> None:
    answer = real_assistant.ask(IN_VAIN)
    assert answer.kind is AnswerKind.NOT_IN_SOURCES
    with ThreadPoolExecutor(1) as writer:
        current = CurrentAssistant(real_assistant)
        keepers = storing(current, records=records, writer=writer)
        assert keepers.unanswered is not None
        keepers.unanswered(answer)
        keepers.unanswered(replace(answer, kind=AnswerKind.ANSWER))
    ((_, kept),) = records.unanswered()
    assert "cost" in kept.question
    assert "jane" not in kept.question
    assert "0161" not in kept.question


def test_without_records_nothing_is_offered(real_assistant: Assistant) -> None:
    assert not storing(CurrentAssistant(real_assistant), records=None).kept
