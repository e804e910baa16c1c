"""An assistant that is opened while the page is up already: questions wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from rag.assistant import Assistant, readable
from rag.compose import answer_text
from rag.datatypes import (
    Answer,
    AnswerKind,
    Document,
    InputError,
    RagError,
    Receipt,
    Triage,
    TriageKind,
)
from rag.triage import gives_help, read_triage_table
from rag.web import texts

# How long a question waits for the models; most proxies wait a minute for an answer.
_PATIENCE: Final = 40.0
# Asked once before anybody is answered: the first answer of a model takes longest.
_WARM_UP: Final = "How long does it take?"


class BusyError(InputError):
    """The question cannot be taken now; the words say what to do."""


@dataclass(frozen=True, slots=True)
class Opening:
    """An assistant that will be there soon."""

    future: Future[Assistant]
    pages: Mapping[str, Document]
    region: str
    patience: float = _PATIENCE

    def is_done(self) -> bool:
        """Whether the assistant is there."""
        return self.future.done() and self.future.exception() is None

    def ask(self, question: str, history: Sequence[str] = ()) -> Answer:
        """Answer once the assistant is there; somebody in danger does not wait for it.

        Raises:
            BusyError: it is not there in time; words that may speak of danger get whom to call.
        """
        table = read_triage_table(region=self.region)
        triage = table.read(readable(question))
        if triage.kind is TriageKind.DANGER and not self.is_done():
            return _help(question, triage, table.version)
        try:
            assistant = self.future.result(self.patience)
        except (TimeoutError, RagError) as error:
            notice = triage.notice if gives_help(triage.rule) else ""
            raise BusyError(f"{notice}\n{texts.API_NOT_READY}".strip()) from error
        return assistant.ask(question, history)


def _help(question: str, triage: Triage, table: str) -> Answer:
    """Whom to call, as the assistant would say it."""
    words = readable(question)
    return Answer(
        question=words,
        standalone_question=words,
        kind=AnswerKind.CRISIS,
        text=answer_text((), triage.notice, ""),
        statements=(),
        notice=triage.notice,
        probability=None,
        sources_differ=False,
        suggestions=(),
        receipt=Receipt("", "", table, rule=triage.rule),
        milliseconds=0.0,
    )


def open_beside(
    future: Future[Assistant], make: Callable[[], Assistant], *, failed: Callable[[], None]
) -> None:
    """Open an assistant in a thread of its own and have it answer once."""

    def run() -> None:
        try:
            assistant = make()
            assistant.ask(_WARM_UP)
        except BaseException as error:  # noqa: BLE001 - handed to whoever asks for the result
            future.set_exception(error)
            failed()
        else:
            future.set_result(assistant)

    # A stop of the server does not wait for models.
    threading.Thread(target=run, name="opening", daemon=True).start()
