"""Job rows: progress, cancelling, the time left, and that nobody without the lease has any effect."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from configs.errors import NotFoundError
from indexes.database.counters import STAGE_SECONDS, STAGES, load_counters
from indexes.database.engine import Database, now
from indexes.database.tables import Job, Workspace
from indexes.jobs import (
    FINAL_STATES,
    PROGRESS_INTERVAL_SECONDS,
    JobCancelledError,
    JobInterruptedError,
    LeaseLostError,
    RunningJob,
    create_job,
    finish,
    load_job,
    remaining_seconds,
    request_cancel,
)
from tests.database import add_workspace


def run(database: Database, **values: Any) -> RunningJob:
    """Create a job and return it as its first worker holds it."""
    with database.write() as session:
        job = Job(**{"id": "j", "kind": "k", "arguments": {"a": 1}, "state": "running", "lease": 1, **values})
        session.add(job)
    return RunningJob(database, job, 1, threading.Event())


def change(database: Database, **values: Any) -> None:
    with database.write() as session:
        session.execute(update(Job).where(Job.id == "j").values(values))


def load(database: Database) -> Job:
    with database.read() as session:
        return load_job(session, "j")


def write(job: RunningJob) -> None:
    with job.write() as session:
        add_workspace(session)


def written(database: Database) -> bool:
    with database.read() as session:
        return session.scalar(select(Workspace.id)) is not None


def test_a_new_job_waits(database: Database) -> None:
    with database.write() as session:
        job_id = create_job(session, "w", "ingest", {"documents": 2})
        assert create_job(session, None, "purge", {}, "chosen") == "chosen"
    with database.read() as session:
        job = load_job(session, job_id, "w")
    assert (job.state, job.stage, job.done, job.total, job.lease, job.cancel_requested) == (
        "queued", "queued", 0, 0, 0, False,
    )  # fmt: skip
    assert (job.arguments, job.result, job.error, job.started_at, job.finished_at) == ({"documents": 2}, *[None] * 4)


def test_a_job_that_fails_to_commit_was_never_there(database: Database) -> None:
    def create_and_fail() -> None:
        with database.write() as session:
            create_job(session, "w", "ingest", {}, "j")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        create_and_fail()
    with pytest.raises(NotFoundError):
        load(database)


@pytest.mark.parametrize(("job_id", "workspace_id"), [("unknown", None), ("j", "other"), ("j", "")])
def test_jobs_of_others_do_not_exist(database: Database, job_id: str, workspace_id: str | None) -> None:
    run(database, workspace_id="w")
    with database.read() as session, pytest.raises(NotFoundError) as told:
        load_job(session, job_id, workspace_id)
    assert told.value.code == "job_not_found"


@pytest.mark.parametrize("state", ["queued", "running", *FINAL_STATES])
def test_cancelling(database: Database, state: str) -> None:
    run(database, state=state)
    with database.write() as session:
        request_cancel(session, "j")
    job = load(database)
    assert job.state == ("cancelled" if state == "queued" else state)
    assert job.cancel_requested is (state == "running")
    assert (job.finished_at is not None) is (state == "queued")


def test_a_held_job_writes(database: Database) -> None:
    job = run(database)
    assert (job.id, job.arguments) == ("j", {"a": 1})
    write(job)
    assert written(database)


@pytest.mark.parametrize(
    "loss",
    [{"lease": 2}, {"lease": 0}, *({"state": state} for state in ("queued", *FINAL_STATES))],
)
def test_whoever_lost_the_lease_has_no_effect(database: Database, loss: dict[str, Any]) -> None:
    job = run(database)
    change(database, **loss, cancel_requested=True)
    before = vars(load(database)).copy()
    with pytest.raises(LeaseLostError):
        write(job)
    with pytest.raises(LeaseLostError):
        job.progress("stage", 1, 2)
    with database.write() as session:
        assert not finish(session, "j", 1, "succeeded", result={})
    assert not written(database)
    after = vars(load(database))
    assert {k: v for k, v in after.items() if k[0] != "_"} == {k: v for k, v in before.items() if k[0] != "_"}


def test_a_job_whose_row_is_gone_has_no_effect(database: Database) -> None:
    job = run(database)
    with database.write() as session:
        session.execute(delete(Job))
    with pytest.raises(LeaseLostError, match="gone"):
        write(job)
    assert not written(database)


def test_a_cancelled_job_stops_at_its_next_write(database: Database) -> None:
    job = run(database)
    change(database, cancel_requested=True)
    with pytest.raises(JobCancelledError):
        write(job)
    with pytest.raises(JobCancelledError):
        job.progress("stage", 0, 2)
    assert not written(database)
    assert load(database).state == "running"


def test_a_process_that_stops_interrupts_but_cancelling_goes_first(database: Database) -> None:
    stopping = threading.Event()
    run(database)
    job = RunningJob(database, load(database), 1, stopping)
    stopping.set()
    with pytest.raises(JobInterruptedError):
        write(job)
    change(database, cancel_requested=True)
    with pytest.raises(JobCancelledError):
        write(job)
    assert not written(database)


def test_a_write_that_fails_leaves_nothing(database: Database) -> None:
    job = run(database)

    def write_and_fail() -> None:
        with job.write() as session:
            add_workspace(session)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert not written(database)


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 100.0
        monkeypatch.setattr("indexes.jobs.time.monotonic", lambda: self.seconds)


def test_progress_is_written_at_the_ends_of_a_stage_and_now_and_then(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, clock = run(database), Clock(monkeypatch)

    def shown(stage: str, done: int, total: int, after: float = 0.0) -> tuple[str, int, int]:
        clock.seconds += after
        job.progress(stage, done, total)
        row = load(database)
        return row.stage, row.done, row.total

    assert shown("parsing", 0, 9) == ("parsing", 0, 9)
    began = load(database).stage_started_at
    assert shown("parsing", 1, 9) == ("parsing", 0, 9)
    assert shown("parsing", 2, 9, PROGRESS_INTERVAL_SECONDS) == ("parsing", 2, 9)
    assert shown("parsing", 3, 9) == ("parsing", 2, 9)
    assert load(database).stage_started_at == began
    assert shown("parsing", 9, 9) == ("parsing", 9, 9)
    assert shown("embedding", 0, 4) == ("embedding", 0, 4)
    assert (load(database).stage_started_at or now()) > (began or now())


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"done": 1, "total": 4}, 30.0),
        ({"done": 3, "total": 4}, 3.3),
        ({"done": 4, "total": 4}, 0.0),
        ({"done": 0, "total": 4}, None),
        ({"done": 0, "total": 0}, None),
        ({"done": 5, "total": 4}, None),
        ({"done": 1, "total": 4, "state": "queued"}, None),
        ({"done": 1, "total": 4, "state": "succeeded"}, None),
        ({"done": 1, "total": 4, "stage_started_at": None}, None),
    ],
)
def test_the_time_left_goes_on_at_the_pace_so_far(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, Any], expected: float | None
) -> None:
    moment = now()
    monkeypatch.setattr("indexes.jobs.now", lambda: moment)
    started = {"stage_started_at": moment - timedelta(seconds=10)}
    assert remaining_seconds(Job(**{"state": "running", **started, **values})) == expected


@given(st.integers(1, 1_000), st.integers(1, 1_000))
def test_the_time_left_falls_as_work_is_done(total: int, elapsed_seconds: int) -> None:
    started = now() - timedelta(seconds=elapsed_seconds)
    left = [
        remaining_seconds(Job(state="running", stage_started_at=started, done=done, total=total))
        for done in sorted({1, (total + 1) // 2, total})
    ]
    known = [seconds for seconds in left if seconds is not None]
    assert known == left == sorted(known, reverse=True)
    assert known[-1] == 0


@pytest.mark.parametrize("state", [*FINAL_STATES, "queued"])
def test_finishing_with_the_lease(database: Database, state: str) -> None:
    run(database, worker_id="me")
    with database.write() as session:
        assert finish(session, "j", 1, state, result={"n": 1}, worker_id=None)
        assert not finish(session, "j", 1, "failed", error={"code": "late"})
    job = load(database)
    assert (job.state, job.result, job.error, job.worker_id) == (state, {"n": 1}, None, None)
    assert (job.finished_at is not None) is (state in FINAL_STATES)


def test_the_seconds_of_a_stage_are_counted_when_it_ends(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("indexes.jobs.time.monotonic", lambda: clock[0])
    job = run(database, workspace_id="w")
    job.progress("parsing", 0, 2)
    clock[0] += 3
    job.progress("parsing", 2, 2)
    clock[0] += 4
    job.progress("indexing", 0, 1)
    clock[0] += 5
    with job.write() as session:
        job.count_stage(session)
    with database.read() as session:
        counted = {(one.workspace_id, one.name, one.label): one.value for one in load_counters(session)}
    assert counted == {
        ("w", STAGE_SECONDS, "k/parsing"): 7,
        ("w", STAGE_SECONDS, "k/indexing"): 5,
        ("w", STAGES, "k/parsing"): 1,
        ("w", STAGES, "k/indexing"): 1,
    }
