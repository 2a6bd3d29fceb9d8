"""Erasures: what must be forgotten is destroyed, not hidden; and how long a workspace keeps what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Path
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.api.authentication import needs
from app.api.examples_erasures import ERASURES, RETENTIONS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import Cursor, Limit, Name, Page, WorkspaceId, example
from app.api.routers.jobs import JobState, JobView, load_view
from app.api.service import CurrentService
from app.context.erasure.creation import NewErasure, create_erasure
from app.context.erasure.records import ErasureRow, list_erasures, load_erasure
from app.context.erasure.retention import Retention, load_retention, save_retention
from indexes.database.catalog import load_workspace
from indexes.database.tables import Job

router = APIRouter(prefix="/v1/workspaces/{workspace_id}", tags=["forgetting"], route_class=PlaygroundRoute)
ErasureId = Annotated[Name, Path(description="id of an erasure", openapi_examples=example("demo-erasure"))]


class ErasureView(BaseModel):
    """The receipt of an erasure: how much of what was removed, when, and for which request; never of whom or what."""

    id: str
    kind: Literal["document", "source", "memory", "user"]
    target_sha256: str = Field(
        description="SHA-256 of workspace id, kind and your id (for a memory: user id, memory id), NUL between: who "
        "knows the id can find its erasure, and nobody can read the id off it"
    )
    request: str = Field(description="your own name of the request")
    job_id: str
    state: JobState
    stage: str = Field(
        description="`waiting_for_jobs` while a job that began before still reads what is to be erased, "
        "`waiting_for_database` while somebody holds the database's file"
    )
    removed: dict[str, int] = Field(
        description="rows by what they were, `uploads` and `segments` as files; at least so many, after a crash"
    )
    requested_at: datetime
    hidden_at: datetime | None = Field(description="from when on no result showed it")
    finished_at: datetime | None = Field(description="when nothing of it was left on disk; null until then")


class ErasureStarted(BaseModel):
    """The erasure and the job that does it."""

    erasure: ErasureView
    job: JobView


def _views(session: Session, rows: Sequence[ErasureRow]) -> list[ErasureView]:
    """Return the erasures as the API shows them."""
    statement = select(Job.id, Job.state, Job.stage).where(Job.id.in_([row.job_id for row in rows]))
    jobs = {job.id: job for job in session.execute(statement)}
    return [
        ErasureView.model_validate(
            {
                "id": row.id, "kind": row.kind, "target_sha256": row.target_sha256, "request": row.request,
                "job_id": row.job_id, "state": jobs[row.job_id].state, "stage": jobs[row.job_id].stage,
                "removed": row.counts, "requested_at": row.requested_at, "hidden_at": row.marked_at,
                "finished_at": row.finished_at,
            }
        )
        for row in rows
    ]  # fmt: skip


@router.post("/erasures", status_code=202, summary="Erase a document, source, memory or user")
@needs("admin")
async def start_erasure(
    service: CurrentService,
    workspace_id: WorkspaceId,
    body: Annotated[NewErasure, Body(openapi_examples=ERASURES)],
) -> ErasureStarted:
    """Destroy it in a job: rows, vectors, uploads, segments, receipts, kept answers, free pages and logs.

    Deleting hides and can be looked into afterwards; this cannot be undone. A context that rested on it answers 410
    `content_erased` from then on; cells of experiments say that they rested on it, and keep their scores. Jobs that
    read it are awaited; experiments that were still to run on it fail. The last step writes the database file anew
    (about a second for 100 MB, in which nothing else is written). Asking twice is harmless.
    """

    def work() -> ErasureStarted:
        with service.database.write() as session:
            row = create_erasure(session, workspace_id, body)
        service.enqueue(row.job_id)
        with service.database.read() as session:
            (erasure,) = _views(session, [load_erasure(session, workspace_id, row.id)])
        return ErasureStarted(erasure=erasure, job=load_view(service, row.job_id))

    return await service.run(work)


@router.get("/erasures", summary="List erasures")
async def get_erasures(
    service: CurrentService, workspace_id: WorkspaceId, limit: Limit = 50, cursor: Cursor = None
) -> Page[ErasureView]:
    """Return the receipts of erasures, oldest first."""

    def work() -> Page[ErasureView]:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            rows, following = list_erasures(session, workspace_id, limit=limit, cursor=cursor)
            return Page(items=_views(session, rows), next_cursor=following)

    return await service.run(work)


@router.get("/erasures/{erasure_id}", summary="Show an erasure")
async def get_erasure(service: CurrentService, workspace_id: WorkspaceId, erasure_id: ErasureId) -> ErasureView:
    """Return the receipt of one erasure, with its state and what it has removed so far."""

    def work() -> ErasureView:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            return _views(session, [load_erasure(session, workspace_id, erasure_id)])[0]

    return await service.run(work)


@router.get("/retention", summary="Show how long what is kept")
async def get_retention(service: CurrentService, workspace_id: WorkspaceId) -> Retention:
    """Return the days that the workspace keeps each kind; null keeps it."""

    def work() -> Retention:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            return load_retention(session, workspace_id)

    return await service.run(work)


@router.put("/retention", summary="Set how long what is kept")
@needs("admin")
async def put_retention(
    service: CurrentService,
    workspace_id: WorkspaceId,
    body: Annotated[Retention, Body(openapi_examples=RETENTIONS)],
) -> Retention:
    """Replace the setting; what is older is removed at once by a job of kind `retain`, and once a day from then on."""

    def work() -> Retention:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            job_id = save_retention(session, workspace_id, body)
        if job_id is not None:
            service.enqueue(job_id)
        return body

    return await service.run(work)
