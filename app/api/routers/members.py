"""Members of the installation, and the roles they have in a workspace."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Path, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import select

from app.accounts.members import (
    add_member,
    change_member,
    list_roles,
    load_member,
    put_role,
    remove_member,
    remove_role,
)
from app.accounts.roles import Role
from app.accounts.tables import Member, Membership
from app.api.authentication import needs
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import Cursor, Limit, Name, Page, WorkspaceId, example
from app.api.service import CurrentService
from configs.text import Text
from indexes.database.catalog import page

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=PlaygroundRoute)
MemberName = Annotated[Text, StringConstraints(min_length=1, max_length=200, pattern=r"\S")]
MemberId = Annotated[Name, Path(description="id of a member", openapi_examples=example("demo-member"))]
DisposableMemberId = Annotated[Name, Path(description="id of a member", openapi_examples=example("demo-disposable"))]


class NewMember(BaseModel):
    """Somebody, or something, that will call the service."""

    model_config = ConfigDict(extra="forbid")

    name: MemberName
    is_administrator: bool = Field(False, description="may do everything, in every workspace")


class MemberChange(BaseModel):
    """What to change about a member; a field left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    name: MemberName | None = None
    is_administrator: bool | None = None


class MemberView(BaseModel):
    """A member as the API shows it."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    is_administrator: bool
    created_at: datetime


class NewRole(BaseModel):
    """The role to give."""

    model_config = ConfigDict(extra="forbid")

    role: Role


class RoleView(BaseModel):
    """A member's role in a workspace."""

    member_id: str
    name: str
    role: Role
    created_at: datetime


def role_view(membership: Membership, member: Member) -> RoleView:
    """Return the role as the API shows it."""
    return RoleView.model_validate(
        {
            "member_id": member.id,
            "name": member.name,
            "role": membership.role,
            "created_at": membership.created_at,
        }
    )


@router.post("/members", status_code=201, summary="Add a member")
@needs("installation")
async def create_member(
    service: CurrentService,
    body: Annotated[
        NewMember, Body(openapi_examples={"member": {"summary": "A prototype", "value": {"name": "Support bot"}}})
    ],
) -> MemberView:
    """Add a member, who can do nothing until they have a key, and a role in a workspace."""

    def work() -> MemberView:
        with service.database.write() as session:
            return MemberView.model_validate(add_member(session, body.name, is_administrator=body.is_administrator))

    return await service.run(work)


@router.get("/members", summary="List members")
@needs("installation")
async def get_members(service: CurrentService, limit: Limit = 50, cursor: Cursor = None) -> Page[MemberView]:
    """Return the members, oldest first."""

    def work() -> Page[MemberView]:
        statement = select(Member).where(Member.removed_at.is_(None))
        with service.database.read() as session:
            rows, following = page(session, statement, Member.created_at, Member.id, limit=limit, cursor=cursor)
            return Page(items=[MemberView.model_validate(row[0]) for row in rows], next_cursor=following)

    return await service.run(work)


@router.get("/members/{member_id}", summary="Show a member")
@needs("installation")
async def get_member(service: CurrentService, member_id: MemberId) -> MemberView:
    """Return the member."""

    def work() -> MemberView:
        with service.database.read() as session:
            return MemberView.model_validate(load_member(session, member_id))

    return await service.run(work)


@router.patch("/members/{member_id}", summary="Change a member")
@needs("installation")
async def patch_member(
    service: CurrentService,
    member_id: MemberId,
    body: Annotated[
        MemberChange, Body(openapi_examples={"name": {"summary": "Rename", "value": {"name": "Demo viewer"}}})
    ],
) -> MemberView:
    """Change the name, or whether the member administrates the installation; the next request feels it."""

    def work() -> MemberView:
        with service.database.write() as session:
            return MemberView.model_validate(
                change_member(session, member_id, name=body.name, is_administrator=body.is_administrator)
            )

    return await service.run(work)


@router.delete("/members/{member_id}", status_code=204, summary="Remove a member")
@needs("installation")
async def delete_member(service: CurrentService, member_id: DisposableMemberId) -> Response:
    """Revoke the member's keys and take their roles away, for good; the audit log keeps the name.

    Removing who is not there changes nothing. The last administrator who has a key cannot be removed.
    """

    def work() -> None:
        with service.database.write() as session:
            remove_member(session, member_id)

    await service.run(work)
    return Response(status_code=204)


@router.get("/workspaces/{workspace_id}/members", summary="List who has a role in a workspace")
@needs("admin")
async def get_roles(service: CurrentService, workspace_id: WorkspaceId) -> list[RoleView]:
    """Return the members with a role in the workspace, by name; administrators of the installation need none."""

    def work() -> list[RoleView]:
        with service.database.read() as session:
            return [role_view(membership, member) for membership, member in list_roles(session, workspace_id)]

    return await service.run(work)


@router.put("/workspaces/{workspace_id}/members/{member_id}", summary="Give a role in a workspace")
@needs("admin")
async def replace_role(
    service: CurrentService,
    workspace_id: WorkspaceId,
    member_id: MemberId,
    body: Annotated[
        NewRole,
        Body(
            openapi_examples={
                "viewer": {"summary": "Reads and asks", "value": {"role": "viewer"}},
                "editor": {"summary": "Changes content too", "value": {"role": "editor"}},
            }
        ),
    ],
) -> RoleView:
    """Give the member this role instead of the one they have; the next request feels it."""

    def work() -> RoleView:
        with service.database.write() as session:
            membership = put_role(session, workspace_id, member_id, body.role)
            return role_view(membership, load_member(session, member_id))

    return await service.run(work)


@router.delete("/workspaces/{workspace_id}/members/{member_id}", status_code=204, summary="Take a role away")
@needs("admin")
async def delete_role(service: CurrentService, workspace_id: WorkspaceId, member_id: DisposableMemberId) -> Response:
    """Take the member's role in the workspace away, whatever it is; the next request feels it."""

    def work() -> None:
        with service.database.write() as session:
            remove_role(session, workspace_id, member_id)

    await service.run(work)
    return Response(status_code=204)
