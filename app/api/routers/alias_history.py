"""What became of an alias: its changes, the states of strategies, and how its versions scored over time."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from app.api.idempotency import PlaygroundRoute
from app.api.parameters import AliasName, Limit, Name, Page, WorkspaceId
from app.api.routers.aliases import ChangeView, change_view
from app.api.service import CurrentService
from app.context.aliases.records import State, list_changes, load_alias, states_of
from app.evaluation.promotion.run_history import RunHistory, run_history
from indexes.database.catalog import load_workspace

router = APIRouter(
    prefix="/v1/workspaces/{workspace_id}/aliases/{alias}", tags=["aliases"], route_class=PlaygroundRoute
)


class StateView(BaseModel):
    """The state that a strategy version has for one alias."""

    strategy: str
    version: int
    state: State
    was_active: bool = Field(description="whether it answered for the alias at any time")


@router.get("/changes", summary="List the changes of an alias")
async def get_changes(
    service: CurrentService,
    workspace_id: WorkspaceId,
    alias: AliasName,
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="only changes with a smaller number")] = None,
    limit: Limit = 50,
) -> Page[ChangeView]:
    """Return what changed, newest first: when, by whom, why, and on what evidence. To go on, give the last `number`."""

    def work() -> Page[ChangeView]:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            load_alias(session, workspace_id, alias)
            rows = list_changes(session, workspace_id, alias, before=before, limit=limit)
            return Page(items=[change_view(row) for row in rows], next_cursor=None)

    return await service.run(work)


@router.get("/history", summary="Show how an alias's versions scored over time")
async def get_history(
    service: CurrentService,
    workspace_id: WorkspaceId,
    alias: AliasName,
    question_set: Annotated[
        Name | None, Query(description="name of a set; default: that of the newest experiment")
    ] = None,
) -> RunHistory:
    """Return the experiments on the set as it is now: score, interval and trend of each version that is or was active,
    or is the candidate. Experiments on another state of the set are not comparable, and left out.
    """

    def work() -> RunHistory:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            return run_history(session, load_alias(session, workspace_id, alias), question_set)

    return await service.run(work)


@router.get("/strategies", summary="List the states of strategies for an alias")
async def get_states(service: CurrentService, workspace_id: WorkspaceId, alias: AliasName) -> Page[StateView]:
    """Return each saved strategy version as draft, candidate or active, by name and version."""

    def work() -> Page[StateView]:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            states = states_of(session, load_alias(session, workspace_id, alias))
            return Page(items=[StateView.model_validate(one, from_attributes=True) for one in states])

    return await service.run(work)
