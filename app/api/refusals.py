"""What is refused before any operation is looked up: foreign host names, and bodies that are too large."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem
from configs.errors import TooLargeError

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")


class LoopbackHosts:
    """Refuses requests for other host names, so that no page of a browser reaches an open service by a name of its own
    (DNS rebinding).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 400, or let the application answer."""
        if scope["type"] == "http":
            host = Headers(scope=scope).get("host", "")
            if _name_of(host) not in LOOPBACK_HOSTS:
                detail = f"without an API key the service answers to this machine only, not to the host {host[:100]!r}"
                hint = f"use one of {', '.join(LOOPBACK_HOSTS)}, or start it with PLAYGROUND_API_KEY"
                await problem(400, "unknown_host", detail, hint)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class BodyLimit:
    """Refuses a body over the limit: at once where its Content-Length says so, else when it has come that far."""

    def __init__(self, app: ASGIApp, limit_bytes: int) -> None:
        self._app = app
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413, or let the application answer; reading too far raises TooLargeError there."""
        received_bytes = 0

        async def counted() -> Message:
            nonlocal received_bytes
            message = await receive()
            received_bytes += len(message.get("body", b""))
            if received_bytes > self._limit_bytes:
                raise self._error(f"more than {self._limit_bytes}")
            return message

        length = Headers(scope=scope).get("content-length", "") if scope["type"] == "http" else ""
        if length.isdecimal() and int(length) > self._limit_bytes:
            error = self._error(length)
            await problem(error.status, error.code, error.detail, error.hint)(scope, receive, send)
        else:
            await self._app(scope, counted, send)

    def _error(self, length: str) -> TooLargeError:
        return TooLargeError(
            f"the body has {length} bytes; the limit is {self._limit_bytes}",
            hint="send it in several requests, or raise PLAYGROUND_MAX_UPLOAD_BYTES",
        )


def _name_of(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
