"""What is turned away before any route sees it: closed addresses, floods, and what is too large."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.web import texts
from rag.web.doors import own_path
from rag.web.problems import SOON, come_back, problem
from rag.web.rates import Rates

# Room for the longest question and its history, many times over.
MOST_BODY: Final = 64_000
# The page sends the whole conversation with each question: room for some hundred answers.
MOST_CONVERSATION: Final = 1_000_000
_MOST_ADDRESS: Final = 8_000

# What this page uses of Gradio's API. The rest (uploads, file and proxy reading, code editing,
# recordings, direct calls …) is open to anyone who can load a page, so it is closed whole.
_OPEN: Final = frozenset({"queue", "heartbeat", "reset", "cancel", "startup-events"})
_CLOSED_ROOTS: Final = frozenset({"config", "monitoring", "login", "logout", "svelte"})


class Gate:
    """Lets through what is open, small and not too frequent."""

    def __init__(self, app: ASGIApp, *, rates: Rates) -> None:
        self._app = app
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            # Read here, so that no route has to count: none is given more than this.
            most = _most(scope)
            body = await _read(receive, most)
            if body is None:
                return
            if len(body) <= most:
                told = _told_when(send) if _is_asking(scope) else send
                await self._app(scope, _Read(body, receive), told)
                return
            refusal = _too_large(most)
        await refusal(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        path = own_path(scope)
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > _MOST_ADDRESS:
            return problem(414, texts.API_LONG_ADDRESS.format(most=_MOST_ADDRESS))
        if is_closed(path):
            return problem(404, texts.API_NOT_FOUND)
        seconds = self._rates.wait(path.rstrip("/"), (scope.get("client") or ("",))[0])
        if seconds:
            return come_back(429, texts.API_TOO_OFTEN, seconds)
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdecimal() or int(length) > _most(scope):
            return _too_large(_most(scope))
        return None


class _Read:
    """The ``receive`` of a request whose body was read already."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._first: Message | None = {"type": "http.request", "body": body, "more_body": False}
        self._receive = receive

    async def __call__(self) -> Message:
        first, self._first = self._first, None
        return first or await self._receive()


def _most(scope: Scope) -> int:
    """How large the body of a request may be."""
    return MOST_CONVERSATION if _is_asking(scope) else MOST_BODY


def _is_asking(scope: Scope) -> bool:
    """Whether a question on the page is asked."""
    return own_path(scope).rstrip("/") == "/gradio_api/queue/join"


def _told_when(send: Send) -> Send:
    """The ``send`` that also says when to come back, where Gradio's queue is full."""

    async def telling(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 503:
            message["headers"] = [*message["headers"], (b"retry-after", str(SOON).encode())]
        await send(message)

    return telling


async def _read(receive: Receive, most: int) -> bytes | None:
    """The body, or as much of it as proves it too large; None when its sender went away."""
    body = bytearray()
    while len(body) <= most:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return bytes(body)


def _too_large(most: int) -> Response:
    return problem(413, texts.API_TOO_LARGE.format(most=most))


def is_closed(path: str) -> bool:
    """Whether an address is one of Gradio's that nobody needs."""
    parts = [part for part in path.split("/") if part]
    if not parts:
        return False
    if parts[0] == "gradio_api":
        return len(parts) == 1 or parts[1] not in _OPEN
    return parts[0] in _CLOSED_ROOTS
