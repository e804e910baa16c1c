"""What visitors say of answers, and what they asked in vain, written down beside the answers."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, datetime

from rag.assistant import Assistant
from rag.datatypes import Answer, RecordsError
from rag.keeping import Keeping, open_keeping
from rag.records.store import Records
from rag.web.current import CurrentAssistant
from rag.web.feedback import Keepers

logger = logging.getLogger(__name__)
_HOUR = 3600.0


async def purge_hourly(records: Records) -> None:
    """Delete what is too old, also where nobody asks anything; until cancelled."""
    while True:
        await asyncio.sleep(_HOUR)
        try:
            await asyncio.to_thread(records.purge)
        except RecordsError as error:
            logger.warning("%s", error)


def storing(
    current: CurrentAssistant, *, records: Records | None, writer: Executor | None = None
) -> Keepers:
    """What stores into ``records``, beside the answers in ``writer``; nothing without records."""
    if records is None:
        return Keepers()
    book = _Book(current, records, writer or ThreadPoolExecutor(1, "records"))
    return Keepers(book.vote, book.asked_in_vain, records.days)


class _Book:
    """Writes down what may be kept of answers.

    A vote is on the disk when this returns; a question asked in vain is written in a thread
    of its own, for no visitor waits for that.
    """

    def __init__(self, current: CurrentAssistant, records: Records, writer: Executor) -> None:
        self._current = current
        self._records = records
        self._writer = writer
        self._lock = threading.Lock()
        self._made: tuple[Assistant, Keeping] | None = None

    def vote(self, answer: Answer, helpful: bool, reason: str) -> None:  # noqa: FBT001 - a Keep
        """Keep whether an answer helped.

        Raises:
            RagError: it cannot be written.
        """
        keeping = self._keeping()
        vote = keeping.vote_from(answer, helpful=helpful, reason=reason, now=datetime.now(UTC))
        if vote is not None:
            self._records.add(vote)

    def asked_in_vain(self, answer: Answer) -> None:
        """Keep the question of an answer that says the pages are silent."""
        self._writer.submit(self._write, answer)

    def _write(self, answer: Answer) -> None:
        try:
            self._records.keep(self._keeping().unanswered_from(answer, now=datetime.now(UTC)))
        except Exception:
            # Nobody waits for this thread's result: without a line nobody would know.
            logger.exception("A question could not be kept.")

    def _keeping(self) -> Keeping:
        """What decides what is kept, made anew for each index: it knows that one's words."""
        assistant = self._current.opened()
        with self._lock:
            if self._made is None or self._made[0] is not assistant:
                self._made = assistant, open_keeping(assistant)
            return self._made[1]
