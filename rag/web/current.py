"""The assistant in use; it is replaced between two answers when its index has changed."""

from __future__ import annotations

import logging
import threading

from rag.assistant import Assistant
from rag.datatypes import RagError

logger = logging.getLogger(__name__)


class CurrentAssistant:
    """Hands out the assistant of the newest index that could be opened."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._lock = threading.Lock()

    def get(self) -> Assistant:
        """The assistant for the next answer; answers under way keep the one they have."""
        with self._lock:
            if not self._assistant.is_current():
                try:
                    self._assistant = self._assistant.reopened()
                except RagError as error:
                    # The old index is whole and in memory: better than no answer.
                    logger.warning("The new index was not adopted: %s", error)
            return self._assistant
