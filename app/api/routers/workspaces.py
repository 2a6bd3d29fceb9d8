"""Workspaces: the unit of isolation."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Path, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.keys import forget_workspace
from app.accounts.quotas import put_limits, subject_of_workspace
from app.api.authentication import CurrentCaller, needs
from app.api.examples import Examples
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import Cursor, Limit, Name, Page, WorkspaceId, example
from app.api.service import CurrentService
from app.context.aliases.workspace_default import change_default_alias, change_default_strategy
from app.context.saved_strategies import ensure_index, save_strategy
from app.context.strategy import SearchSetup, load_preset
from configs.errors import ConflictError
from configs.text import Text
from indexes.database.catalog import count_documents, list_indexes, load_workspace, page
from indexes.database.engine import now
from indexes.database.tables import Workspace
from indexes.jobs import create_job
from indexes.purge import PURGE

router = APIRouter(prefix="/v1/workspaces", tags=["workspaces"], route_class=PlaygroundRoute)
Label = Annotated[Text, StringConstraints(min_length=1, max_length=200)]
CHANGES: Examples = {
    "name": {"summary": "Rename", "value": {"name": "Demo"}},
    "strategy": {"summary": "Another default strategy", "value": {"default_strategy": "default"}},
    "alias": {"summary": "Answered by an alias from now on", "value": {"default_alias": "demo-bot"}},
    "no_alias": {"summary": "Answered by the default strategy again", "value": {"default_alias": None}},
}
WorkspaceSlug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class NewWorkspace(BaseModel):
    """A workspace to create."""

    model_config = ConfigDict(extra="forbid")

    id: WorkspaceSlug | None = Field(None, description="lower-case letters, digits and hyphens; chosen if left out")
    name: Label
    preset: Name = Field("default", description="preset of its default strategy, whose index will follow uploads")


class WorkspaceChange(BaseModel):
    """What to change about a workspace."""

    model_config = ConfigDict(extra="forbid")

    name: Label | None = None
    default_strategy: Name | None = Field(None, description="name of a saved strategy")
    default_alias: Name | None = Field(None, description="an alias with something active; null: no alias any more")


class WorkspaceView(BaseModel):
    """A workspace as the API shows it."""

    id: str
    name: str
    default_strategy: str | None = Field(description="its newest version answers what names nothing, without an alias")
    default_alias: str | None = Field(description="what is active for it answers what names nothing")
    documents: dict[str, int] = Field(description="how many documents are queued, processing, ready, failed")
    indexes: int = Field(description="how many indexes it has")
    created_at: datetime


def view_of(session: Session, workspace: Workspace) -> WorkspaceView:
    """Return the workspace as the API shows it."""
    return WorkspaceView(
        id=workspace.id,
        name=workspace.name,
        default_strategy=workspace.default_strategy,
        default_alias=workspace.default_alias,
        documents=count_documents(session, workspace.id),
        indexes=len(list_indexes(session, workspace.id)),
        created_at=workspace.created_at,
    )


@router.post("", status_code=201, summary="Create a workspace")
@needs("installation")
async def create_workspace(
    service: CurrentService,
    body: Annotated[
        NewWorkspace,
        Body(
            openapi_examples={
                "default": {"summary": "Hybrid search", "value": {"name": "Support handbook"}},
                "model_free": {"summary": "Without a model", "value": {"name": "Quick look", "preset": "model_free"}},
            }
        ),
    ],
) -> WorkspaceView:
    """Create a workspace with one strategy, `default`; the index it searches is maintained from the first upload on."""

    def work() -> WorkspaceView:
        strategy = load_preset(body.preset).strategy.resolved()
        workspace_id = body.id or f"workspace-{secrets.token_hex(6)}"
        with service.database.write() as session:
            known = session.get(Workspace, workspace_id)
            if known is not None:
                state = "exists already" if known.deleted_at is None else "is being deleted"
                raise ConflictError(
                    f"workspace {workspace_id!r} {state}", hint="choose another id, or leave it out",
                    code="workspace_exists",
                )  # fmt: skip
            workspace = Workspace(
                id=workspace_id, name=body.name, default_strategy="default", generation=0, created_at=now()
            )
            session.add(workspace)
            session.flush()
            put_limits(session, subject_of_workspace(workspace_id), {})  # those of one that was deleted are not its
            save_strategy(session, workspace_id, "default", strategy)
            if isinstance(strategy.retrieval, SearchSetup):
                ensure_index(session, workspace_id, strategy.retrieval, maintained=True)
            return view_of(session, workspace)

    return await service.run(work)


@router.get("", summary="List workspaces")
@needs("caller")
async def list_workspaces(
    service: CurrentService, caller: CurrentCaller, limit: Limit = 50, cursor: Cursor = None
) -> Page[WorkspaceView]:
    """Return the workspaces that the caller has a role in, oldest first."""

    def work() -> Page[WorkspaceView]:
        statement = select(Workspace).where(Workspace.deleted_at.is_(None))
        if caller.visible is not None:
            statement = statement.where(Workspace.id.in_(caller.visible))
        with service.database.read() as session:
            rows, following = page(session, statement, Workspace.created_at, Workspace.id, limit=limit, cursor=cursor)
            return Page(items=[view_of(session, row[0]) for row in rows], next_cursor=following)

    return await service.run(work)


@router.get("/{workspace_id}", summary="Show a workspace")
async def get_workspace(service: CurrentService, workspace_id: WorkspaceId) -> WorkspaceView:
    """Return the workspace with its documents counted by state."""

    def work() -> WorkspaceView:
        with service.database.read() as session:
            return view_of(session, load_workspace(session, workspace_id))

    return await service.run(work)


@router.patch("/{workspace_id}", summary="Change a workspace")
async def change_workspace(
    service: CurrentService,
    workspace_id: WorkspaceId,
    caller: CurrentCaller,
    body: Annotated[WorkspaceChange, Body(openapi_examples=CHANGES)],
) -> WorkspaceView:
    """Change the name, or what answers requests that name no strategy; a field left out stays as it is.

    With a `default_alias` they are answered as if they had named it, so what answers changes by promotions and
    rollbacks alone. To set or drop it takes the role admin, and 409 (`nothing_active`) comes where it could not
    answer. While it is set, a `default_strategy` alone is refused with 409 (`default_alias_set`).
    """
    names_alias = "default_alias" in body.model_fields_set
    if names_alias:
        caller.check_role("admin", workspace_id)

    def work() -> WorkspaceView:
        with service.database.write() as session:
            workspace = load_workspace(session, workspace_id)
            if body.name is not None:
                workspace.name = body.name
            if names_alias:
                change_default_alias(session, workspace, body.default_alias)
            if body.default_strategy is not None:
                change_default_strategy(session, workspace, body.default_strategy, is_fallback=names_alias)
            return view_of(session, workspace)

    return await service.run(work)


@router.delete("/{workspace_id}", status_code=204, summary="Delete a workspace")
@needs("admin")
async def delete_workspace(
    service: CurrentService,
    workspace_id: Annotated[Name, Path(description="id of a workspace", openapi_examples=example("demo-disposable"))],
) -> Response:
    """Delete the workspace whole. It is gone from every answer at once; a job then removes its rows and files.

    Deleting what is not there changes nothing.
    """

    def work() -> str | None:
        with service.database.write() as session:
            workspace = session.get(Workspace, workspace_id)
            if workspace is None or workspace.deleted_at is not None:
                return None
            workspace.deleted_at = now()
            forget_workspace(session, workspace_id)
            return create_job(session, None, PURGE, {"workspace_id": workspace_id})

    job_id = await service.run(work)
    if job_id is not None:
        await service.run(lambda: service.enqueue(job_id))
    return Response(status_code=204)
