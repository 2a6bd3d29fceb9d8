"""The audit log: who changed what, and when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.api.authentication import needs
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import Cursor, Limit, Name, Page, WorkspaceId
from app.api.service import CurrentService, Service
from app.context.users.moments import Moment
from indexes.database.audit import AuditRow
from indexes.database.catalog import load_workspace, page

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=PlaygroundRoute)
NDJSON = "application/x-ndjson"
ROWS_AT_ONCE = 500
ByMember = Annotated[Name | None, Query(description="only what this member changed")]
Since = Annotated[Moment | None, Query(description="only from this moment on")]
EXPORT: dict[str, Any] = {"response_class": Response, "responses": {200: {"content": {NDJSON: {}}}}}


class ChangeView(BaseModel):
    """One row that was added, changed or deleted, with those of its values that are configuration. Of a document's
    title and metadata it has a hash: whether they changed, and whether they are what they were.
    """

    row: str = Field(description="table and key")
    before: dict[str, JsonValue] | None = Field(description="null for a row that was added")
    after: dict[str, JsonValue] | None = Field(description="null for a row that was deleted")


class AuditEntry(BaseModel):
    """One change, as it was committed. What is erased is emptied here too: `objects` and `changes`."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    created_at: datetime
    workspace_id: str | None
    who: str = Field(description="name of the member at that moment, or how the caller came without one")
    member_id: str | None
    key_id: str | None
    request_id: str | None
    operation: str = Field(description="method and path of the request, or the command")
    objects: dict[str, str] = Field(description="what the path named")
    changes: list[ChangeView] = Field(description="rows of configuration, 100 at most")
    counts: dict[str, dict[str, int]] = Field(description="how many rows of which table were added, changed, deleted")


@router.get("/audit", summary="List every change")
@needs("installation")
async def get_audit(
    service: CurrentService, member_id: ByMember = None, since: Since = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[AuditEntry]:
    """Return the changes of the whole installation, oldest first: accounts, keys and every workspace."""
    return await service.run(lambda: _page(service, None, _chosen(member_id, since), limit, cursor))


@router.get("/audit/export", summary="Export every change as JSON Lines", **EXPORT)
@needs("installation")
async def export_audit(service: CurrentService, member_id: ByMember = None, since: Since = None) -> Response:
    """Return the changes of the whole installation, one JSON object a line, oldest first."""
    return await service.run(lambda: _lines(service, None, _chosen(member_id, since)))


@router.get("/workspaces/{workspace_id}/audit", summary="List the changes of a workspace")
@needs("admin")
async def get_workspace_audit(
    service: CurrentService,
    workspace_id: WorkspaceId,
    member_id: ByMember = None,
    since: Since = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AuditEntry]:
    """Return the changes in the workspace, oldest first."""
    return await service.run(lambda: _page(service, workspace_id, _chosen(member_id, since), limit, cursor))


@router.get("/workspaces/{workspace_id}/audit/export", summary="Export the changes of a workspace", **EXPORT)
@needs("admin")
async def export_workspace_audit(
    service: CurrentService, workspace_id: WorkspaceId, member_id: ByMember = None, since: Since = None
) -> Response:
    """Return the changes in the workspace as JSON Lines, oldest first."""
    return await service.run(lambda: _lines(service, workspace_id, _chosen(member_id, since)))


def _chosen(member_id: str | None, since: datetime | None) -> Select[Any]:
    statement = select(AuditRow)
    if member_id is not None:
        statement = statement.where(AuditRow.member_id == member_id)
    return statement if since is None else statement.where(AuditRow.created_at >= since)


def _of_workspace(session: Session, workspace_id: str, statement: Select[Any]) -> Select[Any]:
    """Return the statement for what happened in the workspace, not in one that had its id before it."""
    workspace = load_workspace(session, workspace_id)
    return statement.where(AuditRow.workspace_id == workspace_id, AuditRow.created_at >= workspace.created_at)


def _page(
    service: Service, workspace_id: str | None, statement: Select[Any], limit: int, cursor: str | None
) -> Page[AuditEntry]:
    with service.database.read() as session:
        if workspace_id is not None:
            statement = _of_workspace(session, workspace_id, statement)
        rows, following = page(session, statement, AuditRow.created_at, AuditRow.id, limit=limit, cursor=cursor)
        return Page(items=[AuditEntry.model_validate(row[0]) for row in rows], next_cursor=following)


def _lines(service: Service, workspace_id: str | None, statement: Select[Any]) -> StreamingResponse:
    """Return what sends the entries as it reads them; the first part is read at once, so that an error is told.

    Each part has a unit of work of its own: a slow reader holds none open, and entries are added at the end alone.
    """
    if workspace_id is not None:
        with service.database.read() as session:
            statement = _of_workspace(session, workspace_id, statement)
    first, following = _part(service, statement, None)

    def parts() -> Iterator[str]:
        yield first
        cursor = following
        while cursor is not None:
            part, cursor = _part(service, statement, cursor)
            yield part

    return StreamingResponse(parts(), media_type=NDJSON)


def _part(service: Service, statement: Select[Any], cursor: str | None) -> tuple[str, str | None]:
    with service.database.read() as session:
        rows, cursor = page(session, statement, AuditRow.created_at, AuditRow.id, limit=ROWS_AT_ONCE, cursor=cursor)
        return "".join(AuditEntry.model_validate(row[0]).model_dump_json() + "\n" for row in rows), cursor
