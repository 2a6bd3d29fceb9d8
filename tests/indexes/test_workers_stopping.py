"""Processes that come and go: what they hand back, what they do not take, and that two never do one job twice."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dbos import DBOS
from sqlalchemy import select

from indexes.database.engine import Database
from indexes.database.tables import Job, Worker
from indexes.workers import Workers
from tests.indexes.work import HANDLERS, add_job, effects, finished, load, until
from tests.indexes.worker_process import process

pytestmark = pytest.mark.slow


@contextmanager
def working(database: Database, folder: Path, *, runs_jobs: bool = True) -> Iterator[Workers]:
    workers = Workers(database, HANDLERS, data_folder=folder, threads=2, runs_jobs=runs_jobs)
    workers.start()
    try:
        yield workers
    finally:
        workers.stop()


def signed_in(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Worker.id)))


def test_a_process_that_stops_hands_its_jobs_to_the_next(database: Database, tmp_path: Path) -> None:
    job_id = add_job(database, batches=25, seconds=0.02)
    with working(database, tmp_path) as first:
        until(lambda: len(effects(database, job_id)) > 2)
    handed_back = load(database, job_id)
    done = len(effects(database, job_id))
    assert (handed_back.state, handed_back.worker_id, handed_back.lease) == ("queued", None, 1)
    assert (signed_in(database), 2 < done < 25) == ([], True)
    with working(database, tmp_path) as second:
        (job,) = finished(database, job_id)
    assert (job.state, job.lease, job.worker_id, first.id != second.id) == ("succeeded", 2, second.id, True)
    assert effects(database, job_id) == list(range(25))


@pytest.mark.parametrize("is_busy", [False, True])
def test_the_end_of_a_process_waits_for_jobs_that_run_alone(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_busy: bool
) -> None:
    waits: list[bool] = []
    destroy = DBOS.destroy

    def noting(*, workflow_completion_timeout_sec: int) -> None:
        waits.append(workflow_completion_timeout_sec > 0)
        destroy(workflow_completion_timeout_sec=workflow_completion_timeout_sec)

    monkeypatch.setattr(DBOS, "destroy", noting)
    job_id = add_job(database, batches=1, seconds=2.0 if is_busy else 0.0)
    with working(database, tmp_path) as workers:
        if is_busy:
            until(lambda: job_id in workers._under_way)
        else:
            finished(database, job_id)
            until(lambda: not workers._under_way)
    assert waits == [is_busy]
    assert load(database, job_id).state == ("queued" if is_busy else "succeeded")


def test_a_process_without_workers_hands_out_and_runs_nothing(database: Database, tmp_path: Path) -> None:
    job_id = add_job(database, batches=1)
    with working(database, tmp_path, runs_jobs=False) as idle:
        assert idle.is_ready
        idle.enqueue(job_id)
        assert signed_in(database) == []
        probe = add_job(database, batches=1)
        idle.enqueue(probe)
    assert [load(database, one).state for one in (job_id, probe)] == ["queued", "queued"]
    with working(database, tmp_path):
        assert {job.state for job in finished(database, job_id, probe)} == {"succeeded"}


def test_the_file_of_the_queue_may_be_lost(database: Database, tmp_path: Path) -> None:
    job_id = add_job(database, batches=15, seconds=0.02)
    with working(database, tmp_path):
        until(lambda: len(effects(database, job_id)) > 2)
    for file in tmp_path.glob("jobs.sqlite*"):
        file.unlink()
    with working(database, tmp_path):
        assert finished(database, job_id)[0].state == "succeeded"
    assert effects(database, job_id) == list(range(15))


def held_by(database: Database, process_id: int) -> set[str]:
    """Return the jobs that a process which ended was running."""
    with database.read() as session:
        its = select(Worker.id).where(Worker.process_id == process_id)
        return set(session.scalars(select(Job.id).where(Job.state == "running", Job.worker_id.in_(its))))


def test_two_processes_never_do_one_job_twice(database: Database, tmp_path: Path) -> None:
    with process(tmp_path), process(tmp_path):
        job_ids = [add_job(database, batches=5, seconds=0.01) for _ in range(30)]
        jobs = finished(database, *job_ids, seconds=60)
    assert {(job.state, job.lease) for job in jobs} == {("succeeded", 1)}
    for job_id in job_ids:
        assert effects(database, job_id) == [0, 1, 2, 3, 4]
    assert signed_in(database) == []


def test_the_jobs_of_a_killed_process_are_taken_up_by_another(database: Database, tmp_path: Path) -> None:
    with process(tmp_path):
        job_ids = [add_job(database, batches=50, seconds=0.02) for _ in range(4)]
        with process(tmp_path) as doomed:
            until(lambda: all(len(effects(database, job_id)) > 2 for job_id in job_ids), 60)
            doomed.send_signal(signal.SIGKILL)
            doomed.wait()
            left = held_by(database, doomed.pid)
        jobs = finished(database, *job_ids, seconds=60)
    assert {job.state for job in jobs} == {"succeeded"}
    assert {job.id for job in jobs if job.lease == 2} == left
    assert {job.lease for job in jobs} <= {1, 2}
    for job_id in job_ids:
        assert effects(database, job_id) == list(range(50))
    with database.read() as session:
        assert session.scalars(select(Job.id).where(Job.state.in_(("queued", "running")))).all() == []
