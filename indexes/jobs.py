"""Durable jobs: their rows, their progress and cancelling, and what a running one may do.

The row is the truth. A handler is a generator that yields after each committed batch and finds out from SQL what is
left, so a job that was killed anywhere goes on from its last committed batch, whoever takes it up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from configs.errors import NotFoundError
from configs.part import JsonObject
from indexes.database.counters import STAGE_SECONDS, STAGES, count
from indexes.database.engine import Database, new_id, now
from indexes.database.tables import Job

FINAL_STATES = ("succeeded", "failed", "cancelled")
PROGRESS_INTERVAL_SECONDS = 0.25

Handler = Callable[["RunningJob"], Iterator[None]]
OnFailure = Callable[[Session, JsonObject | None], None]
"""Called in the unit of work that ends a job as failed, with its error, or as cancelled, with None."""


class JobCancelledError(Exception):
    """Somebody asked for the job to end."""


class JobInterruptedError(Exception):
    """This process is stopping; the job goes back to the queue."""


class LeaseLostError(Exception):
    """Another worker took the job up; what this one still does must have no effect."""


def create_job(session: Session, workspace_id: str | None, kind: str, arguments: JsonObject, job_id: str = "") -> str:
    """Insert a queued job in the caller's unit of work and return its id; workers find it after the commit."""
    identifier = job_id or new_id("job")
    session.add(Job(id=identifier, workspace_id=workspace_id, kind=kind, arguments=arguments, state="queued"))
    return identifier


def load_job(session: Session, job_id: str, workspace_id: str | None = None) -> Job:
    """Return the job, or raise NotFoundError; with `workspace_id`, only one of that workspace."""
    job = session.get(Job, job_id)
    if job is None or (workspace_id is not None and job.workspace_id != workspace_id):
        raise NotFoundError("job", job_id)
    return job


def request_cancel(session: Session, job_id: str) -> Job:
    """Ask a job to end; a queued one ends at once, a finished one stays as it is."""
    job = load_job(session, job_id)
    if job.state == "queued":
        job.state, job.stage, job.finished_at = "cancelled", "cancelled", now()
    if job.state == "running":
        job.cancel_requested = True
    return job


def remaining_seconds(job: Job) -> float | None:
    """Return the estimated time to the end of the present stage, None where nothing is known yet."""
    if job.state != "running" or job.stage_started_at is None or not 0 < job.done <= job.total:
        return None
    elapsed_seconds = (now() - job.stage_started_at).total_seconds()
    return round(elapsed_seconds / job.done * (job.total - job.done), 1)


_LEASE = select(Job.lease, Job.state, Job.cancel_requested).where(Job.id == bindparam("job_id"))
"""Made once, as each write of a job asks for it."""


class RunningJob:
    """A job under way in this process, with the lease that guards its effects."""

    def __init__(self, database: Database, job: Job, lease: int, stopping: threading.Event) -> None:
        self.database = database
        self.id = job.id
        self.workspace_id = job.workspace_id
        self.arguments: JsonObject = job.arguments
        self.result: JsonObject = dict(job.result or {})
        self.on_failure: OnFailure | None = None
        self._lease = lease
        self._stopping = stopping
        self._kind = job.kind
        self._stage = ""
        self._stage_began = 0.0
        self._next_progress_at = 0.0

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Yield a write unit of work whose effects hold only while this worker has the job's lease.

        Raises LeaseLostError, JobCancelledError or JobInterruptedError before anything is written.
        """
        with self.database.write() as session:
            self._check(session)
            yield session

    def progress(self, stage: str, done: int, total: int) -> None:
        """Record how far `stage` is; rows are written at most every PROGRESS_INTERVAL_SECONDS and at a stage's ends."""
        moment = time.monotonic()
        if stage == self._stage and done < total and moment < self._next_progress_at:
            return
        self._next_progress_at = moment + PROGRESS_INTERVAL_SECONDS
        values: dict[str, Any] = {"stage": stage, "done": done, "total": total}
        with self.write() as session:
            if stage != self._stage:
                values["stage_started_at"] = now()
                self.count_stage(session)
            session.execute(update(Job).where(Job.id == self.id).values(values))
        if stage != self._stage:
            self._stage, self._stage_began = stage, moment

    def count_stage(self, session: Session) -> None:
        """Add the seconds of the stage that ends now to those of its workspace, in the caller's unit of work."""
        if self._stage:
            label = f"{self._kind}/{self._stage}"
            count(session, self.workspace_id, STAGE_SECONDS, label, time.monotonic() - self._stage_began)
            count(session, self.workspace_id, STAGES, label, 1)

    def keep(self, session: Session, **values: Any) -> None:
        """Put `values` into the job's result, in the caller's unit of work.

        A later attempt finds them in `result`, and a reader of the job even where it fails.
        """
        self.result = {**self.result, **values}
        session.execute(update(Job).where(Job.id == self.id).values(result=self.result))

    def _check(self, session: Session) -> None:
        found = session.execute(_LEASE, {"job_id": self.id}).one_or_none()
        lease, state, cancel_requested = found or (-1, "gone", False)
        if lease != self._lease or state != "running":
            raise LeaseLostError(f"job {self.id}: lease {self._lease} was lost to {lease} ({state})")
        if cancel_requested:
            raise JobCancelledError
        if self._stopping.is_set():
            raise JobInterruptedError


def finish(session: Session, job_id: str, lease: int, state: str, **values: Any) -> bool:
    """Put a running job into `state` if `lease` still holds it; tell whether it did."""
    if state in FINAL_STATES:
        values["finished_at"] = now()
    statement = update(Job).where(Job.id == job_id, Job.lease == lease, Job.state == "running")
    count: int = session.execute(statement.values(state=state, **values)).rowcount  # type: ignore[attr-defined]  # an UPDATE's cursor result
    return count == 1
