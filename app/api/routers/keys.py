"""API keys, and who the caller is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import select

from app.accounts.keys import create_key, load_key, revoke_key
from app.accounts.members import load_member
from app.accounts.roles import Caller, ForbiddenError, Role
from app.accounts.tables import ApiKey
from app.api.authentication import CurrentCaller, needs
from app.api.idempotency import PlaygroundRoute
from app.api.idempotency_claims import claim_secret
from app.api.parameters import Cursor, Limit, Name, Page, example
from app.api.service import CurrentService
from app.context.users.moments import Moment
from configs.errors import NotFoundError
from configs.text import Text
from indexes.database.catalog import page
from indexes.database.engine import now

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=PlaygroundRoute)
LookedAtKeyId = Annotated[Name, Path(description="id of a key", openapi_examples=example("demo-key"))]
KeyId = Annotated[Name, Path(description="id of a key", openapi_examples=example("demo-disposable"))]
EXAMPLES: dict[str, Any] = {
    "viewer": {
        "summary": "For a prototype that reads and asks",
        "value": {"name": "prototype", "member_id": "demo-member", "at_most": "viewer", "only_workspaces": ["demo"]},
    }
}


class NewKeyRequest(BaseModel):
    """A key to make."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Text, StringConstraints(min_length=1, max_length=200)] = Field(description="what it is for")
    member_id: Name | None = Field(None, description="whose it will be; default: the caller's own")
    at_most: Role | None = Field(None, description="the role that it brings at most; default: whatever the member has")
    only_workspaces: list[Name] | None = Field(
        None, min_length=1, max_length=100, description="where it opens anything; default: wherever the member may"
    )
    expires_at: Moment | None = Field(
        None, description="when it ceases to open anything; default: when the key does that makes it"
    )


class KeyView(BaseModel):
    """A key as the API shows it; the key itself is nowhere."""

    id: str
    member_id: str
    name: str
    prefix: str = Field(description="how the key begins")
    state: Literal["good", "expired", "revoked"]
    at_most: Role | None
    only_workspaces: list[str] | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="to the minute")


class MadeKey(KeyView):
    """A key as it is shown once."""

    key: str = Field(description="the key; it is not shown again")


class CallerView(BaseModel):
    """Who the caller is, and what they may."""

    name: str
    member_id: str | None
    key_id: str | None
    is_administrator: bool
    roles: dict[str, Role] = Field(description="the role in each workspace, as this key brings it")


def view_of(key: ApiKey) -> KeyView:
    """Return the key as the API shows it."""
    return KeyView.model_validate(_fields(key))


def _fields(key: ApiKey) -> dict[str, object]:
    expired = key.expires_at is not None and key.expires_at <= now()
    state = "revoked" if key.revoked_at is not None else "expired" if expired else "good"
    return {**{name: getattr(key, name) for name in KeyView.model_fields if name != "state"}, "state": state}


@router.get("/me", summary="Show who the caller is")
@needs("caller")
async def get_me(caller: CurrentCaller) -> CallerView:
    """Return the name and the roles that the request's key brings."""
    roles = {one: role for one in caller.roles if (role := caller.role_in(one)) is not None}
    return CallerView(
        name=caller.name,
        member_id=caller.member_id,
        key_id=caller.key_id,
        is_administrator=caller.may_administrate,
        roles=roles,
    )


@router.post("/keys", status_code=201, summary="Make a key")
@needs("caller")
async def make_key(
    service: CurrentService,
    caller: CurrentCaller,
    response: Response,
    body: Annotated[NewKeyRequest, Body(openapi_examples=EXAMPLES)],
) -> MadeKey:
    """Make a key and show it once. Members make keys of their own; administrators of the installation, anybody's. A key
    that expires makes none that outlives it: the default is its own end, and a later one is refused with 403.

    From the first key on that administrates the installation, the service answers nobody without a key.
    """
    member_id = _owner_of(body, caller)

    def work() -> MadeKey:
        with service.database.write() as session:
            made = create_key(
                session,
                load_member(session, member_id),
                body.name,
                at_most=body.at_most,
                only_workspaces=body.only_workspaces,
                expires_at=body.expires_at,
                maker=None if caller.key_id is None else load_key(session, caller.key_id),
            )
            claim_secret(made.kept.id)
            return MadeKey.model_validate({**_fields(made.kept), "key": made.secret})

    response.headers["Cache-Control"] = "no-store"
    return await service.run(work)


def _owner_of(body: NewKeyRequest, caller: Caller) -> str:
    """Return whose the key will be, having checked that the caller may make it."""
    member_id = body.member_id or caller.member_id
    if member_id is None or member_id != caller.member_id:
        caller.check_administrator()
    elif caller.is_bounded:
        raise ForbiddenError(
            "a key that is bounded makes no keys", hint="use an unbounded key, or ask an administrator for a key"
        )
    if member_id is None:
        raise NotFoundError("member", "of the caller")
    for workspace_id in body.only_workspaces or ():
        if caller.role_in(workspace_id) is None:
            raise NotFoundError("workspace", workspace_id)
    return member_id


@router.get("/keys", summary="List keys")
@needs("caller")
async def get_keys(
    service: CurrentService, caller: CurrentCaller, limit: Limit = 50, cursor: Cursor = None
) -> Page[KeyView]:
    """Return the caller's keys, or everybody's for administrators of the installation, oldest first. A key that is
    bounded to a role or to workspaces sees itself alone.
    """

    def work() -> Page[KeyView]:
        statement = select(ApiKey)
        if caller.is_bounded:
            statement = statement.where(ApiKey.id == caller.key_id)
        elif not caller.may_administrate:
            statement = statement.where(ApiKey.member_id == caller.member_id)
        with service.database.read() as session:
            rows, following = page(session, statement, ApiKey.created_at, ApiKey.id, limit=limit, cursor=cursor)
            return Page(items=[view_of(row[0]) for row in rows], next_cursor=following)

    return await service.run(work)


@router.delete("/keys/{key_id}", status_code=204, summary="Revoke a key")
@needs("caller")
async def delete_key(service: CurrentService, caller: CurrentCaller, key_id: KeyId) -> Response:
    """Let the key open nothing from now on, in every process. Its row stays, so that its use can be looked up.

    Revoking what is revoked, or was never there, changes nothing, and so does another's key; to a key that is bounded,
    every other is another's. The last key that administrates cannot be revoked.
    """

    def work() -> None:
        with service.database.write() as session:
            try:
                key = load_key(session, key_id)
            except NotFoundError:
                return
            if _is_theirs(caller, key):
                revoke_key(session, key_id)

    await service.run(work)
    return Response(status_code=204)


def _is_theirs(caller: Caller, key: ApiKey) -> bool:
    """Tell whether the caller may revoke the key; another one's is, to them, not there."""
    if caller.is_bounded:
        return key.id == caller.key_id
    return caller.may_administrate or key.member_id == caller.member_id
