"""The vectors of an index as a file."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from app.api.authentication import needs
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import IndexId, WorkspaceId
from app.api.service import CurrentService
from indexes.database.catalog import load_index, load_workspace
from ingest.vector_files import plan_vectors

router = APIRouter(prefix="/v1/workspaces/{workspace_id}/indexes", tags=["indexes"], route_class=PlaygroundRoute)


@router.get(
    "/{index_id}/vectors",
    summary="Export the vectors of an index",
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}}},
)
@needs("admin")
async def export_vectors(service: CurrentService, workspace_id: WorkspaceId, index_id: IndexId) -> StreamingResponse:
    """Download a zip file that `numpy.load` opens: `vectors.npy`, one row for each chunk; `rows.jsonl`, which chunk of
    which document each row is; `index.json`, the recipe.

    Vectors are those of the chunks before any quantisation, of documents whatever their access lists. 409 for an index
    without a dense store.
    """

    def work() -> StreamingResponse:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            export = plan_vectors(session, load_index(session, workspace_id, index_id))
        headers = {"Content-Disposition": f'attachment; filename="{index_id}-vectors.zip"'}
        return StreamingResponse(export.stream(service.database), media_type="application/zip", headers=headers)

    return await service.run(work)
