"""Jobs: what takes long, how far it is, and how to end it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, Field, JsonValue
from sqlalchemy import select

from app.api.authentication import CurrentCaller, UnauthorizedError, needs, read_on
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import Cursor, JobId, Limit, Name, Page, example
from app.api.service import CurrentService, Service
from configs.errors import NotFoundError
from indexes.database.catalog import page
from indexes.database.tables import Job
from indexes.jobs import FINAL_STATES, load_job, remaining_seconds, request_cancel
from ingest.pipeline import cancelled_error
from ingest.uploads import fail_versions

POLL_SECONDS = 0.25

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=PlaygroundRoute)
JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class JobView(BaseModel):
    """A job as the API shows it."""

    id: str
    workspace_id: str | None
    kind: str = Field(description="ingest, build_index, ...")
    state: JobState
    stage: str = Field(description="what it does at present: parsing, chunking, embedding, indexing, ...")
    done: int = Field(description="how many units of the stage are done")
    total: int = Field(description="how many units the stage has")
    remaining_seconds: float | None = Field(description="estimate for the rest of the stage, null where unknown")
    cancel_requested: bool
    result: dict[str, JsonValue] | None
    error: dict[str, JsonValue] | None = Field(description="code, detail and hint of a failed job")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


def view_of(job: Job) -> JobView:
    """Return the job as the API shows it."""
    return JobView.model_validate(
        {
            **{name: getattr(job, name) for name in JobView.model_fields if name != "remaining_seconds"},
            "remaining_seconds": remaining_seconds(job),
        }
    )


def load_view(service: Service, job_id: str) -> JobView:
    """Return the job's present state, or raise NotFoundError."""
    with service.database.read() as session:
        return view_of(load_job(session, job_id))


@router.get("", summary="List jobs")
@needs("caller")
async def list_jobs(
    service: CurrentService,
    caller: CurrentCaller,
    workspace_id: Annotated[
        Name | None, Query(description="only jobs of this workspace", openapi_examples=example("demo"))
    ] = None,
    state: Annotated[JobState | None, Query(description="only jobs in this state")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[JobView]:
    """Return the jobs of workspaces that the caller has a role in, oldest first."""

    def work() -> Page[JobView]:
        statement = select(Job)
        if caller.visible is not None:
            statement = statement.where(Job.workspace_id.in_(caller.visible))
        if workspace_id is not None:
            statement = statement.where(Job.workspace_id == workspace_id)
        if state is not None:
            statement = statement.where(Job.state == state)
        with service.database.read() as session:
            rows, following = page(session, statement, Job.created_at, Job.id, limit=limit, cursor=cursor)
            return Page(items=[view_of(row[0]) for row in rows], next_cursor=following)

    return await service.run(work)


@router.get("/{job_id}", summary="Show a job")
async def get_job(service: CurrentService, job_id: JobId) -> JobView:
    """Return the job with its stage, progress and estimate of the time left."""
    return await service.run(lambda: load_view(service, job_id))


async def _present_view(service: CurrentService, job_id: JobId) -> JobView:
    """Return the job before its stream begins, so that an unknown one is still answered with 404."""
    return await service.run(lambda: load_view(service, job_id))


@router.get("/{job_id}/events", response_class=EventSourceResponse, summary="Follow a job")
async def follow_job(
    service: CurrentService, request: Request, present: Annotated[JobView, Depends(_present_view)]
) -> AsyncIterable[ServerSentEvent]:
    """Send a `progress` event whenever the job changes and, last, one named after its final state.

    The stream ends early where the key or the role that it was begun with is taken away, and where the service stops:
    an EventSource then connects anew by itself, to the next process.
    """
    job_id, shown = present.id, None
    while True:
        is_final = present.state in FINAL_STATES
        if present != shown:
            yield ServerSentEvent(data=present.model_dump(mode="json"), event=present.state if is_final else "progress")
        if is_final:
            return
        shown = present
        await asyncio.sleep(POLL_SECONDS)
        if service.stopping.is_set():
            return
        try:
            present = await read_on(service, request, "viewer", lambda session: view_of(load_job(session, job_id)))
        except (UnauthorizedError, NotFoundError):  # the key is gone, the role is, or the job with its workspace
            return


@router.post("/{job_id}/cancel", summary="Cancel a job")
async def cancel_job(
    service: CurrentService,
    job_id: Annotated[Name, Path(description="id of a job", openapi_examples=example("demo-disposable"))],
) -> JobView:
    """Ask the job to end after its present batch; cancelling a finished job changes nothing.

    What it committed stays: finished documents stay ready, vectors stay cached. Its unfinished documents are marked
    failed and can be retried.
    """

    def work() -> JobView:
        with service.database.write() as session:
            job = request_cancel(session, job_id)
            if job.state == "cancelled":
                fail_versions(session, job_id, cancelled_error())
            return view_of(job)

    return await service.run(work)
