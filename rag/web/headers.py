"""What every response carries (pure ASGI)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.web.doors import own_path

# Styles are written inline by Gradio; scripts run only with the nonce of this response.
_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; "
    "frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
)
_FIXED: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), browsing-topics=()"),
)
_SCRIPT: Final = re.compile(rb"<script(?=[\s>])")
# Gradio's own picture and words for link previews; the picture is on another host.
_PREVIEW: Final = re.compile(rb'<meta\s+(?:property|name)="(?:og|twitter):[^>]*>')
# Gradio's built files: their names end with a digest of what is in them.
_HASHED: Final = re.compile(r"/assets/[^/]+-[\w-]{8,10}\.\w+")
_FOR_EVER: Final = (b"cache-control", b"public, max-age=31536000, immutable")
# Ours keep their names: asked for again on each visit, and mostly answered "not modified".
_ASK_AGAIN: Final = (b"cache-control", b"no-cache")


class SecurityHeaders:
    """Adds the security headers, and the script nonce to HTML documents."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        _refuse_compression(scope)
        sealed = _Sealed(send, secrets.token_urlsafe(18), _keeping(own_path(scope)))
        await self._app(scope, receive, sealed)


class _Sealed:
    """The ``send`` of one response: HTML is held back until whole, the rest flows."""

    def __init__(self, send: Send, nonce: str, keeping: tuple[tuple[bytes, bytes], ...]) -> None:
        self._send = send
        self._nonce = nonce
        self._keeping = keeping
        self._held: Message | None = None
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._add_headers(message)
            if _is_plain_html(message["headers"]):
                self._held = message
                return
        elif message["type"] == "http.response.body" and self._held is not None:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._release(self._held)
            return
        await self._send(message)

    def _add_headers(self, message: Message) -> None:
        policy = _POLICY.format(nonce=self._nonce).encode("ascii")
        message["headers"] = [
            *message.get("headers", ()),
            *_FIXED,
            (b"content-security-policy", policy),
        ]
        if message["status"] in {200, 304}:
            message["headers"] += self._keeping

    async def _release(self, start: Message) -> None:
        # Unquoted, so that it is also harmless where "<script" stands inside a JSON text.
        opening = b"<script nonce=" + self._nonce.encode("ascii")
        body = _SCRIPT.sub(lambda _: opening, _PREVIEW.sub(b"", bytes(self._body)))
        replaced = {b"content-length", b"cache-control", b"etag"}
        start["headers"] = [
            *((name, value) for name, value in start["headers"] if name.lower() not in replaced),
            (b"content-length", str(len(body)).encode("ascii")),
            (b"cache-control", b"no-store"),
        ]
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _is_plain_html(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    named = {name.lower(): value for name, value in headers}
    html = named.get(b"content-type", b"").startswith(b"text/html")
    return html and b"content-encoding" not in named


def _keeping(path: str) -> tuple[tuple[bytes, bytes], ...]:
    """How long a browser may keep a file."""
    if _HASHED.fullmatch(path):
        return (_FOR_EVER,)
    return (_ASK_AGAIN,) if path.startswith("/ui/") else ()


def _refuse_compression(scope: Scope) -> None:
    """Take back the leave to compress a document: it is rewritten on its way."""
    named = dict(scope["headers"])
    if own_path(scope) == "/" or b"text/html" in named.get(b"accept", b""):
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
