"""The route class of the service: refuses unstorable text, and answers a repeated POST with what the first one got."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import LargeBinary, String, delete
from sqlalchemy.orm import Mapped, mapped_column

from app.api.service import Service, service_of
from configs.errors import InvalidInputError
from configs.text import storable
from indexes.database.engine import Base, UtcDateTime, now

KEPT_FOR = timedelta(hours=24)
LONGEST_KEY = 200
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class IdempotencyRow(Base):
    """The answer to a POST that carried an Idempotency-Key, kept for a day."""

    __tablename__ = "idempotency"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    request_sha256: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    media_type: Mapped[str] = mapped_column(String(100))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class CheckedRequest(Request):
    """A request whose JSON holds only text that every database can store."""

    async def json(self) -> Any:
        """Return the body's JSON; raise InvalidInputError where a string or a key in it cannot be stored."""
        value = await super().json()
        if b"\\u" in await self.body():
            _check(value, "body")
        return value


class PlaygroundRoute(APIRoute):
    """Every route of the API."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            request = CheckedRequest(request.scope, request.receive)
            _check(dict(request.query_params), "query")
            _check(request.path_params, "path")
            key = request.headers.get("idempotency-key")
            if key is None or request.method != "POST":
                return await handle(request)
            return await _once(service_of(request), request, key, handle)

        return checked


def _check(value: Any, location: str) -> None:
    if isinstance(value, str):
        try:
            storable(value)
        except ValueError as error:
            raise InvalidInputError(
                f"{location}: {error}", hint="send text without NUL characters and lone surrogates", code="invalid_text"
            ) from None
    elif isinstance(value, dict):
        for name, one in value.items():
            _check(name, f"a key of {location}")
            _check(one, f"{location}.{name}")
    elif isinstance(value, list):
        for position, one in enumerate(value):
            _check(one, f"{location}.{position}")


async def _once(service: Service, request: Request, key: str, handle: Handler) -> Response:
    if not 0 < len(key) <= LONGEST_KEY:
        raise InvalidInputError(
            f"the Idempotency-Key has {len(key)} characters", hint=f"use 1 to {LONGEST_KEY}", code="invalid_key"
        )
    digest = hashlib.sha256(request.url.path.encode() + b"\0" + await request.body()).hexdigest()
    hashed_key = hashlib.sha256(key.encode()).hexdigest()
    known = await service.run(lambda: _load(service, hashed_key))
    if known is not None and known.request_sha256 != digest:
        raise InvalidInputError(
            "this Idempotency-Key came with another request before",
            hint="use a new key for a new request",
            code="idempotency_key_reused",
        )
    if known is not None:
        return Response(known.body, known.status, {"Idempotency-Replayed": "true"}, known.media_type)
    response = await handle(request)
    if response.status_code < 300:
        row = IdempotencyRow(
            key=hashed_key,
            request_sha256=digest,
            status=response.status_code,
            media_type=response.media_type or "application/json",
            body=bytes(response.body),
        )
        await service.run(lambda: _save(service, row))
    return response


def _load(service: Service, key: str) -> IdempotencyRow | None:
    with service.database.read() as session:
        row = session.get(IdempotencyRow, key)
        return row if row is not None and row.created_at > now() - KEPT_FOR else None


def _save(service: Service, row: IdempotencyRow) -> None:
    with service.database.write() as session:
        session.execute(delete(IdempotencyRow).where(IdempotencyRow.created_at < now() - KEPT_FOR))
        session.merge(row)
