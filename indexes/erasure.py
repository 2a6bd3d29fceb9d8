"""The storage half of erasing documents: no result shows them, no job reads them, no segment holds their rows."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from indexes.database.catalog import raise_generation
from indexes.database.engine import now
from indexes.database.tables import Document, IndexRow, Job, Segment, Served, Version, Worker
from indexes.jobs import RunningJob
from indexes.segments import remove_folder, segment_folder, written_segments
from indexes.shared_files import shared_files
from indexes.workers import is_alive

REQUESTS_SECONDS = 3.0
"""How long a request that has begun may still read a segment that was retired."""

ERASED_ERROR = {
    "code": "content_erased",
    "detail": "a document that it rests on was erased",
    "hint": "start it again on the documents that are left",
}


def hide_documents(session: Session, workspace_id: str, document_ids: Collection[str]) -> None:
    """Take the documents out of every index, and their unfinished versions from the jobs that would ingest them."""
    documents = Document.workspace_id == workspace_id, Document.id.in_(document_ids)
    session.execute(update(Document).where(*documents, Document.deleted_at.is_(None)).values(deleted_at=now()))
    unfinished = Version.document_id.in_(document_ids), Version.state.in_(("queued", "processing"))
    session.execute(update(Version).where(*unfinished).values(state="failed", job_id=None, error=ERASED_ERROR))
    session.execute(delete(Served).where(Served.document_id.in_(document_ids)))
    raise_generation(session, workspace_id)


def is_held(session: Session, job: Job) -> bool:
    """Tell whether a process that lives is running the job."""
    worker = session.get(Worker, job.worker_id) if job.state == "running" and job.worker_id else None
    return worker is not None and is_alive(worker.heartbeat_at)


def jobs_begun_before(session: Session, workspace_id: str, moment: datetime, besides: Collection[str]) -> list[str]:
    """Return the jobs of the workspace that began before `moment` and still run, but for the kinds `besides`.

    A job that no living process holds is none of them: whoever takes it up reads everything anew.
    """
    running = Job.workspace_id == workspace_id, Job.state == "running", Job.started_at <= moment
    jobs = session.scalars(select(Job).where(*running, Job.kind.not_in(besides)).order_by(Job.created_at, Job.id))
    return [job.id for job in jobs if is_held(session, job)]


def suspect_segments(session: Session, index_id: str, since: datetime, until: datetime) -> list[str]:
    """Return the live segments, written in [since, until), with rows that the index does not answer with.

    Only such rows can be of a document that the index no longer serves; where they lie is not recorded.
    """
    served = select(func.coalesce(func.sum(Served.row_count), 0)).where(Served.segment_id == Segment.id)
    live = Segment.index_id == index_id, Segment.state == "live"
    written = Segment.created_at >= since, Segment.created_at < until
    statement = select(Segment.id).where(*live, *written, Segment.rows != served.scalar_subquery())
    return list(session.scalars(statement.order_by(Segment.created_at, Segment.id)))


def out_of_use(session: Session, workspace_id: str, since: datetime, until: datetime) -> list[Segment]:
    """Return the segments of the workspace written in [since, until) that are retired or quarantined."""
    statement = select(Segment).join(IndexRow, IndexRow.id == Segment.index_id)
    chosen = IndexRow.workspace_id == workspace_id, Segment.state != "live"
    written = Segment.created_at >= since, Segment.created_at < until
    return list(session.scalars(statement.where(*chosen, *written).order_by(Segment.id)))


def remove_segments(job: RunningJob, data_folder: Path, segments: Sequence[Segment]) -> int:
    """Remove the directories of segments that nothing reads, then their rows; return how many directories."""
    retired_at = max((one.retired_at or now() for one in segments), default=now())
    left_seconds = (retired_at - now()).total_seconds() + REQUESTS_SECONDS
    wait_until = time.monotonic() + min(left_seconds, REQUESTS_SECONDS)  # the clock may have been set back
    while segments and time.monotonic() < wait_until:
        with job.write():  # raises where the job is to end
            pass
        time.sleep(min(0.25, max(0.0, wait_until - time.monotonic())))
    removed = sum(_remove(segment_folder(data_folder, one.index_id, one.id)) for one in segments)
    with job.write() as session:
        session.execute(delete(Segment).where(Segment.id.in_([one.id for one in segments])))
    return removed


def remove_unnamed_folders(session: Session, data_folder: Path, workspace_id: str, until: datetime) -> int:
    """Remove segment directories of the workspace's indexes, last written before `until`, that no row names."""
    index_ids = list(session.scalars(select(IndexRow.id).where(IndexRow.workspace_id == workspace_id)))
    known = set(session.scalars(select(Segment.id).where(Segment.index_id.in_(index_ids))))
    removed = 0
    for index_id in index_ids:
        for folder, written_at in written_segments(data_folder / "segments" / index_id).items():
            if folder.name not in known and written_at < until.timestamp():
                removed += _remove(folder)
    return removed


def _remove(folder: Path) -> bool:
    """Remove a directory, tell whether it was there, and let every store forget it."""
    shared = shared_files(folder)
    is_there = folder.is_dir() or (shared is not None and any(True for _ in shared.files(folder)))
    if is_there:
        remove_folder(folder)
    return is_there
