"""The route class of the service: asks for the key, refuses unstorable text, and does what a POST creates only once."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from email.message import Message
from http import HTTPStatus
from typing import Any
from weakref import WeakValueDictionary

from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import ForeignKey, LargeBinary, String, delete
from sqlalchemy.orm import Mapped, mapped_column
from starlette.exceptions import HTTPException

from app.accounts.roles import Requirement
from app.api.authentication import admit, caller_of, requirement_of
from app.api.checked_request import CheckedRequest, check_text
from app.api.service import Service, service_of
from configs.errors import InvalidInputError, PlaygroundError
from indexes.database.audit import Action, acting
from indexes.database.engine import Base, UtcDateTime, now

KEPT_FOR = timedelta(hours=24)
LONGEST_KEY = 200
PARAMETER: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
    "description": "a name of your own for this request: where it created something, the same request with the same "
    "key gets the same answer again, for a day, and nothing is created twice",
}
Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_under_way: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


class IdempotencyRow(Base):
    """The answer to a POST that carried an Idempotency-Key and created something; it goes with its workspace."""

    __tablename__ = "idempotency"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    workspace_id: Mapped[str | None] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    request_sha256: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    media_type: Mapped[str] = mapped_column(String(100))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class PlaygroundRoute(APIRoute):
    """Every route of the API but health."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        if "POST" in (self.methods or ()):
            self.openapi_extra = {**(self.openapi_extra or {}), "parameters": [PARAMETER]}
        requirement = requirement_of(self.endpoint, self.methods or set())
        self.openapi_extra = {**(self.openapi_extra or {}), "x-required-role": requirement}

    def get_route_handler(self) -> Handler:
        """Return the handler of the route with what every route does before it."""
        handle = super().get_route_handler()
        requirement = requirement_of(self.endpoint, self.methods or set())

        async def checked(request: Request) -> Response:
            service = service_of(request)
            request.state.caller = await admit(service, request, requirement)
            request = CheckedRequest(request.scope, request.receive)
            for name, value in request.query_params.multi_items():
                check_text({name: value}, "query")
            act = _audited(request, requirement, handle)
            key = request.headers.get("idempotency-key")
            try:
                if key is None or request.method != "POST":
                    return await act(request)
                return await _once(service, request, key, act)
            except HTTPException as error:  # FastAPI's wrapping of what reading the JSON raised
                if isinstance(error.__cause__, PlaygroundError):
                    raise error.__cause__ from None
                raise

        return checked


def _audited(request: Request, requirement: Requirement, handle: Handler) -> Handler:
    """Return the handler, which lets the audit log know whose changes its are; what a viewer may do changes nothing."""
    if request.method == "GET" or requirement == "viewer":
        return handle
    caller = caller_of(request)
    action = Action(
        who=caller.name,
        member_id=caller.member_id,
        key_id=caller.key_id,
        operation=f"{request.method} {request.scope['route'].path}",
        workspace_id=request.path_params.get("workspace_id"),
        objects=request.path_params,
    )

    async def handle_audited(checked: Request) -> Response:
        with acting(action):
            return await handle(checked)

    return handle_audited


async def _once(service: Service, request: Request, key: str, handle: Handler) -> Response:
    """Answer as the same request with this key was answered before; else let `handle` answer, one at a time."""
    if not 0 < len(key) <= LONGEST_KEY:
        raise InvalidInputError(
            f"the Idempotency-Key has {len(key)} characters", hint=f"use 1 to {LONGEST_KEY}", code="invalid_key"
        )
    hashed_key = hashlib.sha256(f"{caller_of(request).key_id or ''}\0{key}".encode()).hexdigest()
    digest = await _digest(request)
    lock = _under_way.setdefault(hashed_key, asyncio.Lock())
    async with lock:
        known = await service.run(lambda: _load(service, hashed_key))
        if known is None:
            response = await handle(request)
            if _created_something(response):
                row = _row(request, hashed_key, digest, response)
                await service.run(lambda: _save(service, row))
            return response
    if known.request_sha256 != digest:
        raise InvalidInputError(
            "this Idempotency-Key came with another request before",
            hint="use a new key for a new request",
            code="idempotency_key_reused",
        )
    return Response(known.body, known.status, {"Idempotency-Replayed": "true"}, known.media_type)


async def _digest(request: Request) -> str:
    """Return a hash of the request that does not depend on how a client separates the parts of a form."""
    body = await request.body()
    content_type = Message()
    content_type["content-type"] = request.headers.get("content-type", "")
    boundary = content_type.get_boundary()
    if boundary:
        body = body.replace(boundary.encode(), b"")
    return hashlib.sha256(f"{request.url.path}?{request.url.query}\0".encode() + body).hexdigest()


def _created_something(response: Response) -> bool:
    """Tell whether to keep the answer: not that of a search, which writes nothing, and never one with document text."""
    is_private = "no-store" in response.headers.get("cache-control", "")
    return response.status_code in (HTTPStatus.CREATED, HTTPStatus.ACCEPTED) and not is_private


def _row(request: Request, hashed_key: str, digest: str, response: Response) -> IdempotencyRow:
    return IdempotencyRow(
        key=hashed_key,
        workspace_id=request.path_params.get("workspace_id"),
        request_sha256=digest,
        status=response.status_code,
        media_type=response.media_type or "application/json",
        body=bytes(response.body),
    )


def _load(service: Service, key: str) -> IdempotencyRow | None:
    with service.database.read() as session:
        row = session.get(IdempotencyRow, key)
        return row if row is not None and row.created_at > now() - KEPT_FOR else None


def _save(service: Service, row: IdempotencyRow) -> None:
    with service.database.write() as session:
        session.execute(delete(IdempotencyRow).where(IdempotencyRow.created_at < now() - KEPT_FOR))
        session.merge(row)
