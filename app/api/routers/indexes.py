"""Indexes: what one recipe makes of one workspace."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.api.chosen import Choice, choose
from app.api.examples import INDEX_CHANGES, NEW_INDEXES
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import IndexId, Name, Page, WorkspaceId, example
from app.api.routers.jobs import JobView, load_view
from app.api.service import CurrentService
from app.context.aliases.serving_index import check_index_unneeded, is_to_answer
from app.context.saved_strategies import ensure_index
from app.context.strategy import BaselineSetup
from configs.errors import ConflictError, InvalidInputError
from indexes.database.catalog import (
    count_served,
    list_indexes,
    list_segments,
    load_index,
    load_workspace,
    missing_versions,
    raise_generation,
)
from indexes.database.tables import IndexRow, Job, Segment, Served
from indexes.jobs import FINAL_STATES, create_job
from ingest.builds import BUILD_INDEX
from ingest.integrity import IndexIntegrity, check_index
from ingest.repair import start_repair

router = APIRouter(prefix="/v1/workspaces/{workspace_id}/indexes", tags=["indexes"], route_class=PlaygroundRoute)


class NewIndex(Choice):
    """The strategy or setup whose index to build or bring up to date."""

    maintained: bool = Field(False, description="let the index follow uploads from now on")


class IndexChange(BaseModel):
    """What to change about an index."""

    model_config = ConfigDict(extra="forbid")

    maintained: bool = Field(description="whether it follows uploads")


class IndexView(BaseModel):
    """An index as the API shows it."""

    id: str
    fingerprint: str = Field(description="hash of everything that is baked into it")
    recipe: dict[str, Any] = Field(description="chunker, prefix, embedder and stores")
    maintained: bool = Field(description="whether it follows uploads")
    state: str = Field(description="`empty`, `behind` (some documents are missing) or `current`")
    documents: int
    chunks: int
    missing_documents: int = Field(description="ready documents that are not in it in their newest version")
    segments: int
    size_bytes: int
    created_at: datetime
    built_at: datetime | None


class BuildStarted(BaseModel):
    """The index and the job that builds it."""

    index: IndexView
    job: JobView


class QuarantinedSegment(BaseModel):
    """A segment that was set aside because it was not what was written; its files stay for a week."""

    id: str
    folder: str = Field(description="where its files lie in the data folder")
    quarantined_at: datetime | None


class Integrity(BaseModel):
    """Whether the files of an index are what was written, and whether its rows are the chunks and vectors in SQL."""

    is_intact: bool
    segments_checked: int
    damaged: dict[str, list[str]] = Field(description="damaged or missing files by segment")
    mismatches: dict[str, list[str]] = Field(description="by segment, how its rows disagree with the database")
    rows_in_segments: int
    rows_served: int
    quarantined: list[QuarantinedSegment] = Field(description="segments that were set aside, and replaced, before")


class Repair(BaseModel):
    """What was found, and the job that makes damaged segments anew, where there are any."""

    integrity: Integrity
    job: JobView | None


def view_of(session: Session, index: IndexRow) -> IndexView:
    """Return the index as the API shows it."""
    documents, chunks = count_served(session, index.id)
    segments = list_segments(session, index.id)
    missing = len(missing_versions(session, index.workspace_id, index.id))
    state = "empty" if index.built_at is None else "behind" if missing else "current"
    return IndexView(
        id=index.id, fingerprint=index.fingerprint, recipe=index.recipe, maintained=index.maintained, state=state,
        documents=documents, chunks=chunks, missing_documents=missing, segments=len(segments),
        size_bytes=sum(segment.size_bytes for segment in segments), created_at=index.created_at,
        built_at=index.built_at,
    )  # fmt: skip


@router.post("", status_code=202, summary="Build or refresh an index")
async def build_index(
    service: CurrentService, workspace_id: WorkspaceId, body: Annotated[NewIndex, Body(openapi_examples=NEW_INDEXES)]
) -> BuildStarted:
    """Build the index a strategy searches, or bring it up to date, in a job.

    Chunks and vectors that other indexes share are not made again. A build of the same index under way is joined. The
    index that an alias answers users from follows uploads, whatever `maintained` says.
    """

    def work() -> tuple[str, str]:
        with service.database.write() as session:
            chosen = choose(session, workspace_id, body)
            setup = chosen.strategy.retrieval
            if isinstance(setup, BaselineSetup):
                raise InvalidInputError(
                    f"the baseline {setup.baseline!r} needs no index", hint="use it as it is", code="no_index_needed"
                )
            maintained = body.maintained or is_to_answer(session, workspace_id, setup)
            index = ensure_index(session, workspace_id, setup, maintained=maintained)
            job_id = _job_under_way(session, workspace_id, index.id)
            if job_id is None:
                job_id = create_job(session, workspace_id, BUILD_INDEX, {"index_id": index.id})
            return index.id, job_id

    index_id, job_id = await service.run(work)

    def answer() -> BuildStarted:
        service.enqueue(job_id)
        with service.database.read() as session:
            view = view_of(session, load_index(session, workspace_id, index_id))
        return BuildStarted(index=view, job=load_view(service, job_id))

    return await service.run(answer)


def _job_under_way(session: Session, workspace_id: str, index_id: str) -> str | None:
    statement = select(Job).where(
        Job.workspace_id == workspace_id, Job.kind == BUILD_INDEX, Job.state.not_in(FINAL_STATES)
    )
    for job in session.scalars(statement):
        if job.arguments["index_id"] == index_id and not job.cancel_requested:
            return job.id
    return None


@router.get("", summary="List indexes")
async def get_indexes(service: CurrentService, workspace_id: WorkspaceId) -> Page[IndexView]:
    """Return the workspace's indexes, oldest first."""

    def work() -> Page[IndexView]:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            views = [view_of(session, index) for index in list_indexes(session, workspace_id)]
            return Page(items=views, next_cursor=None)

    return await service.run(work)


