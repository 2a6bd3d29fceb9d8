"""Strategies as YAML files."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, Query, Response, UploadFile

from app.api.idempotency import PlaygroundRoute
from app.api.parameters import Name, StrategyName, WorkspaceId
from app.api.routers.strategies import StrategyView, views_of
from app.api.service import CurrentService
from app.context.saved_strategies import load_strategy, save_strategy
from app.context.strategy_files import MEDIA_TYPE, read_strategy, strategy_as_yaml
from indexes.database.catalog import load_workspace

router = APIRouter(prefix="/v1/workspaces/{workspace_id}/strategies", tags=["strategies"], route_class=PlaygroundRoute)


@router.get(
    "/{strategy_name}/file",
    summary="Export a strategy as YAML",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: {}}}},
)
async def export_strategy(
    service: CurrentService,
    workspace_id: WorkspaceId,
    strategy_name: StrategyName,
    version: Annotated[int | None, Query(ge=1, le=1_000_000, description="default: the newest")] = None,
) -> Response:
    """Download a version of the strategy with every setting written out, to keep it beside your code."""

    def work() -> Response:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            saved = load_strategy(session, workspace_id, strategy_name, version)
        headers = {"Content-Disposition": f'attachment; filename="{saved.name}.yaml"'}
        return Response(strategy_as_yaml(saved.name, saved.strategy), media_type=MEDIA_TYPE, headers=headers)

    return await service.run(work)


@router.post("/files", status_code=201, summary="Save a strategy from YAML", responses={200: {"model": StrategyView}})
async def import_strategy(
    service: CurrentService,
    workspace_id: WorkspaceId,
    response: Response,
    strategy: Annotated[UploadFile, File(description="YAML with `name` and `strategy`")],
    name: Annotated[Name | None, Form(description="name to save it under; default: the one in the file")] = None,
) -> StrategyView:
    """Save the file's strategy as the next version of its name; 200 where the newest version says the same already.

    What was exported gives the same strategy again. Aliases, repeated keys and settings that do not exist are refused.
    """
    content = await strategy.read()

    def work() -> tuple[StrategyView, bool]:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
        read = read_strategy(content, "strategy")
        with service.database.write() as session:
            workspace = load_workspace(session, workspace_id)
            saved, is_new = save_strategy(session, workspace_id, name or read.name, read.strategy)
            return views_of(session, workspace, [saved])[0], is_new

    view, is_new = await service.run(work)
    response.status_code = 201 if is_new else 200
    return view
