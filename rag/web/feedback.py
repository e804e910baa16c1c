"""Whether an answer helped, tied to what we answer and not to what a browser claims."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import FastAPI, Response
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.concurrency import run_in_threadpool

from rag.datatypes import Answer, AnswerKind
from rag.web.current import CurrentAssistant

# What stores an answer, whether it helped, and why not ("" where no reason was given).
Keep = Callable[[Answer, bool, str], None]

_MOST_REASON: Final = 500
_MOST_HISTORY: Final = 6
_ASKED_ABOUT: Final = frozenset(
    {AnswerKind.ANSWER, AnswerKind.NOT_IN_SOURCES, AnswerKind.MEDICAL_ADVICE}
)
_Words = Annotated[str, StringConstraints(max_length=2_000)]


@dataclass(frozen=True, slots=True)
class Keepers:
    """What stores visitors' words, where anything does.

    ``feedback`` stores what is said about an answer, ``unanswered`` an answer whose question
    the pages are silent about. None of them raises anything but a ``RagError``. It is kept
    for so many ``days``.
    """

    feedback: Keep | None = None
    unanswered: Callable[[Answer], None] | None = None
    days: int = 30

    @property
    def kept(self) -> int:
        """For how many days something is stored, 0 where nothing is."""
        return self.days if self.feedback or self.unanswered else 0


class Feedback(BaseModel):
    """What the page sends when a visitor says whether an answer helped."""

    model_config = ConfigDict(extra="forbid", strict=True)

    question: _Words
    history: list[_Words] = []
    helpful: bool
    reason: Annotated[str, StringConstraints(max_length=_MOST_REASON)] = ""


def add_feedback_route(app: FastAPI, current: CurrentAssistant, keep: Keep | None) -> None:
    """Take feedback at ``api/feedback``; without ``keep`` there is no such address."""
    if keep is None:
        return

    @app.post("/api/feedback", status_code=204, response_class=Response, include_in_schema=False)
    async def feedback(said: Feedback) -> None:
        await run_in_threadpool(_keep, current, said, keep)


def _keep(current: CurrentAssistant, said: Feedback, keep: Keep) -> None:
    """Ask again, so that what is stored is our own answer; words of danger are not stored."""
    answer = current.get().ask(said.question, said.history[-_MOST_HISTORY:])
    ordinary = answer.kind is AnswerKind.MEDICAL_ADVICE or answer.notice is None
    if answer.kind in _ASKED_ABOUT and ordinary:
        keep(answer, said.helpful, said.reason.strip() if not said.helpful else "")
