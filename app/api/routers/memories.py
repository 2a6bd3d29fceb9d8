"""Memories of users: what to remember, in words."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.examples_users import MEMORIES
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import Cursor, DisposableUserId, Limit, Name, Page, UserId, WorkspaceId, example
from app.api.service import CurrentService
from app.context.users.known import MemoryKind
from app.context.users.memories import NewMemory, hide_memory, list_memories, load_memory, remember
from app.context.users.moments import Moment
from app.context.users.registration import find_user
from indexes.database.catalog import load_workspace

router = APIRouter(
    prefix="/v1/workspaces/{workspace_id}/users/{user_id}/memories", tags=["users"], route_class=PlaygroundRoute
)


class MemoryView(BaseModel):
    """A memory as the API shows it."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: MemoryKind
    text: str
    importance: int
    valid_from: datetime
    valid_to: datetime | None = Field(description="where the memory that superseded it starts; null: it holds")
    recorded_at: datetime = Field(description="since when the service knows it")
    last_used_at: datetime = Field(description="when a context held it last; at first when it was recorded")
    supersedes: str | None = Field(description="id of the memory it replaced")
    closed_at: datetime | None = Field(description="when it was superseded")


@router.post("", status_code=201, summary="Remember something")
async def create_memory(
    service: CurrentService,
    workspace_id: WorkspaceId,
    user_id: UserId,
    body: Annotated[NewMemory, Body(openapi_examples=MEMORIES)],
) -> MemoryView:
    """Keep a memory of the user; one that it `supersedes` ends where it starts, and stays in the record."""

    def work() -> MemoryView:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            return MemoryView.model_validate(remember(session, workspace_id, user_id, body))

    return await service.run(work)


@router.get("", summary="List memories")
async def get_memories(
    service: CurrentService,
    workspace_id: WorkspaceId,
    user_id: UserId,
    as_of: Annotated[Moment | None, Query(description="those known then that held then; default: now")] = None,
    history: Annotated[bool, Query(description="superseded ones too, and those that do not hold yet")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[MemoryView]:
    """Return memories, oldest first; deleted ones are in the export alone."""

    def work() -> Page[MemoryView]:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            find_user(session, workspace_id, user_id)
            rows, following = list_memories(
                session, workspace_id, user_id, limit=limit, cursor=cursor, as_of=as_of, history=history
            )
            return Page(items=[MemoryView.model_validate(row) for row in rows], next_cursor=following)

    return await service.run(work)


@router.get("/{memory_id}", summary="Show a memory")
async def get_memory(
    service: CurrentService,
    workspace_id: WorkspaceId,
    user_id: UserId,
    memory_id: Annotated[Name, Path(description="id of a memory", openapi_examples=example("demo-memory"))],
) -> MemoryView:
    """Return the memory, also where it was superseded."""

    def work() -> MemoryView:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            find_user(session, workspace_id, user_id)
            return MemoryView.model_validate(load_memory(session, workspace_id, user_id, memory_id))

    return await service.run(work)


@router.delete("/{memory_id}", status_code=204, summary="Delete a memory")
async def remove_memory(
    service: CurrentService,
    workspace_id: WorkspaceId,
    user_id: DisposableUserId,
    memory_id: Annotated[Name, Path(description="id of a memory", openapi_examples=example("demo-disposable"))],
) -> Response:
    """Hide the memory from every context, also from those as of an earlier moment; one it superseded stays closed.

    Deleting what is not there changes nothing.
    """

    def work() -> Response:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            hide_memory(session, workspace_id, user_id, memory_id)
        return Response(status_code=204)

    return await service.run(work)