@router.get("/{index_id}", summary="Show an index")
async def get_index(service: CurrentService, workspace_id: WorkspaceId, index_id: IndexId) -> IndexView:
    """Return the index with its size and what it misses."""

    def work() -> IndexView:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            return view_of(session, load_index(session, workspace_id, index_id))

    return await service.run(work)


@router.get("/{index_id}/integrity", summary="Check an index's files")
async def check(service: CurrentService, workspace_id: WorkspaceId, index_id: IndexId) -> Integrity:
    """Compare every file of the index with its checksum, every row with its chunk, and vectors with the cache.

    It changes nothing; POST …/repairs does the same and sets aside what is damaged.
    """

    def work() -> Integrity:
        found = check_index(service.database, service.settings.data_folder, workspace_id, index_id)
        return _integrity(index_id, found)

    return await service.run(work)


@router.post("/{index_id}/repairs", summary="Check an index and repair it", responses={202: {"model": Repair}})
async def repair(service: CurrentService, workspace_id: WorkspaceId, index_id: IndexId, response: Response) -> Repair:
    """Check the index; set damaged segments aside and rebuild what they held, in a job, from texts and cached vectors.

    Searches answer meanwhile from what is sound and count the rest as `missing_documents`. 200 where nothing is wrong.
    """

    def work() -> tuple[Integrity, str | None]:
        found = check_index(service.database, service.settings.data_folder, workspace_id, index_id)
        job_id = None
        if found.unsound:
            with service.database.write() as session:
                job_id = start_repair(session, workspace_id, index_id, found.unsound)
        return _integrity(index_id, found), job_id

    integrity, job_id = await service.run(work)
    if job_id is None:
        return Repair(integrity=integrity, job=None)
    started = job_id

    def answer() -> Repair:
        service.enqueue(started)
        return Repair(integrity=integrity, job=load_view(service, started))

    response.status_code = 202
    return await service.run(answer)


def _integrity(index_id: str, found: IndexIntegrity) -> Integrity:
    quarantined = [
        QuarantinedSegment(id=one.id, folder=f"segments/{index_id}/{one.id}", quarantined_at=one.retired_at)
        for one in found.quarantined
    ]
    return Integrity(
        is_intact=found.is_intact, segments_checked=found.segments_checked, damaged=found.damaged,
        mismatches=found.mismatches, rows_in_segments=found.rows_in_segments, rows_served=found.rows_served,
        quarantined=quarantined,
    )  # fmt: skip


@router.patch("/{index_id}", summary="Let an index follow uploads, or not")
async def change_index(
    service: CurrentService,
    workspace_id: WorkspaceId,
    index_id: IndexId,
    body: Annotated[IndexChange, Body(openapi_examples=INDEX_CHANGES)],
) -> IndexView:
    """Change whether the index follows uploads; what it misses already is brought in by POST …/indexes.

    409 for an index that an alias answers from, is to, or would after a rollback: it goes on following uploads.
    """

    def work() -> IndexView:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            index = load_index(session, workspace_id, index_id)
            if index.maintained and not body.maintained:
                check_index_unneeded(session, workspace_id, index_id)
            index.maintained = body.maintained
            session.flush()
            return view_of(session, index)

    return await service.run(work)


@router.delete("/{index_id}", status_code=204, summary="Delete an index")
async def remove_index(
    service: CurrentService,
    workspace_id: WorkspaceId,
    index_id: Annotated[Name, Path(description="id of an index", openapi_examples=example("demo-disposable"))],
) -> Response:
    """Delete the index; chunks and vectors stay cached for others. Deleting what is not there changes nothing.

    409 while an alias answers from it, is to, or would after a rollback.
    """

    def work() -> Response:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            index = session.get(IndexRow, index_id)
            if index is not None and index.workspace_id == workspace_id:
                if _job_under_way(session, workspace_id, index_id) is not None:
                    raise ConflictError(
                        f"index {index_id} is being built", hint="cancel its job first", code="index_busy"
                    )
                check_index_unneeded(session, workspace_id, index_id)
                session.execute(delete(Served).where(Served.index_id == index_id))
                session.execute(delete(Segment).where(Segment.index_id == index_id))
                session.delete(index)
                raise_generation(session, workspace_id)
        return Response(status_code=204)

    return await service.run(work)
