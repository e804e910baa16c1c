"""The assistant in use; it is replaced between two answers when its index has changed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from rag.assistant import Assistant
from rag.datatypes import Answer, Document, RagError
from rag.web import texts
from rag.web.opening import Opening

logger = logging.getLogger(__name__)


class Asking(Protocol):
    """How a question is asked, with the earlier ones of its conversation."""

    def __call__(self, question: str, history: Sequence[str] = ()) -> Answer:
        """Answer it."""


@dataclass(frozen=True, slots=True)
class Answering:
    """What there is to ask just now: the pages that are answered from, and how to ask."""

    documents: Mapping[str, Document]
    ask: Asking


class CurrentAssistant:
    """Hands out the assistant of the newest index that could be opened."""

    def __init__(self, assistant: Assistant | Opening) -> None:
        self._assistant = assistant
        self._lock = threading.Lock()

    def is_ready(self) -> bool:
        """Whether a question would be answered at once."""
        assistant = self._assistant
        return not isinstance(assistant, Opening) or assistant.is_done()

    def opened(self) -> Assistant:
        """The assistant itself; it is there once anything was answered."""
        assistant = self._assistant
        return assistant.future.result() if isinstance(assistant, Opening) else assistant

    def get(self) -> Answering:
        """What answers next; answers under way keep the index they have."""
        with self._lock:
            if isinstance(self._assistant, Opening):
                if not self._assistant.is_done():
                    return Answering(self._assistant.pages, partial(_ask, self._assistant))
                self._assistant = self._assistant.future.result()
            if not self._assistant.is_current():
                try:
                    self._assistant = self._assistant.reopened()
                except RagError as error:
                    # The old index is whole and in memory: better than no answer.
                    logger.warning("The new index was not adopted: %s", error)
            return Answering(self._assistant.documents, partial(_ask, self._assistant))


def _ask(assistant: Assistant | Opening, question: str, history: Sequence[str] = ()) -> Answer:
    try:
        return assistant.ask(question, history)
    except RagError:
        raise
    except Exception as error:
        # Else Gradio would print its words, and those may be the visitor's.
        raise RagError(texts.TROUBLE) from error
