"""The stores of an index: what they take, and how much of the nearest they find."""

from __future__ import annotations

from fastapi import APIRouter

from app.api.idempotency import PlaygroundRoute
from app.api.parameters import IndexId, Page, WorkspaceId
from app.api.service import CurrentService
from indexes.database.catalog import list_segments, load_index, load_workspace
from indexes.segments import segment_folder
from indexes.store_figures import StoreFigures, figures_of
from ingest.recipe import IndexRecipe

router = APIRouter(prefix="/v1/workspaces/{workspace_id}/indexes", tags=["indexes"], route_class=PlaygroundRoute)


@router.get("/{index_id}/stores", summary="Show what an index's stores take and find")
async def get_stores(service: CurrentService, workspace_id: WorkspaceId, index_id: IndexId) -> Page[StoreFigures]:
    """Return for each store its bytes per chunk in memory and on disk, and the measured recall of approximate ones.

    Live settings are those of the index's recipe; an experiment tells the same of each strategy with its own.
    """

    def work() -> Page[StoreFigures]:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            recipe = IndexRecipe.model_validate(load_index(session, workspace_id, index_id).recipe)
            segment_ids = [segment.id for segment in list_segments(session, index_id)]
        folders = [segment_folder(service.settings.data_folder, index_id, one) for one in segment_ids]
        return Page(items=[figures_of(store, folders) for store in recipe.stores], next_cursor=None)

    return await service.run(work)
