"""Who is answered: with an API key, who sends it; without one, who names this machine as its host."""

from __future__ import annotations

import secrets
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import problem
from app.api.service import CurrentService
from configs.errors import PlaygroundError

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")

bearer = HTTPBearer(
    auto_error=False, description="the key of PLAYGROUND_API_KEY, where the service was started with one"
)


class UnauthorizedError(PlaygroundError):
    """The service was started with an API key, and the request does not carry it."""

    status = 401
    code = "unauthorized"


def require_key(
    service: CurrentService, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> None:
    """Raise UnauthorizedError unless the request carries the key, or none is set."""
    expected = service.settings.api_key.get_secret_value()
    if not expected:
        return
    given = credentials.credentials if credentials is not None else ""
    if not secrets.compare_digest(given.encode(), expected.encode()):
        raise UnauthorizedError(
            "the request carries no valid API key", hint="send `Authorization: Bearer <PLAYGROUND_API_KEY>`"
        )


class LoopbackHosts:
    """Refuses requests for other host names, so that no page of a browser reaches an open service by a name of its own
    (DNS rebinding).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            host = Headers(scope=scope).get("host", "")
            if _name_of(host) not in LOOPBACK_HOSTS:
                detail = f"without an API key the service answers to this machine only, not to the host {host[:100]!r}"
                hint = f"use one of {', '.join(LOOPBACK_HOSTS)}, or start it with PLAYGROUND_API_KEY"
                await problem(400, "unknown_host", detail, hint)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _name_of(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
