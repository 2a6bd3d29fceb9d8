"""The job that removes what a deleted workspace leaves: rows, uploads and segments."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import delete, select, update

from indexes.database.counters import CounterRow
from indexes.database.engine import now
from indexes.database.tables import Document, IndexRow, Job, Segment, Served, Version, Workspace
from indexes.jobs import FINAL_STATES, Handler, RunningJob
from indexes.segments import remove_index_folder
from indexes.shared_files import shared_files

PURGE = "purge_workspace"
VERSIONS_PER_BATCH = 500


def purge_handler(data_folder: Path) -> Handler:
    """Return the handler; a workspace's files lie below `data_folder`."""

    def purge(job: RunningJob) -> Iterator[None]:
        workspace_id: str = job.arguments["workspace_id"]
        _cancel_jobs(job, workspace_id)
        with job.database.read() as session:
            index_ids = list(session.scalars(select(IndexRow.id).where(IndexRow.workspace_id == workspace_id)))
        with job.write() as session:
            session.execute(delete(Served).where(Served.index_id.in_(index_ids)))
            session.execute(delete(Segment).where(Segment.index_id.in_(index_ids)))
        yield
        while True:
            with job.write() as session:
                versions = select(Version.id).where(Version.workspace_id == workspace_id).limit(VERSIONS_PER_BATCH)
                ids = list(session.scalars(versions))
                session.execute(delete(Version).where(Version.id.in_(ids)))
            if not ids:
                break
            yield
        for index_id in index_ids:
            remove_index_folder(data_folder, index_id)
        uploads = data_folder / "uploads" / workspace_id
        shutil.rmtree(uploads, ignore_errors=True)
        shared = shared_files(uploads)
        if shared is not None:
            shared.remove(uploads)
        with job.write() as session:
            session.execute(delete(Document).where(Document.workspace_id == workspace_id))
            session.execute(delete(Workspace).where(Workspace.id == workspace_id))
            session.execute(delete(Job).where(Job.workspace_id == workspace_id))
            session.execute(delete(CounterRow).where(CounterRow.workspace_id == workspace_id))

    return purge


def _cancel_jobs(job: RunningJob, workspace_id: str) -> None:
    with job.write() as session:
        unfinished = (Job.workspace_id == workspace_id, Job.state.not_in(FINAL_STATES))
        queued = update(Job).where(*unfinished, Job.state == "queued")
        session.execute(queued.values(state="cancelled", stage="cancelled", finished_at=now()))
        session.execute(update(Job).where(*unfinished).values(cancel_requested=True))
