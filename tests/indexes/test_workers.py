"""Workers: jobs run, fail, are cancelled, and are taken up whatever became of who had them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dbos import DBOS

from indexes.database.engine import Database, now
from indexes.database.tables import Job, Worker
from indexes.jobs import request_cancel
from indexes.workers import DEAD_AFTER_SECONDS, HAND_OUT_SECONDS, Workers, process_space
from tests.database import fresh_database
from tests.indexes.work import (
    HANDLERS,
    add_job,
    effects,
    ended_process,
    finished,
    left_behind,
    load,
    note,
    until,
)

THREADS = 3


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with fresh_database(tmp_path_factory.mktemp("jobs")) as database:
        yield database


@pytest.fixture(scope="module")
def workers(database: Database) -> Iterator[Workers]:
    folder = Path(str(database.url.database)).parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexes.workers.HEARTBEAT_SECONDS", 0.2)
        workers = Workers(database, HANDLERS, data_folder=folder, threads=THREADS, runs_jobs=True)
        assert not workers.is_ready
        workers.start()
        assert workers.is_ready
        yield workers
        workers.stop()


def test_a_job_runs(database: Database, workers: Workers) -> None:
    job_id = add_job(database, batches=3)
    workers.enqueue(job_id)
    (job,) = finished(database, job_id)
    assert (job.state, job.stage, job.result, job.error) == ("succeeded", "finished", {"batches": 3}, None)
    assert (job.lease, job.worker_id) == (1, workers.id)
    assert job.started_at is not None
    assert job.finished_at is not None
    assert job.created_at <= job.started_at <= job.finished_at <= now()
    assert effects(database, job_id) == [0, 1, 2]


def test_a_job_that_nobody_handed_out_is_found(database: Database, workers: Workers) -> None:
    (job,) = finished(database, add_job(database, batches=1))
    assert (job.state, job.worker_id) == ("succeeded", workers.id)


def test_handing_out_many_times_runs_it_once(database: Database, workers: Workers) -> None:
    job_id = add_job(database, batches=4, seconds=0.05)
    for lease in (0, 0, 1, 2, 3):
        workers.enqueue(job_id, lease)
    (job,) = finished(database, job_id)
    workers.enqueue(job_id)
    workers.enqueue(job_id, 9)
    later = add_job(database, batches=1)
    workers.enqueue(later)
    finished(database, later)
    assert (job.state, load(database, job_id).lease) == ("succeeded", 1)
    assert effects(database, job_id) == [0, 1, 2, 3]


def test_a_hand_out_that_fails_is_made_good(
    database: Database, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("the disk is full")

    job_id = add_job(database, batches=1)
    with monkeypatch.context() as patch:
        patch.setattr(DBOS, "enqueue_workflow", refuse)
        workers.enqueue(job_id)
    assert finished(database, job_id)[0].state == "succeeded"


def test_an_expected_failure_says_what_to_do(database: Database, workers: Workers) -> None:
    job_id = add_job(database, "fail", expected=True)
    workers.enqueue(job_id)
    (job,) = finished(database, job_id)
    assert (job.state, job.result) == ("failed", None)
    assert job.error == {"code": "seven", "detail": "the value is 7", "hint": "take 8", "value": 7}
    assert note(database, job_id) == "seven"


def test_an_unexpected_failure_tells_no_secrets(database: Database, workers: Workers) -> None:
    job_id = add_job(database, "fail", expected=False)
    workers.enqueue(job_id)
    (job,) = finished(database, job_id)
    assert job.error is not None
    assert (job.state, job.error["code"], job_id in job.error["hint"]) == ("failed", "internal_error", True)
    assert "secret" not in str(job.error)
    assert note(database, job_id) == "internal_error"


def test_a_running_job_is_cancelled_at_its_next_batch(database: Database, workers: Workers) -> None:
    job_id = add_job(database, "wait")
    workers.enqueue(job_id)
    until(lambda: load(database, job_id).stage.startswith("round"))
    with database.write() as session:
        request_cancel(session, job_id)
    (job,) = finished(database, job_id)
    assert (job.state, job.stage, job.error) == ("cancelled", "cancelled", None)
    assert note(database, job_id) == "cancelled"


def test_a_queued_job_that_was_cancelled_never_runs(database: Database, workers: Workers) -> None:
    job_id = add_job(database, batches=1)
    with database.write() as session:
        request_cancel(session, job_id)
    workers.enqueue(job_id)
    later = add_job(database, batches=1)
    workers.enqueue(later)
    finished(database, later)
    assert (load(database, job_id).state, effects(database, job_id)) == ("cancelled", [])


def test_a_kind_that_this_release_does_not_know_waits_and_blocks_nobody(database: Database, workers: Workers) -> None:
    unknown = [add_job(database, "from_the_future") for _ in range(2 * THREADS)]
    for job_id in unknown:
        workers.enqueue(job_id)
    assert finished(database, add_job(database, batches=1))[0].state == "succeeded"
    assert {(load(database, job_id).state, load(database, job_id).lease) for job_id in unknown} == {("queued", 0)}


def test_as_many_jobs_run_at_once_as_there_are_threads(database: Database, workers: Workers) -> None:
    job_ids = [add_job(database, "wait") for _ in range(THREADS + 2)]
    for job_id in job_ids:
        workers.enqueue(job_id)

    def running() -> list[str]:
        return [job_id for job_id in job_ids if load(database, job_id).state == "running"]

    until(lambda: len(running()) == THREADS)
    for job_id in job_ids:
        assert len(running()) <= THREADS
        with database.write() as session:
            request_cancel(session, job_id)
    assert {job.state for job in finished(database, *job_ids)} == {"cancelled"}


@pytest.mark.parametrize(
    "how", ["process ended", "process id taken by this one", "silent for long", "clock set back", "no row"]
)
def test_the_job_of_a_dead_worker_is_taken_up(database: Database, workers: Workers, how: str) -> None:
    signs: dict[str, dict[str, Any]] = {
        "process ended": {"process_id": ended_process()},
        "process id taken by this one": {"process_id": os.getpid()},
        "silent for long": {"host": "elsewhere", "heartbeat_at": now() - timedelta(seconds=DEAD_AFTER_SECONDS + 1)},
        "clock set back": {"host": "elsewhere", "heartbeat_at": now() + timedelta(hours=1)},
        "no row": {},
    }
    (job,) = finished(database, left_behind(database, **signs[how]))
    assert (job.state, job.lease, job.worker_id) == ("succeeded", 4, workers.id)


def test_what_had_begun_comes_before_what_waits(database: Database, workers: Workers) -> None:
    waiting = [add_job(database, batches=4, seconds=0.1) for _ in range(6 * THREADS)]
    for job_id in waiting:
        workers.enqueue(job_id)
    until(lambda: any(load(database, job_id).state == "running" for job_id in waiting))
    taken_up = left_behind(database, host="elsewhere", heartbeat_at=now() - timedelta(seconds=2 * DEAD_AFTER_SECONDS))
    (job,) = finished(database, taken_up)
    last = max(one.started_at or now() for one in finished(database, *waiting))
    assert job.finished_at is not None
    assert job.finished_at < last


@pytest.mark.parametrize("host", ["elsewhere", process_space()])
def test_the_job_of_a_living_worker_is_left_alone(database: Database, workers: Workers, host: str) -> None:
    job_id = left_behind(database, host=host, heartbeat_at=now() - timedelta(seconds=2))
    workers.enqueue(job_id, 3)
    finished(database, add_job(database, batches=1), add_job(database, batches=1))
    job = load(database, job_id)
    assert (job.state, job.lease, job.worker_id != workers.id) == ("running", 3, True)
    with database.write() as session:
        session.get_one(Job, job_id).state = "cancelled"


def test_a_process_id_of_another_namespace_tells_nothing(database: Database, workers: Workers) -> None:
    space = f"{socket.gethostname()} pid:[1]"
    job_id = left_behind(database, host=space, process_id=2**22 + 1, heartbeat_at=now() - timedelta(seconds=2))
    workers.enqueue(job_id, 3)
    finished(database, add_job(database, batches=1), add_job(database, batches=1))
    assert (load(database, job_id).state, load(database, job_id).lease) == ("running", 3)
    with database.write() as session:
        session.get_one(Job, job_id).state = "cancelled"


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_set_neither_stops_jobs_nor_does_them_twice(
    database: Database, workers: Workers, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    first = add_job(database, batches=2)
    workers.enqueue(first)
    finished(database, first)
    jumped = timedelta(hours=hours)
    monkeypatch.setattr("indexes.workers.now", lambda: now() + jumped)
    jobs = [add_job(database, batches=2) for _ in range(3)]  # nobody hands them out: the sweep must find them
    assert {(job.state, job.lease) for job in finished(database, *jobs)} == {("succeeded", 1)}


def test_a_job_is_handed_out_again_after_the_clock_was_set_back(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []

    def noting(name: str) -> AbstractContextManager[None]:
        names.append(name)
        return nullcontext()

    monotonic = iter([1_000.0, 1_000.0 + HAND_OUT_SECONDS])
    monkeypatch.setattr("indexes.workers.time", SimpleNamespace(time=lambda: 5.0, monotonic=lambda: next(monotonic)))
    monkeypatch.setattr(DBOS, "enqueue_workflow", lambda *_: None)
    monkeypatch.setattr("indexes.workers.SetWorkflowID", noting)
    workers.enqueue("job")
    workers.enqueue("job")
    assert len(set(names)) == 2


def test_losing_the_lease_ends_the_attempt_without_a_word(database: Database, workers: Workers) -> None:
    job_id = add_job(database, "wait")
    workers.enqueue(job_id)
    until(lambda: load(database, job_id).stage.startswith("round"))
    with database.write() as session:
        job = session.get_one(Job, job_id)
        job.lease, job.worker_id, job.stage = 7, "somebody else", "theirs"
        session.add(Worker(id="somebody else", host="elsewhere", process_id=1, heartbeat_at=now()))
    assert finished(database, add_job(database, batches=1))[0].state == "succeeded"
    job = load(database, job_id)
    assert (job.state, job.lease, job.stage, note(database, job_id)) == ("running", 7, "theirs", None)
    with database.write() as session:
        session.get_one(Job, job_id).state = "cancelled"


def test_a_workflow_that_dies_leaves_its_job_to_the_sweep(
    database: Database, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where DBOS cannot record a step, because its file is locked or the disk is full."""
    job_id = add_job(database, batches=3)
    advance, deaths = workers.advance, iter([False, True])

    def die_once(moving: str, workflow_id: str) -> bool:
        goes_on = advance(moving, workflow_id)
        if moving == job_id and next(deaths, False):
            raise OSError("database is locked")
        return goes_on

    monkeypatch.setattr(workers, "advance", die_once)
    workers.enqueue(job_id)
    (job,) = finished(database, job_id)
    assert (job.state, job.lease, effects(database, job_id)) == ("succeeded", 2, [0, 1, 2])


def test_the_worker_gives_signs_of_life(database: Database, workers: Workers) -> None:
    def sign() -> Worker:
        with database.read() as session:
            return session.get_one(Worker, workers.id)

    first = sign()
    assert (first.host, first.process_id) == (process_space(), os.getpid())
    until(lambda: sign().heartbeat_at > first.heartbeat_at)


def test_the_heart_goes_on_beating_after_a_failure(
    database: Database, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[int] = []

    def fail() -> None:
        failures.append(1)
        raise OSError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(workers, "_sweep", fail)
        until(lambda: len(failures) >= 2)
    assert finished(database, add_job(database, batches=1))[0].state == "succeeded"
