"""Aliases: the names that prototypes call, and what stands behind them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from app.api.authentication import CurrentCaller, needs
from app.api.caller import CallerName
from app.api.examples_aliases import ALIASES, CANDIDATES, ROLLBACKS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import AliasName, Name, Page, WorkspaceId, example
from app.api.service import CurrentService, Service
from app.context.aliases.changes import Change, delete_alias, drop_candidate, name_candidate, put_alias, roll_back
from app.context.aliases.limits import Limits
from app.context.aliases.records import (
    AliasChangeRow,
    AliasRow,
    list_aliases,
    load_alias,
    previous_of,
)
from configs.text import Text
from indexes.database.catalog import load_workspace

router = APIRouter(prefix="/v1/workspaces/{workspace_id}/aliases", tags=["aliases"], route_class=PlaygroundRoute)

ChangeKind = Literal["created", "settings", "candidate", "candidate_dropped", "promoted", "rolled_back"]
Reason = Annotated[Text, Field(max_length=2_000, description="why; it is kept with the change")]


class NewAlias(BaseModel):
    """What an alias is for, and what a strategy must keep to be promoted to it."""

    model_config = ConfigDict(extra="forbid")

    description: Text = Field("", max_length=2_000, description="what it is for")
    limits: Limits = Limits()


class NewCandidate(BaseModel):
    """The strategy version that is to answer next."""

    model_config = ConfigDict(extra="forbid")

    strategy: Name = Field(description="name of a saved strategy")
    version: int | None = Field(None, ge=1, le=1_000_000, description="its version; default: the newest")
    canary_percent: int = Field(
        0,
        ge=0,
        le=50,
        description="share of users, by a hash of alias and user id, that it answers already; what is to answer more "
        "than half of them is promoted",
    )
    reason: Reason = ""


class NewRollback(BaseModel):
    """A way back to the version before."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason = ""


class Pointed(BaseModel):
    """An exact version of a strategy."""

    strategy: str
    version: int


class AliasView(BaseModel):
    """An alias as the API shows it."""

    name: str
    description: str
    limits: Limits
    active: Pointed | None = Field(description="what answers; null before the first promotion")
    candidate: Pointed | None = Field(description="what is to answer next")
    canary_percent: int = Field(description="share of users that the candidate answers already")
    previous: Pointed | None = Field(description="what a rollback returns to")
    last_change: int = Field(description="number of the newest change")
    created_at: datetime
    updated_at: datetime


class ChangeView(BaseModel):
    """One change of an alias."""

    number: int
    kind: ChangeKind
    strategy: str | None = Field(description="what the change is about; null where it is about no strategy")
    version: int | None
    replaces: int | None = Field(
        description="of a promotion, the promotion it replaced; of a rollback, the one it returned to"
    )
    changed_by: str
    reason: str
    details: dict[str, Any]
    evidence: dict[str, Any] | None = Field(description="of a promotion: what was checked, and what was overridden")
    created_at: datetime


def view_of(session: Session, row: AliasRow) -> AliasView:
    """Return the alias as the API shows it."""
    before = previous_of(session, row)
    return AliasView(
        name=row.name, description=row.description, limits=row.parsed_limits(),
        active=_pointed(row.active_strategy, row.active_version),
        candidate=_pointed(row.candidate_strategy, row.candidate_version), canary_percent=row.canary_percent,
        previous=None if before is None else _pointed(before.strategy, before.version), last_change=row.last_change,
        created_at=row.created_at, updated_at=row.updated_at,
    )  # fmt: skip


def change_view(row: AliasChangeRow) -> ChangeView:
    """Return the change as the API shows it."""
    return ChangeView.model_validate(row, from_attributes=True)


def enqueue_build(service: Service, change: ChangeView) -> None:
    """Let the job begin at once, where there is one, by which the index of a committed change catches up."""
    if "build_job" in change.details:
        service.enqueue(change.details["build_job"])


def _pointed(strategy: str | None, version: int | None) -> Pointed | None:
    return None if strategy is None or version is None else Pointed(strategy=strategy, version=version)


