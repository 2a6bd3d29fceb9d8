"""Jobs that bring an index up to date, queued in the unit of work that needs them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexes.database.tables import Job
from indexes.jobs import create_job
from ingest.pipeline import BUILD_INDEX


def queue_build(session: Session, workspace_id: str, index_id: str) -> str:
    """Return the id of a job that brings the index up to date with what is committed by now; workers find it.

    A build that waits already is joined; one that runs may be past the documents, so another follows it.
    """
    waiting = select(Job).where(Job.workspace_id == workspace_id, Job.kind == BUILD_INDEX, Job.state == "queued")
    for job in session.scalars(waiting.order_by(Job.created_at, Job.id)):
        if job.arguments["index_id"] == index_id:
            return job.id
    return create_job(session, workspace_id, BUILD_INDEX, {"index_id": index_id})
