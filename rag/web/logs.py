"""The server's log: a JSON object a line, with nothing that a visitor typed and no addresses."""

from __future__ import annotations

import io
import json
import logging
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from datetime import UTC, datetime
from typing import Final, TextIO

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.datatypes import RagError

requests = logging.getLogger("rag.web.requests")
logger = logging.getLogger(__name__)

# Whose messages are known to hold nothing of a visitor's. Of others only their place is told.
_TRUSTED: Final = ("rag", "uvicorn")
_FIELDS: Final = "fields"
# Somebody was sent away for the server's own reasons, or met a fault of it.
_LEVELS: Final = {503: logging.WARNING, 500: logging.ERROR}


@contextmanager
def written_to(stream: TextIO, *, level: str) -> Iterator[None]:
    """Write the log of everything in this process to ``stream``, and mute what libraries print.

    Gradio prints the traceback of what fails inside it, with what it was given.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    try:
        with redirect_stderr(_Muted()):
            yield
    finally:
        logging.captureWarnings(capture=False)
        root.setLevel(before[0])
        root.handlers[:] = before[1]


class JsonLines(logging.Formatter):
    """One log record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Write what is safe to keep: of an error where it was and of what kind, not its words."""
        trusted = record.name.split(".")[0] in _TRUSTED
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage() if trusted else f"a message of {record.name}",
            "at": f"{record.name}:{record.lineno}",
            **getattr(record, _FIELDS, {}),
        }
        if record.exc_info and record.exc_info[1]:
            line["error"] = list(_causes(record.exc_info[1]))
        return json.dumps(line, ensure_ascii=False)


class RequestLog:
    """Logs each request by its route's template, never by its address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            fields = {
                "method": scope["method"],
                # Filled in by the router; what was turned away before it has none.
                "route": getattr(scope.get("route"), "path", None),
                "status": status,
                "milliseconds": round((time.perf_counter() - started) * 1000, 1),
            }
            requests.log(_LEVELS.get(status, logging.INFO), "request", extra={_FIELDS: fields})


class _Muted(io.TextIOBase):
    """A standard error that keeps nothing but that something was printed."""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if text.startswith("Traceback"):
            logger.error("A library printed an error; its words are left out.")
        return len(text)


def _causes(error: BaseException) -> Iterator[dict[str, object]]:
    """An error and what led to it: kinds and places, and words only where they are our own."""
    next_: BaseException | None = error
    while next_ is not None:
        frames = traceback.extract_tb(next_.__traceback__)
        found: dict[str, object] = {
            "kind": type(next_).__name__,
            "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        }
        if isinstance(next_, RagError):
            found["words"] = str(next_)
        yield found
        next_ = next_.__cause__ or next_.__context__
