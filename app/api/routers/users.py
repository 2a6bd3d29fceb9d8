"""Users: the people of your own product for whom contexts are assembled."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from app.api.authentication import needs
from app.api.examples_users import USER_CHANGES, USERS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import (
    Cursor,
    DisposableUserId,
    Limit,
    Name,
    Page,
    UserId,
    WorkspaceId,
    example,
)
from app.api.routers.facts import FactView
from app.api.service import CurrentService
from app.context.users.held import held_on
from app.context.users.known import Preferences, UserName, count_memories, facts_of, groups_of, preferences_of
from app.context.users.moments import Moment
from app.context.users.registration import change_user, find_user, hide_user, list_users, put_user
from app.context.users.tables import UserRow
from indexes.database.catalog import load_workspace
from indexes.database.engine import now

router = APIRouter(prefix="/v1/workspaces/{workspace_id}/users", tags=["users"], route_class=PlaygroundRoute)
Groups = Annotated[list[Name], Field(max_length=100, description="names of groups of the workspace")]


class NewUser(BaseModel):
    """A user to create, or to replace."""

    model_config = ConfigDict(extra="forbid")

    groups: Groups = Field(default_factory=list)
    preferences: Preferences = Field(default_factory=Preferences)
    opted_out: bool = Field(False, description="true: contexts are those of nobody, and nothing more is recorded")


class UserChange(BaseModel):
    """What to change about a user."""

    model_config = ConfigDict(extra="forbid")

    groups: Groups | None = None
    preferences: Preferences | None = Field(None, description="all of them; what is left out is not preferred any more")
    opted_out: bool | None = None


class UserSummary(BaseModel):
    """A user in a listing."""

    id: str
    groups: list[str]
    opted_out: bool
    created_at: datetime
    updated_at: datetime


class UserView(UserSummary):
    """A user with profile and preferences as of one moment; groups and opt-out are those of now."""

    preferences: Preferences
    facts: list[FactView]
    memories: int = Field(description="how many memories hold; GET …/memories lists them")
    as_of: datetime


class UserExport(BaseModel):
    """Everything that is held on a user."""

    workspace_id: str
    user_id: str
    exported_at: datetime
    held: dict[str, list[dict[str, Any]]] = Field(description="rows by table, superseded and hidden ones included")


def view_of(session: Session, row: UserRow, moment: datetime) -> UserView:
    """Return the user as the API shows it, as of a moment."""
    mine = (session, row.workspace_id, row.id)
    facts = facts_of(*mine, valid_at=moment, known_at=moment)
    return UserView(
        id=row.id, groups=list(groups_of(*mine)), opted_out=row.opted_out, created_at=row.created_at,
        updated_at=row.updated_at, preferences=preferences_of(*mine, moment),
        facts=[FactView.model_validate(fact) for fact in facts], memories=count_memories(*mine, moment), as_of=moment,
    )  # fmt: skip


@router.get("", summary="List users")
async def get_users(
    service: CurrentService,
    workspace_id: WorkspaceId,
    group: Annotated[Name | None, Query(description="only members of this group")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[UserSummary]:
    """Return users, oldest first."""

    def work() -> Page[UserSummary]:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            rows, following = list_users(session, workspace_id, limit=limit, cursor=cursor, group=group)
        items = [
            UserSummary(
                id=row.id, groups=groups, opted_out=row.opted_out, created_at=row.created_at, updated_at=row.updated_at
            )
            for row, groups in rows
        ]
        return Page(items=items, next_cursor=following)

    return await service.run(work)


@router.put(
    "/{user_id}", summary="Create or replace a user", response_model_exclude_unset=True,
    responses={201: {"model": UserView}},
)  # fmt: skip
async def replace_user(
    service: CurrentService,
    workspace_id: WorkspaceId,
    user_id: Annotated[UserName, Path(description="id of a user, as you know it", openapi_examples=example("dana"))],
    response: Response,
    body: Annotated[NewUser, Body(openapi_examples=USERS)],
) -> UserView:
    """Create the user (201), or replace groups, preferences and opt-out (200); facts and memories stay as they are.

    A field of `preferences` that is left out is taken from the workspace's. A deleted user is refused with 409 until
    it is erased.
    """

    def work() -> tuple[UserView, bool]:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            row, is_new = put_user(
                session, workspace_id, user_id, groups=body.groups, preferences=body.preferences,
                opted_out=body.opted_out,
            )  # fmt: skip
            return view_of(session, row, now()), is_new

    view, is_new = await service.run(work)
    response.status_code = 201 if is_new else 200
    return view


@router.get("/{user_id}", summary="Show a user", response_model_exclude_unset=True)
async def get_user(
    service: CurrentService,
    workspace_id: WorkspaceId,
    user_id: UserId,
    as_of: Annotated[Moment | None, Query(description="what was recorded by then, and true then; default: now")] = None,
) -> UserView:
    """Return the user with the profile as of a moment; groups and opt-out are those of now."""

    def work() -> UserView:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            return view_of(session, find_user(session, workspace_id, user_id), as_of or now())

    return await service.run(work)


@router.patch("/{user_id}", summary="Change a user", response_model_exclude_unset=True)
async def patch_user(
    service: CurrentService,
    workspace_id: WorkspaceId,
    user_id: UserId,
    body: Annotated[UserChange, Body(openapi_examples=USER_CHANGES)],
) -> UserView:
    """Change groups, preferences or opt-out; a field left out stays as it is."""

    def work() -> UserView:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            row = find_user(session, workspace_id, user_id)
            change_user(session, row, groups=body.groups, preferences=body.preferences, opted_out=body.opted_out)
            return view_of(session, row, now())

    return await service.run(work)


@router.get("/{user_id}/export", summary="Export what is held on a user")
@needs("admin")
async def export_user(service: CurrentService, workspace_id: WorkspaceId, user_id: UserId) -> UserExport:
    """Return every row that is held on the user, superseded, dismissed and hidden ones too; also of a deleted user."""

    def work() -> UserExport:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            held = held_on(session, workspace_id, user_id)
        return UserExport(workspace_id=workspace_id, user_id=user_id, exported_at=now(), held=held)

    return await service.run(work)


@router.delete("/{user_id}", status_code=204, summary="Delete a user")
@needs("admin")
async def remove_user(service: CurrentService, workspace_id: WorkspaceId, user_id: DisposableUserId) -> Response:
    """Hide the user at once: contexts are those of nobody. The rows stay until they are erased.

    Deleting what is not there changes nothing.
    """

    def work() -> Response:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            hide_user(session, workspace_id, user_id)
        return Response(status_code=204)

    return await service.run(work)
