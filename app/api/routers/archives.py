"""A workspace as one file: exporting and importing documents, strategies and question sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, File, Query, Response, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from app.accounts.quotas import What, charge
from app.api.authentication import CurrentCaller, needs
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import WorkspaceId
from app.api.quotas import subjects_of
from app.api.routers.jobs import JobView, load_view
from app.api.service import CurrentService
from app.evaluation.workspace_files.importing import accept_archive
from app.evaluation.workspace_files.writing import plan_export
from indexes.database.catalog import load_workspace
from ingest.uploads import Upload

router = APIRouter(prefix="/v1/workspaces/{workspace_id}", tags=["import and export"], route_class=PlaygroundRoute)
ZIP = "application/zip"


class ImportedStrategy(BaseModel):
    """A strategy of the archive as the workspace has it now."""

    name: str
    version: int
    is_new: bool = Field(description="false where its newest version said the same already")


class AcceptedArchiveView(BaseModel):
    """What became of an archive, and the job that ingests its documents and then saves its question sets."""

    documents: dict[Literal["created", "new_version", "unchanged", "retried"], int]
    strategies: list[ImportedStrategy]
    question_sets: list[str] = Field(description="those that the job saves; its result tells which could not be")
    default_strategy: str | None = Field(description="the default where the archive comes from")
    takes_default: bool = Field(
        description="whether it is the default here now: in a workspace that never had a document; elsewhere, change "
        "it with PATCH /v1/workspaces/{workspace_id}"
    )
    job: JobView


@router.get(
    "/export",
    summary="Export a workspace",
    response_class=Response,
    responses={200: {"content": {ZIP: {}}}},
)
@needs("admin")
async def export_workspace(
    service: CurrentService,
    workspace_id: WorkspaceId,
    leave_out_stale: Annotated[
        bool,
        Query(
            description="leave out question sets with labels that do not hold any more, and list them in the manifest"
        ),
    ] = False,
) -> StreamingResponse:
    """Download documents with metadata and access lists, strategies and question sets as a zip file.

    Documents come as they were uploaded, or as text where they were sent as text, in the version that answers;
    strategies in their newest version. Users, memories, members, keys, experiments and the audit log stay here. A
    manifest with a checksum of each entry ends the file, so that a download that broke off is never taken for whole.
    """

    def work() -> StreamingResponse:
        with service.database.read() as session:
            workspace = load_workspace(session, workspace_id)
            export = plan_export(session, service.settings.data_folder, workspace, leave_out_stale=leave_out_stale)
        headers = {"Content-Disposition": f'attachment; filename="{workspace_id}.zip"'}
        return StreamingResponse(export.stream(service.database), media_type=ZIP, headers=headers)

    return await service.run(work)


@router.post("/imports", status_code=202, summary="Import a workspace's archive")
async def import_workspace(
    service: CurrentService,
    caller: CurrentCaller,
    workspace_id: WorkspaceId,
    archive: Annotated[UploadFile, File(description="zip file of GET …/export")],
) -> AcceptedArchiveView:
    """Bring what an archive holds into this workspace: all of it, or nothing and what is wrong with it.

    Documents go by their external ids: the same bytes change nothing, other bytes make a new version. Strategies become
    the next version of their names. Question sets are saved once their documents answer; a set of that name with other
    content stays as it is, and the job's result says so. To import into a new workspace, create it first: one that
    never had a document takes over the default strategy as well, unless an alias is its default, and the job makes its
    index.
    """

    def work() -> AcceptedArchiveView:
        def on_accepted(session: Session, uploads: Sequence[Upload]) -> None:
            amounts: dict[What, int] = {
                "documents_per_day": len(uploads), "bytes_per_day": sum(one.size_bytes for one in uploads),
            }  # fmt: skip
            charge(session, subjects_of(caller, workspace_id), amounts)

        accepted = accept_archive(service.database, service.settings, workspace_id, archive.file, on_accepted)
        service.enqueue(accepted.job_id)
        statuses = [one.status for one in accepted.documents]
        return AcceptedArchiveView(
            documents={status: statuses.count(status) for status in dict.fromkeys(statuses)},
            strategies=[ImportedStrategy.model_validate(one, from_attributes=True) for one in accepted.strategies],
            question_sets=list(accepted.question_sets),
            default_strategy=accepted.default_strategy,
            takes_default=accepted.takes_default,
            job=load_view(service, accepted.job_id),
        )  # fmt: skip

    return await service.run(work)
