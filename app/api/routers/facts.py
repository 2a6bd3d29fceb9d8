"""Facts about users: what is true and since when, and what was known when."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.examples_users import FACTS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import Cursor, DisposableUserId, FactKey, Limit, Name, Page, UserId, WorkspaceId
from app.api.service import CurrentService
from app.context.users.facts import NewFact, hide_facts, list_facts, record_fact
from app.context.users.moments import Moment
from app.context.users.registration import find_user
from indexes.database.catalog import load_workspace

router = APIRouter(
    prefix="/v1/workspaces/{workspace_id}/users/{user_id}/facts", tags=["users"], route_class=PlaygroundRoute
)


class FactView(BaseModel):
    """A fact about a user."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    key: str
    value: str
    source: str
    confidence: float
    valid_from: datetime
    valid_to: datetime | None = Field(description="until when it was true, this moment excluded; null: open")
    recorded_at: datetime = Field(description="since when the service knows it")


class FactVersionView(FactView):
    """A version of a fact, with what became of it."""

    supersedes: str | None = Field(description="id of the version it took the place of, whole or from its start on")
    superseded_at: datetime | None = Field(description="when the service learnt better; null: it still believes it")


@router.put("/{fact_key}", summary="Record a fact", responses={201: {"model": FactVersionView}})
async def put_fact(
    service: CurrentService,
    workspace_id: WorkspaceId,
    user_id: UserId,
    fact_key: FactKey,
    response: Response,
    body: Annotated[NewFact, Body(openapi_examples=FACTS)],
) -> FactVersionView:
    """Record a fact (201). It closes the one that held under its key at its start; the record keeps both.

    What is known to hold already, and comes without `valid_from`, stays as it is (200). A fact that starts before
    another one must end by then, and none ends before it starts: `conflicting_validity`. What was closed does not begin
    anew when its successor ends.
    """

    def work() -> tuple[FactVersionView, bool]:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            row, is_new = record_fact(session, workspace_id, user_id, fact_key, body)
            return FactVersionView.model_validate(row), is_new

    view, is_new = await service.run(work)
    response.status_code = 201 if is_new else 200
    return view


@router.get("", summary="List facts")
async def get_facts(
    service: CurrentService,
    workspace_id: WorkspaceId,
    user_id: UserId,
    key: Annotated[Name | None, Query(description="only facts under this key")] = None,
    history: Annotated[bool, Query(description="every version that was recorded, not only what holds")] = False,
    as_of: Annotated[Moment | None, Query(description="what was true then; default: now")] = None,
    known_at: Annotated[Moment | None, Query(description="what was known then; default: now")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[FactVersionView]:
    """Return what was true at `as_of` by what was known at `known_at`, recorded first first.

    With `history` every version; `as_of` and `known_at` then leave out those that say nothing about that moment, and
    those recorded later. Deleted keys are in the export alone.
    """

    def work() -> Page[FactVersionView]:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            find_user(session, workspace_id, user_id)
            rows, following = list_facts(
                session, workspace_id, user_id, limit=limit, cursor=cursor, key=key, history=history, as_of=as_of,
                known_at=known_at,
            )  # fmt: skip
            return Page(items=[FactVersionView.model_validate(row) for row in rows], next_cursor=following)

    return await service.run(work)


@router.delete("/{fact_key}", status_code=204, summary="Delete what is known under a key")
async def remove_facts(
    service: CurrentService,
    workspace_id: WorkspaceId,
    user_id: DisposableUserId,
    fact_key: FactKey,
) -> Response:
    """Hide every version under the key from every context, also from those as of an earlier moment.

    To say that a fact ended, record it again with its `valid_from` and a `valid_to`. Deleting what is not there changes
    nothing.
    """

    def work() -> Response:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            hide_facts(session, workspace_id, user_id, fact_key)
        return Response(status_code=204)

    return await service.run(work)
