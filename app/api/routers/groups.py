"""Groups of users; a document whose access list names `group:<name>` is open to the members."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Path, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from app.api.examples_users import GROUPS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import Cursor, Limit, Name, Page, WorkspaceId, example
from app.api.service import CurrentService
from app.context.users.registration import add_group, delete_group, list_groups
from configs.text import Text
from indexes.database.catalog import load_workspace

router = APIRouter(prefix="/v1/workspaces/{workspace_id}/groups", tags=["users"], route_class=PlaygroundRoute)


class NewGroup(BaseModel):
    """A group to create."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    description: Annotated[Text, StringConstraints(max_length=500)] = ""


class GroupView(BaseModel):
    """A group as the API shows it."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    description: str
    created_at: datetime


@router.post("", status_code=201, summary="Create a group", responses={200: {"model": GroupView}})
async def create_group(
    service: CurrentService,
    workspace_id: WorkspaceId,
    response: Response,
    body: Annotated[NewGroup, Body(openapi_examples=GROUPS)],
) -> GroupView:
    """Create a group without members; 200 where it exists, which is then described anew."""

    def work() -> tuple[GroupView, bool]:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            row, is_new = add_group(session, workspace_id, body.name, body.description)
            return GroupView.model_validate(row), is_new

    view, is_new = await service.run(work)
    response.status_code = 201 if is_new else 200
    return view


@router.get("", summary="List groups")
async def get_groups(
    service: CurrentService, workspace_id: WorkspaceId, limit: Limit = 50, cursor: Cursor = None
) -> Page[GroupView]:
    """Return groups, oldest first; GET …/users?group= lists the members of one."""

    def work() -> Page[GroupView]:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            rows, following = list_groups(session, workspace_id, limit=limit, cursor=cursor)
            return Page(items=[GroupView.model_validate(row) for row in rows], next_cursor=following)

    return await service.run(work)


@router.delete("/{group_name}", status_code=204, summary="Delete a group")
async def remove_group(
    service: CurrentService,
    workspace_id: WorkspaceId,
    group_name: Annotated[Name, Path(description="name of a group", openapi_examples=example("disposable"))],
) -> Response:
    """Delete the group: its members leave it, and may no longer read what only it may read.

    Deleting what is not there changes nothing.
    """

    def work() -> Response:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            delete_group(session, workspace_id, group_name)
        return Response(status_code=204)

    return await service.run(work)
