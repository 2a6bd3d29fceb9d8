"""What is refused of a request whatever it asks for: without a key, what other machines and the pages of other services
send; and bodies that are too large or too slow.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem
from configs.errors import PlaygroundError, TooLargeError

GRACE_SECONDS = 30.0
SLOWEST_BYTES_PER_SECOND = 1_000
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
READING = ("GET", "HEAD", "OPTIONS")
PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Via")
MAKE_A_KEY = "make a key with `context-playground keys create --admin`"


class UnknownHostError(PlaygroundError):
    """A request without a key came under a name that is not this machine's."""

    status = 400
    code = "unknown_host"


def check_host(host: str) -> None:
    """Raise UnknownHostError for other host names than this machine's own, so that no page of a browser reaches a
    service without keys by a name of its own (DNS rebinding).
    """
    if _name_of(host) not in LOOPBACK_HOSTS:
        raise UnknownHostError(
            f"without an API key the service answers to this machine only, not to the host {host[:100]!r}",
            hint=f"use one of {', '.join(LOOPBACK_HOSTS)}, or {MAKE_A_KEY}",
        )


class ProxiedWithoutKeyError(PlaygroundError):
    """A proxy passed a request on without a key: whoever reaches the proxy would be taken for this machine's user."""

    status = 403
    code = "proxied_without_key"


def check_direct(headers: Headers) -> None:
    """Raise ProxiedWithoutKeyError for a request that a proxy passed on."""
    found = [name for name in PROXY_HEADERS if name in headers]
    if found:
        raise ProxiedWithoutKeyError(
            f"without an API key the service answers to this machine only, and a proxy passed this on ({found[0]})",
            hint=f"behind a proxy the service needs keys: {MAKE_A_KEY}",
        )


class ForeignOriginError(PlaygroundError):
    """A page of another service wanted to change something without a key."""

    status = 403
    code = "foreign_origin"


def check_origin(request: Request, named_origins: Collection[str]) -> None:
    """Raise ForeignOriginError where a page of another origin than this service's own and the named ones sends what may
    change something: a browser sends forms and files there unasked, and only hides the answer from the page.
    """
    if request.method in READING:
        return
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site", "none")
    if origin in (own, *named_origins) or (origin is None and site in ("none", "same-origin")):
        return
    raise ForeignOriginError(
        f"without an API key, pages of {(origin or 'another site')[:100]!r} may change nothing here",
        hint=f"name the origin in PLAYGROUND_ALLOWED_ORIGINS, or {MAKE_A_KEY}",
    )


class SlowBodyError(PlaygroundError):
    """A body came so slowly that its sender is broken, or means harm."""

    status = 408
    code = "slow_body"


class BodyLimit:
    """Refuses a body over the limit, at once where its Content-Length says so, else when it has come that far; and one
    that comes slower than SLOWEST_BYTES_PER_SECOND after GRACE_SECONDS. Only the time spent waiting for the sender
    counts: a request that waits here for its turn is not slow.
    """

    def __init__(self, app: ASGIApp, limit_bytes: int) -> None:
        self._app = app
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413, or let the application answer; reading too far or for too long raises an error there."""
        waited_seconds, received_bytes, is_whole = 0.0, 0, False

        async def counted() -> Message:
            nonlocal waited_seconds, received_bytes, is_whole
            if is_whole:
                return await receive()  # from then on it waits for the client to go away
            begin = time.monotonic()
            left_seconds = GRACE_SECONDS + received_bytes / SLOWEST_BYTES_PER_SECOND - waited_seconds
            try:
                async with asyncio.timeout(left_seconds):  # unlike wait_for, it never refuses what is here already
                    message = await receive()
            except TimeoutError:
                raise _too_slow(received_bytes, waited_seconds + time.monotonic() - begin) from None
            waited_seconds += time.monotonic() - begin
            received_bytes += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if received_bytes > self._limit_bytes:
                raise self._error(f"more than {self._limit_bytes}")
            return message

        length = Headers(scope=scope).get("content-length", "") if scope["type"] == "http" else ""
        if length.isdecimal() and int(length) > self._limit_bytes:
            error = self._error(length)
            await problem(error.status, error.code, error.detail, error.hint)(scope, receive, send)
        else:
            await self._app(scope, counted if scope["type"] == "http" else receive, send)

    def _error(self, length: str) -> TooLargeError:
        return TooLargeError(
            f"the body has {length} bytes; the limit is {self._limit_bytes}",
            hint="send it in several requests, or raise PLAYGROUND_MAX_UPLOAD_BYTES",
        )


def _too_slow(received_bytes: int, seconds: float) -> SlowBodyError:
    return SlowBodyError(
        f"{received_bytes} bytes of the body came in {seconds:.0f} seconds",
        hint="send it in smaller requests, or over a faster connection",
    )


def _name_of(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
