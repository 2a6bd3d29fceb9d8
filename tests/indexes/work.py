"""Job handlers for tests: effects that cannot happen twice, waiting, failing; and ways to wait for jobs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import select

from configs.errors import InvalidInputError
from indexes.database.engine import Database, now
from indexes.database.tables import Job, Worker, Workspace
from indexes.jobs import FINAL_STATES, Handler, RunningJob, create_job
from indexes.workers import process_space

WAIT_SECONDS = 20.0


def effects(database: Database, job_id: str) -> list[int]:
    """Return the numbers of the batches of a `count` job that took effect, sorted."""
    with database.read() as session:
        names = session.scalars(select(Workspace.id).where(Workspace.name == job_id))
        return sorted(int(name.rsplit(":", 1)[1]) for name in names)


def count(job: RunningJob) -> Iterator[None]:
    """Insert one row a batch, whose key forbids a second one; a batch takes `seconds`."""
    for number in range(len(effects(job.database, job.id)), job.arguments["batches"]):
        time.sleep(job.arguments.get("seconds", 0))
        with job.write() as session:
            session.add(Workspace(id=f"{job.id}:{number}", name=job.id, generation=0))
        yield
    job.result = {"batches": job.arguments["batches"]}


def fail(job: RunningJob) -> Iterator[None]:
    """Fail in the second batch, as expected or not, and leave a note of it."""
    job.on_failure = lambda session, error: session.add(
        Workspace(id=f"{job.id}:note", name=error["code"] if error is not None else "cancelled", generation=0)
    )
    yield
    if job.arguments["expected"]:
        raise InvalidInputError("the value is 7", hint="take 8", code="seven", value=7)
    raise ZeroDivisionError("secret words")


def wait(job: RunningJob) -> Iterator[None]:
    """Go on until somebody cancels."""
    job.on_failure = lambda session, error: session.add(
        Workspace(id=f"{job.id}:note", name="cancelled" if error is None else "failed", generation=0)
    )
    number = 0
    while True:
        number += 1
        job.progress(f"round {number}", 1, 1)
        time.sleep(0.02)
        yield


HANDLERS: dict[str, Handler] = {"count": count, "fail": fail, "wait": wait}


def add_job(database: Database, kind: str = "count", **arguments: object) -> str:
    """Commit a queued job."""
    with database.write() as session:
        return create_job(session, None, kind, arguments)


def load(database: Database, job_id: str) -> Job:
    """Return the job as it is now."""
    with database.read() as session:
        return session.get_one(Job, job_id)


def note(database: Database, job_id: str) -> str | None:
    """Return what a job's `on_failure` wrote."""
    with database.read() as session:
        return session.scalar(select(Workspace.name).where(Workspace.id == f"{job_id}:note"))


def until(condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    """Wait for the condition; fail where it does not come true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def finished(database: Database, *job_ids: str, seconds: float = WAIT_SECONDS) -> Sequence[Job]:
    """Wait until the jobs have ended and return them."""
    until(lambda: all(load(database, job_id).state in FINAL_STATES for job_id in job_ids), seconds)
    return [load(database, job_id) for job_id in job_ids]


def ended_process() -> int:
    """Return the id of a process that lives no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def left_behind(database: Database, **worker: Any) -> str:
    """Return a job that another worker had in its third lease, after two of four batches."""
    worker_id = f"worker_{now().timestamp()}"
    job_id = add_job(database, "left", batches=4)
    defaults = {"id": worker_id, "host": process_space(), "process_id": os.getppid(), "heartbeat_at": now()}
    with database.write() as session:
        if worker:
            session.add(Worker(**{**defaults, **worker}))
        job = session.get_one(Job, job_id)
        job.kind, job.state, job.lease, job.worker_id = "count", "running", 3, worker_id
    return job_id
