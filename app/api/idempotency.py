"""The route class of the service: asks for the key, refuses unstorable text, and does what a POST creates only once."""

from __future__ import annotations

import asyncio
import hashlib
import time
from email.message import Message
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import delete
from starlette.exceptions import HTTPException

from app.accounts.roles import Requirement
from app.api.authentication import admit, caller_of, requirement_of
from app.api.checked_request import CheckedRequest
from app.api.idempotency_claims import SECRET, UNANSWERED, Claim, IdempotencyRow, KeyTakenError, claiming, load_answer
from app.api.quotas import Handler, counted, subjects_of
from app.api.service import Service, service_of
from configs.errors import ConflictError, InvalidInputError, PlaygroundError
from configs.log_lines import REQUEST_ID
from configs.strict_json import check_text
from indexes.database.audit import Action, acting
from indexes.database.engine import now

WAIT_SECONDS = 5.0
POLL_SECONDS = 0.1
LONGEST_KEY = 200
PARAMETER: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
    "description": "a name of your own for this request: where it created something, the same request with the same "
    "key gets the same answer again, for a day, and nothing is created twice. No secret and no document text is kept "
    "for that: where an API key was made, 409 names it, and a context is assembled anew",
}


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
            subjects = subjects_of(request.state.caller, request.path_params.get("workspace_id"))
            act = counted(service, subjects, _audited(request, requirement, handle))
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
        request_id=REQUEST_ID.get(),
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
    claim = Claim(hashed_key, request.path_params.get("workspace_id"), await _digest(request))
    lock = service.under_way.setdefault(hashed_key, asyncio.Lock())
    async with lock:
        known = await _answered(service, hashed_key)
        if known is None:
            try:
                return await _claimed(service, request, claim, handle)
            except KeyTakenError:  # by another process, since it was looked up
                known = await _answered(service, hashed_key)
    if known is not None and known.request_sha256 != claim.request_sha256:
        raise InvalidInputError(
            "this Idempotency-Key came with another request before",
            hint="use a new key for a new request",
            code="idempotency_key_reused",
        )
    if known is None or known.status == UNANSWERED:
        raise ConflictError(
            "the request with this Idempotency-Key is under way, or its work was done and its answer was lost",
            hint="wait and send it again; if that does not help, list what there is: nothing was created twice",
            code="idempotency_key_in_use",
        )
    if known.status == SECRET:
        made = known.body.decode()
        raise ConflictError(
            f"the request with this Idempotency-Key made {made}, which was shown once",
            hint=f"where it did not reach you, revoke it (DELETE /v1/keys/{made}) and make one with another "
            "Idempotency-Key",
            code="shown_once",
        )
    return Response(known.body, known.status, {"Idempotency-Replayed": "true"}, known.media_type)


async def _claimed(service: Service, request: Request, claim: Claim, handle: Handler) -> Response:
    """Let `handle` answer, and keep the answer; where there is none to keep, and nothing was made that is shown once,
    the key is free again.
    """
    kept = False
    try:
        with claiming(claim):
            response = await handle(request)
        if _created_something(response):
            await service.run(lambda: _save(service, claim, response))
            kept = True
        return response
    finally:
        if claim.is_made and claim.secret_id is None and not kept:
            await service.run(lambda: _release(service, claim))


async def _answered(service: Service, key: str) -> IdempotencyRow | None:
    """Return what is kept for the key; one that is claimed is waited for, as long as its work usually takes."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        known = await service.run(lambda: _load(service, key))
        if known is None or known.status != UNANSWERED or time.monotonic() > deadline:
            return known
        await asyncio.sleep(POLL_SECONDS)


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


def _load(service: Service, key: str) -> IdempotencyRow | None:
    with service.database.read() as session:
        return load_answer(session, key)


def _save(service: Service, claim: Claim, response: Response) -> None:
    with service.database.write() as session:
        session.merge(
            IdempotencyRow(
                key=claim.key,
                workspace_id=claim.workspace_id,
                request_sha256=claim.request_sha256,
                status=response.status_code,
                media_type=response.media_type or "application/json",
                body=bytes(response.body),
                created_at=now(),
            )
        )


def _release(service: Service, claim: Claim) -> None:
    with service.database.write() as session:
        session.execute(delete(IdempotencyRow).where(IdempotencyRow.key == claim.key))
