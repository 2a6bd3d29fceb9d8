"""The API key: where one is set, every request needs it."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.api.service import CurrentService
from configs.errors import PlaygroundError

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
