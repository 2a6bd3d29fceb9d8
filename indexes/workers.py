"""Runs jobs through DBOS Transact: queue, heartbeat, and a sweep that takes up what dead processes left.

Each time a job is handed out it is a new workflow; what is left to do comes from SQL, never from the workflow
(decision 0002). Losing DBOS's own file loses nothing: the sweep enqueues unfinished jobs that no living worker holds.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from dbos import DBOS, SetEnqueueOptions, SetWorkflowID
from sqlalchemy import URL, delete, select
from sqlalchemy.orm import Session

from configs.errors import DatabaseUnavailableError, PlaygroundError
from configs.log_lines import JOB_ID, REQUEST_ID, WORKSPACE_ID
from indexes.database.engine import Database, new_id, now
from indexes.database.tables import Job, Worker
from indexes.durable_files import make_private_file
from indexes.jobs import (
    FINAL_STATES,
    Handler,
    JobCancelledError,
    JobInterruptedError,
    LeaseLostError,
    RunningJob,
    finish,
)

QUEUE = "playground_jobs"
HEARTBEAT_SECONDS = 2.0
DEAD_AFTER_SECONDS = 15.0
HAND_OUT_SECONDS = 15
POLLING_SECONDS = 0.2
STOP_SECONDS = 4
BEGUN_FIRST, FRESH_LATER = 1, 2
"""Priorities in the queue, where a lower one comes first."""

logger = logging.getLogger("playground.jobs")
_running: list[Workers] = []


@DBOS.workflow(name="playground_job", max_recovery_attempts=None)
def _run_job(job_id: str) -> None:
    workers, workflow_id = _running[-1], str(DBOS.workflow_id)
    REQUEST_ID.set(None)  # the job outlives the request that enqueued it
    try:
        while DBOS.run_step({"name": "batch"}, workers.advance, job_id, workflow_id):
            pass
    finally:
        JOB_ID.set(None)
        WORKSPACE_ID.set(None)
        workers.let_go(job_id, workflow_id)


class _Attempt(NamedTuple):
    workflow_id: str
    lease: int
    job: RunningJob
    batches: Iterator[None]


class Workers:
    """The job engine of one process; `start` and `stop` belong in the service's lifespan."""

    def __init__(
        self, database: Database, handlers: Mapping[str, Handler], *, data_folder: Path, threads: int, runs_jobs: bool
    ) -> None:
        self.id = new_id("worker")
        self._database = database
        self._handlers = handlers
        self._data_folder = data_folder
        self._threads = threads
        self._runs_jobs = runs_jobs
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._lock = threading.Lock()
        self._under_way: dict[str, _Attempt] = {}
        self._heartbeat = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    @property
    def is_ready(self) -> bool:
        """Tell whether the queue is registered."""
        return self._ready.is_set()

    def start(self) -> None:
        """Open the queue, take up what earlier processes left, and begin to work.

        Call it from a thread without a running event loop: DBOS registers queues only there.
        """
        if self._database.url.get_backend_name() == "sqlite":
            make_private_file(path := self._data_folder.resolve() / "jobs.sqlite")
            url = URL.create("sqlite", database=str(path)).render_as_string()
        else:
            url = self._database.url.render_as_string(hide_password=False)
        for name in ("dbos", "dbos._sys_db"):
            logging.getLogger(name).setLevel(logging.ERROR)
        if self._runs_jobs:  # before the first job: one whose worker has no row is anybody's
            self._sign_in()
        DBOS(
            config={
                "name": "context-playground",
                "system_database_url": url,
                "application_version": "jobs-1",
                "executor_id": self.id,
                "log_level": "ERROR",
                "console_log_level": "ERROR",
            }
        )
        DBOS.listen_queues([QUEUE] if self._runs_jobs else [])
        _running.append(self)
        DBOS.launch()
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=self._threads,
            polling_interval_sec=POLLING_SECONDS,
            on_conflict="always_update" if self._runs_jobs else "never_update",
        )
        self._ready.set()
        if self._runs_jobs:
            self._heartbeat.start()

    def stop(self) -> None:
        """Hand running jobs back to the queue and close it, at once where none runs, else within STOP_SECONDS."""
        self._stopping.set()
        if self._runs_jobs:
            self._heartbeat.join(timeout=STOP_SECONDS)
        with self._lock:
            is_idle = not self._under_way
        DBOS.destroy(workflow_completion_timeout_sec=0 if is_idle else STOP_SECONDS)  # which looks once a second
        _running.remove(self)
        with self._database.write() as session:
            session.execute(delete(Worker).where(Worker.id == self.id))

    def enqueue(self, job_id: str, lease: int = 0) -> None:
        """Hand a committed job to the queue; doing so twice is harmless. Never call it inside a unit of work.

        The time in the workflow's id lets the sweep repair a hand-out that came to nothing (the process that took it
        from the queue died), so a failure is no error. It is of a clock that nobody sets. A job that had begun stands
        before those that have not.
        """
        workflow_id = f"{job_id}:{lease}:{self.id}:{int(time.monotonic() // HAND_OUT_SECONDS)}"
        try:
            with SetWorkflowID(workflow_id), SetEnqueueOptions(priority=BEGUN_FIRST if lease else FRESH_LATER):
                DBOS.enqueue_workflow(QUEUE, _run_job, job_id)
        except Exception:
            logger.warning("job %s was not handed out; it waits for the next sweep", job_id, exc_info=True)

    def advance(self, job_id: str, workflow_id: str) -> bool:
        """Do the job's next batch; return whether there may be more."""
        JOB_ID.set(job_id)
        attempt = self._under_way.get(job_id) or self._claim(job_id, workflow_id)
        if attempt is None or attempt.workflow_id != workflow_id:
            return False
        try:
            next(attempt.batches)
            return True
        except StopIteration:
            outcome: dict[str, Any] = {"state": "succeeded", "stage": "finished", "result": attempt.job.result}
        except JobCancelledError:
            outcome = {"state": "cancelled", "stage": "cancelled"}
        except JobInterruptedError:
            outcome = {"state": "queued", "worker_id": None}
        except LeaseLostError as error:
            logger.info("%s", error)
            outcome = {}
        except DatabaseUnavailableError:
            logger.warning("job %s waits for the database", job_id)  # it is swept up when that answers again
            outcome = {}
        except PlaygroundError as error:
            outcome = {"state": "failed", "error": error.as_dict()}
        except Exception:
            logger.exception("job %s failed", job_id)
            outcome = {"state": "failed", "error": _unexpected(job_id)}
        if outcome:
            self._end(attempt, outcome)
        return False

    def let_go(self, job_id: str, workflow_id: str) -> None:
        """Forget the attempt of a workflow that ended, however it did, so that an unfinished job can be swept up."""
        with self._lock:
            attempt = self._under_way.get(job_id)
            if attempt is not None and attempt.workflow_id == workflow_id:
                del self._under_way[job_id]

    def _end(self, attempt: _Attempt, outcome: dict[str, Any]) -> None:
        job = attempt.job
        with self._database.write() as session:
            if not finish(session, job.id, attempt.lease, **outcome):
                return
            job.count_stage(session)
            if outcome["state"] in ("failed", "cancelled") and job.on_failure is not None:
                job.on_failure(session, outcome.get("error"))

    def _claim(self, job_id: str, workflow_id: str) -> _Attempt | None:
        with self._lock:
            with self._database.write() as session:
                job = session.get(Job, job_id)
                if job is None or not self._is_free(session, job.id, job.state, job.worker_id):
                    return None
                if job.kind not in self._handlers:  # it waits for a process of the release that knows it
                    return None
                job.state, job.worker_id, job.lease = "running", self.id, job.lease + 1
                job.started_at = job.started_at or now()
            WORKSPACE_ID.set(job.workspace_id)
            running = RunningJob(self._database, job, job.lease, self._stopping)
            attempt = _Attempt(workflow_id, job.lease, running, self._handlers[job.kind](running))
            self._under_way[job_id] = attempt
            return attempt

    def _beat(self) -> None:
        while not self._stopping.is_set():
            try:
                self._sign_in()
                self._sweep()
            except Exception:
                logger.exception("heartbeat failed; trying again in %s s", HEARTBEAT_SECONDS)
            self._stopping.wait(HEARTBEAT_SECONDS)

    def _sign_in(self) -> None:
        with self._database.write() as session:
            session.merge(Worker(id=self.id, host=process_space(), process_id=os.getpid(), heartbeat_at=now()))

    def _sweep(self) -> None:
        """Enqueue unfinished jobs that no living worker holds: all that had begun, and of the others the oldest, as
        many as can begin here at once. More of these would only stand before new jobs in the queue.
        """
        columns = select(Job.id, Job.lease, Job.state, Job.worker_id)
        statement = columns.where(Job.state.in_(("queued", "running")), Job.kind.in_(self._handlers))
        with self._lock, self._database.read() as session:
            unfinished = session.execute(statement.order_by(Job.created_at, Job.id)).all()
            left = [
                (job.id, job.lease) for job in unfinished if self._is_free(session, job.id, job.state, job.worker_id)
            ]
            room = max(0, self._threads - len(self._under_way))
        begun, fresh = ([one for one in left if bool(one[1]) is has_begun] for has_begun in (True, False))
        for job_id, lease in (*begun, *fresh[:room]):
            self.enqueue(job_id, lease)

    def _is_free(self, session: Session, job_id: str, state: str, worker_id: str | None) -> bool:
        """Tell whether the job waits for somebody: queued, or running in a process that lives no more."""
        if self._stopping.is_set() or state in FINAL_STATES:
            return False
        if state == "queued":
            return True
        worker = session.get(Worker, worker_id) if worker_id else None
        if worker is None:
            return True
        if worker.id == self.id:
            return job_id not in self._under_way
        if worker.host == process_space() and not _is_other_process(worker.process_id):
            return True
        return not is_alive(worker.heartbeat_at)


@cache
def process_space() -> str:
    """Return where process ids are told apart: containers that share a host's name see nothing of each other's."""
    told = [socket.gethostname()]
    with contextlib.suppress(OSError):  # only Linux has these
        told.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        told.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(told)


def is_alive(heartbeat_at: datetime) -> bool:
    """Tell whether a worker whose last sign of life was then lives.

    One from the future says no: the clock was set back since, and a worker that lives has given another sign by then.
    """
    return abs(now() - heartbeat_at) <= timedelta(seconds=DEAD_AFTER_SECONDS)


def _is_other_process(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except OSError as error:  # also where it is another user's
        return not isinstance(error, ProcessLookupError)
    return process_id != os.getpid()


def _unexpected(job_id: str) -> dict[str, str]:
    return {
        "code": "internal_error",
        "detail": "the job stopped on an unexpected error",
        "hint": f"look for {job_id} in the service's log",
    }
