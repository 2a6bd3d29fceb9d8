"""The job that brings one index up to date, queued from wherever it is found to be needed."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexes.database.tables import Job
from indexes.jobs import create_job

BUILD_INDEX = "build_index"


def queue_build(session: Session, workspace_id: str, index_id: str) -> str:
    """Return the id of a job that builds the index and has not begun, in the caller's unit of work.

    A build that waits already is joined; one that runs may be past what is to be built, so another follows it.
    """
    waiting = select(Job).where(Job.workspace_id == workspace_id, Job.kind == BUILD_INDEX, Job.state == "queued")
    for job in session.scalars(waiting.order_by(Job.created_at, Job.id)):
        if job.arguments["index_id"] == index_id:
            return job.id
    return create_job(session, workspace_id, BUILD_INDEX, {"index_id": index_id})