@router.get("", summary="List aliases")
async def get_aliases(service: CurrentService, workspace_id: WorkspaceId) -> Page[AliasView]:
    """Return the workspace's aliases by name."""

    def work() -> Page[AliasView]:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            return Page(items=[view_of(session, row) for row in list_aliases(session, workspace_id)], next_cursor=None)

    return await service.run(work)


@router.get("/{alias}", summary="Show an alias")
async def get_alias(service: CurrentService, workspace_id: WorkspaceId, alias: AliasName) -> AliasView:
    """Return what answers for the alias, what is to answer next, and what a rollback returns to."""

    def work() -> AliasView:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            return view_of(session, load_alias(session, workspace_id, alias))

    return await service.run(work)


@router.put("/{alias}", summary="Make an alias, or change its limits", responses={201: {"model": AliasView}})
async def put_one(
    service: CurrentService,
    workspace_id: WorkspaceId,
    alias: AliasName,
    caller: CurrentCaller,
    response: Response,
    body: Annotated[NewAlias, Body(openapi_examples=ALIASES)],
) -> AliasView:
    """Make the alias, or replace its description and limits; what answers for it stays. A new one answers nothing yet.

    Limits are held against the experiment that a promotion brings. Other limits for an alias that is there take the
    role admin, as an override does.
    """

    def work() -> tuple[AliasView, bool]:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            known = session.get(AliasRow, (workspace_id, alias))
            if known is not None and known.parsed_limits() != body.limits:
                caller.check_role("admin", workspace_id)
            row, is_new = put_alias(session, workspace_id, alias, body.description, body.limits, Change(caller.name))
            return view_of(session, row), is_new

    view, is_new = await service.run(work)
    response.status_code = 201 if is_new else 200
    return view


@router.put("/{alias}/candidate", summary="Name the candidate of an alias")
async def put_candidate(
    service: CurrentService,
    workspace_id: WorkspaceId,
    alias: AliasName,
    caller: CallerName,
    body: Annotated[NewCandidate, Body(openapi_examples=CANDIDATES)],
) -> AliasView:
    """Make a strategy version the candidate; with `canary_percent` it answers that share of users from now on.

    Nothing is built: 409 with the call that builds the index, where users are to be answered and none is there or it
    misses documents. From then on the index that answers them follows uploads.
    """

    def work() -> AliasView:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            row = name_candidate(
                session, workspace_id, alias, body.strategy, body.version, body.canary_percent,
                Change(caller, body.reason),
            )  # fmt: skip
            return view_of(session, row)

    return await service.run(work)


@router.delete("/{alias}/candidate", status_code=204, summary="Make the candidate a draft again")
async def remove_candidate(
    service: CurrentService, workspace_id: WorkspaceId, alias: AliasName, caller: CallerName
) -> Response:
    """Drop the candidate: the active version answers everybody. Where there is none, nothing changes."""

    def work() -> Response:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            drop_candidate(session, workspace_id, alias, Change(caller))
        return Response(status_code=204)

    return await service.run(work)


@router.post("/{alias}/rollbacks", status_code=201, summary="Roll an alias back")
async def create_rollback(
    service: CurrentService,
    workspace_id: WorkspaceId,
    alias: AliasName,
    caller: CallerName,
    body: Annotated[NewRollback, Body(openapi_examples=ROLLBACKS)],
) -> ChangeView:
    """Let the exact version answer again that the last promotion replaced, in every process from now on.

    Its index was kept, and follows uploads from now on; where it misses documents, `build_job` in `details` is the job
    that brings them in. Once more, and the version before that one answers. Canaries end.
    """

    def work() -> ChangeView:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            view = change_view(roll_back(session, workspace_id, alias, Change(caller, body.reason)))
        enqueue_build(service, view)
        return view

    return await service.run(work)


@router.delete("/{alias}", status_code=204, summary="Delete an alias")
@needs("admin")
async def remove_alias(
    service: CurrentService,
    workspace_id: WorkspaceId,
    alias: Annotated[Name, Path(description="name of an alias", openapi_examples=example("demo-disposable"))],
) -> Response:
    """Delete the alias with its changes; requests to it get 404. Deleting what is not there changes nothing.

    409 while it is the workspace's default.
    """

    def work() -> Response:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            delete_alias(session, workspace_id, alias)
        return Response(status_code=204)

    return await service.run(work)
