"""Who is let in: under which names this server answers, and from whose pages it takes orders."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from rag.web import texts
from rag.web.problems import problem

# Of this machine alone; an address cannot be pointed elsewhere as a name can.
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised, not bound
# What a proxy says was read before; from anybody else, Gradio would build its addresses on it.
_CLAIMS: Final = frozenset(
    {b"forwarded", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-prefix",
     b"x-forwarded-port", b"x-gradio-server"}
)  # fmt: skip
_HARMLESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PORTS: Final = {"http": 80, "https": 443}


class TrustedNames:
    """Refuses requests for names that are not this server's.

    A foreign page can point a name of its own at this machine (DNS rebinding) and would then
    be of the same origin as the chat.
    """

    def __init__(self, app: ASGIApp, *, bound: str, names: str) -> None:
        given = {name.strip().strip("[]").casefold() for name in names.split(",")} - {""}
        self._app = app
        self._names = _LOCAL | given | {bound.casefold()}
        self._by_address = bound in _EVERYWHERE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            if not self._answers_to(Headers(scope=scope).get("host", "")):
                await problem(400, texts.API_WRONG_HOST)(scope, receive, send)
                return
            scope["headers"] = [pair for pair in scope["headers"] if pair[0] not in _CLAIMS]
        await self._app(scope, receive, send)

    def _answers_to(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self._names or (self._by_address and _is_address(name))


class SameOrigin:
    """Refuses what changes something unless our own page sent it.

    A script sends neither header; it may use the API, and nothing that belongs to the page.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["method"] not in _HARMLESS and not _is_ours(scope):
            await problem(403, texts.API_WRONG_ORIGIN)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def own_path(scope: Scope) -> str:
    """The path that was asked for, without the one under which a proxy shows the chat."""
    path: str = scope["path"]
    root = scope.get("root_path", "")
    return path.removeprefix(root) if path.startswith(f"{root}/") else path


def _is_ours(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        # A page cannot write this header itself; "none" is typed by the visitor.
        return site in {"same-origin", "none"}
    if origin is not None:
        return _same(origin, headers.get("host", ""))
    return own_path(scope).startswith("/api/")


def _same(origin: str, host: str) -> bool:
    """Whether an origin is the one that was asked; behind a proxy its scheme is not known here."""
    try:
        found = urlsplit(origin)
        asked = urlsplit(f"{found.scheme}://{host}")
        usual = _PORTS.get(found.scheme)
        return usual is not None and (found.hostname, found.port or usual) == (
            asked.hostname,
            asked.port or usual,
        )
    except ValueError:
        return False


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
