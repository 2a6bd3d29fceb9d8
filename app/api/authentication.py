"""Who sends a request, and whether they may: decided before anything of the request is read."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.keys import find_caller, is_closed, is_use_due, note_use
from app.accounts.quotas import Subject, limits_of
from app.accounts.roles import ENVIRONMENT_KEY, ON_THIS_MACHINE, ROLES, Caller, Requirement
from app.api.quotas import subjects_of
from app.api.refusals import check_direct, check_host, check_origin
from app.api.service import Service
from configs.errors import NotFoundError, PlaygroundError
from configs.settings import Settings
from configs.strict_json import check_text
from indexes.database.tables import Job

Answer = TypeVar("Answer")
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

bearer = HTTPBearer(
    auto_error=False,
    description="an API key: one of `POST /v1/keys` or `context-playground keys create`, or that of PLAYGROUND_API_KEY",
)


class UnauthorizedError(PlaygroundError):
    """The service has keys, and the request carries none that is good at present."""

    status = 401
    code = "unauthorized"


def needs(requirement: Requirement) -> Callable[[Endpoint], Endpoint]:
    """Declare what an operation needs, where it is not what its method says: a GET the role viewer in the workspace of
    its path, everything else the role editor.
    """

    def declare(endpoint: Endpoint) -> Endpoint:
        endpoint.required = requirement  # type: ignore[attr-defined]  # read by `requirement_of`
        return endpoint

    return declare


def requirement_of(endpoint: Callable[..., Any], methods: set[str]) -> Requirement:
    """Return what an operation needs."""
    declared: Requirement | None = getattr(endpoint, "required", None)
    return declared or ("viewer" if methods <= {"GET"} else "editor")


async def admit(service: Service, request: Request, requirement: Requirement) -> Caller:
    """Return who sends the request, having checked that they may.

    Raises UnauthorizedError without a good key, ForbiddenError for too small a role, and NotFoundError where the caller
    has no role in the workspace, as if it were not there. Keys and roles are read anew with each request, so that a
    change is felt at once in every process.
    """
    secret = await _secret(request)
    caller = await service.run(lambda: _admit(service, secret, requirement, request.path_params))
    if caller is ON_THIS_MACHINE:
        check_direct(request.headers)
        check_host(request.headers.get("host", ""))
        check_origin(request, service.settings.named_origins)
    return caller


async def read_on(
    service: Service, request: Request, requirement: Requirement, read: Callable[[Session], Answer]
) -> Answer:
    """Return more of an answer that takes long, or raise as `admit` does where whoever was admitted to it may not read
    on; count nothing. Whether they may and what they read is one unit of work.
    """
    secret = await _secret(request)

    def work() -> Answer:
        with service.database.read() as session:
            _check(session, _find(session, service.settings, secret), requirement, request.path_params)
            return read(session)

    return await service.run(work)


def caller_of(request: Request) -> Caller:
    """Return who sends the request."""
    caller: Caller = request.state.caller
    return caller


CurrentCaller = Annotated[Caller, Depends(caller_of)]


async def _secret(request: Request) -> str:
    given = await bearer(request)
    return given.credentials if given is not None else ""


def _admit(service: Service, secret: str, requirement: Requirement, path: Mapping[str, str]) -> Caller:
    with service.database.read() as session:
        caller = _find(session, service.settings, secret)
        check_text(dict(path), "path")
        _check(session, caller, requirement, path)
        limits = {} if requirement == "installation" else _limits(session, caller, path.get("workspace_id"))
        is_due = caller.key_id is not None and is_use_due(session, caller.key_id)
    if is_due and caller.key_id is not None:
        with service.database.write() as session:
            note_use(session, caller.key_id)
    service.allowance.admit(service.database, limits)
    return caller


def _limits(session: Session, caller: Caller, workspace_id: str | None) -> dict[Subject, int]:
    found = limits_of(session, subjects_of(caller, workspace_id), "requests_per_minute")
    return {subject: limit for (subject, _), limit in found.items()}


def _find(session: Session, settings: Settings, secret: str) -> Caller:
    expected = settings.api_key.get_secret_value()
    if expected and secrets.compare_digest(secret.encode("utf-8", "surrogateescape"), expected.encode()):
        return ENVIRONMENT_KEY
    caller = find_caller(session, secret) if secret else None
    if caller is None and not secret and not expected and settings.is_loopback and not is_closed(session):
        return ON_THIS_MACHINE
    if caller is None:
        raise UnauthorizedError(
            "the request carries no API key that is good at present",
            hint="send `Authorization: Bearer <key>` with that of PLAYGROUND_API_KEY, or with a key of this "
            "installation that is neither expired nor revoked; `context-playground keys create` makes one",
        )
    return caller


def _check(session: Session, caller: Caller, requirement: Requirement, path: Mapping[str, str]) -> None:
    if requirement == "caller":
        return
    if requirement == "installation":
        caller.check_administrator()
        return
    assert requirement in ROLES
    if "workspace_id" in path:
        if not caller.check_role(requirement, path["workspace_id"]):
            raise NotFoundError("workspace", path["workspace_id"])
    elif not _has_role_for_job(session, caller, requirement, path["job_id"]):
        raise NotFoundError("job", path["job_id"])


def _has_role_for_job(session: Session, caller: Caller, requirement: Any, job_id: str) -> bool:
    """Tell whether the caller has a role where the job works; one of no workspace is the administrators'."""
    if caller.may_administrate:
        return True
    workspace_id = session.scalar(select(Job.workspace_id).where(Job.id == job_id))
    return workspace_id is not None and caller.check_role(requirement, workspace_id)
