"""Strategies: named, versioned, immutable pairs of a retrieval setup and a context policy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Body, Header, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.orm import Session

from app.api.examples import NEW_STRATEGIES
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import Name, Page, StrategyName, WorkspaceId, example
from app.api.service import CurrentService
from app.context.aliases.changes import check_not_aliased
from app.context.aliases.records import State
from app.context.aliases.workspace_default import default_states
from app.context.estimate import ReindexEstimate, estimate_reindex
from app.context.saved_strategies import (
    SavedStrategy,
    delete_strategy,
    list_strategies,
    list_versions,
    load_strategy,
    save_strategy,
)
from app.context.strategy import SearchSetup, Strategy, load_preset
from configs.part import fingerprint_of
from indexes.database.catalog import load_workspace
from indexes.database.tables import Workspace

router = APIRouter(prefix="/v1/workspaces/{workspace_id}/strategies", tags=["strategies"], route_class=PlaygroundRoute)


class NewStrategy(BaseModel):
    """A strategy to save under a name, from a preset or given whole."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    preset: Name | None = Field(None, description="name of a preset of GET /v1/catalog")
    strategy: Strategy | None = Field(None, description="the strategy as JSON")

    @model_validator(mode="after")
    def _comes_from_one_place(self) -> Self:
        if (self.preset is None) == (self.strategy is None):
            raise ValueError("give either `preset` or `strategy`")
        return self


class StrategyView(BaseModel):
    """A version of a strategy as the API shows it."""

    name: str
    version: int
    is_default: bool = Field(description="whether requests that name nothing get this version")
    state: State = Field(
        description="as the workspace's default: `active` answers what names nothing, `candidate` is to answer it "
        "next (of the default alias), any other is a `draft`"
    )
    strategy: Strategy
    requires_reindex: ReindexEstimate | None = Field(
        description="what has to be built before it answers; null: nothing"
    )
    advice: list[str] = Field(
        description="what the authors of its embedding model advise and it does not do, as a prefix left out"
    )
    created_at: datetime


def views_of(session: Session, workspace: Workspace, saved: Sequence[SavedStrategy]) -> list[StrategyView]:
    """Return the strategies as the API shows them."""
    states = default_states(session, workspace)
    return [
        StrategyView(
            name=one.name,
            version=one.version,
            is_default=states.get((one.name, one.version)) == "active",
            state=states.get((one.name, one.version), "draft"),
            strategy=one.strategy,
            requires_reindex=estimate_reindex(session, workspace.id, one.strategy.retrieval),
            advice=_advice(one.strategy),
            created_at=one.created_at,
        )
        for one in saved
    ]


def _advice(strategy: Strategy) -> list[str]:
    setup = strategy.retrieval
    return setup.embedder.advice() if isinstance(setup, SearchSetup) and setup.embedder is not None else []


def _etag(view: StrategyView) -> str:
    """Return a tag of the whole answer: what a strategy needs built, and whether it is the default, change too."""
    return f'"{fingerprint_of(view.model_dump(mode="json"))}"'


def _is_known(etag: str, if_none_match: str | None) -> bool:
    """Tell whether the header names the tag, as RFC 9110 compares them there: weakly, any of a list, `*` for all."""
    known = [one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")]
    return etag in known or "*" in known


@router.post("", status_code=201, summary="Save a strategy", responses={200: {"model": StrategyView}})
async def create_strategy(
    service: CurrentService,
    workspace_id: WorkspaceId,
    response: Response,
    body: Annotated[NewStrategy, Body(openapi_examples=NEW_STRATEGIES)],
) -> StrategyView:
    """Save the strategy as the next version of its name; 200 where the newest version says the same already.

    Settings that depend on the machine (`precision: auto`) are resolved now and stay so. `requires_reindex` tells
    what has to be built before it answers, and the call that builds it; nothing is built by itself.
    """

    def work() -> tuple[StrategyView, bool]:
        strategy = body.strategy or load_preset(body.preset or "").strategy
        with service.database.write() as session:
            workspace = load_workspace(session, workspace_id)
            saved, is_new = save_strategy(session, workspace_id, body.name, strategy)
            return views_of(session, workspace, [saved])[0], is_new

    view, is_new = await service.run(work)
    response.status_code = 201 if is_new else 200
    response.headers["ETag"] = _etag(view)
    return view


@router.get("", summary="List strategies")
async def get_strategies(service: CurrentService, workspace_id: WorkspaceId) -> Page[StrategyView]:
    """Return the newest version of every strategy, by name."""

    def work() -> Page[StrategyView]:
        with service.database.read() as session:
            workspace = load_workspace(session, workspace_id)
            saved = list_strategies(session, workspace_id)
            return Page(items=views_of(session, workspace, saved), next_cursor=None)

    return await service.run(work)


@router.get("/{strategy_name}", summary="Show a strategy", responses={304: {"description": "Not modified"}})
async def get_strategy(
    service: CurrentService,
    workspace_id: WorkspaceId,
    strategy_name: StrategyName,
    response: Response,
    version: Annotated[int | None, Query(ge=1, le=1_000_000, description="default: the newest")] = None,
    if_none_match: Annotated[str | None, Header(description="ETag of what the caller has")] = None,
) -> StrategyView:
    """Return a version of the strategy with its ETag."""

    def work() -> StrategyView:
        with service.database.read() as session:
            workspace = load_workspace(session, workspace_id)
            return views_of(session, workspace, [load_strategy(session, workspace_id, strategy_name, version)])[0]

    view = await service.run(work)
    etag = _etag(view)
    if _is_known(etag, if_none_match):
        return Response(status_code=304, headers={"ETag": etag})  # type: ignore[return-value]  # no body to validate
    response.headers["ETag"] = etag
    return view


@router.get("/{strategy_name}/versions", summary="List the versions of a strategy")
async def get_versions(
    service: CurrentService, workspace_id: WorkspaceId, strategy_name: StrategyName
) -> Page[StrategyView]:
    """Return every version, oldest first."""

    def work() -> Page[StrategyView]:
        with service.database.read() as session:
            workspace = load_workspace(session, workspace_id)
            versions = list_versions(session, workspace_id, strategy_name)
            return Page(items=views_of(session, workspace, versions), next_cursor=None)

    return await service.run(work)


@router.delete("/{strategy_name}", status_code=204, summary="Delete a strategy")
async def remove_strategy(
    service: CurrentService,
    workspace_id: WorkspaceId,
    strategy_name: Annotated[Name, Path(description="name of a strategy", openapi_examples=example("disposable"))],
) -> Response:
    """Delete every version of the strategy; its index stays. Deleting what is not there changes nothing.

    409 where it is the default, or an alias answers with it, is to, or did.
    """

    def work() -> Response:
        with service.database.write() as session:
            workspace = load_workspace(session, workspace_id)
            check_not_aliased(session, workspace_id, strategy_name)
            delete_strategy(session, workspace, strategy_name)
        return Response(status_code=204)

    return await service.run(work)
