"""A process that was frozen and comes back: its jobs are another's by then, and what it still does has no effect."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path

import pytest
from sqlalchemy import select

from indexes.database.engine import Database
from indexes.database.tables import Worker
from tests.database import fresh_database
from tests.indexes.work import add_job, effects, finished, load, until
from tests.indexes.worker_process import RunningWorker, process

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

TAKEN_UP_SECONDS = 30
BATCHES = 8
DEAD_AFTER_SECONDS = 4.0
"""Less than the service waits, twenty times what a worker of these processes needs for a sign of life."""


@pytest.fixture(params=["sqlite", "postgresql"])
def on_postgresql(request: pytest.FixtureRequest) -> bool:
    """Tell which database the test runs on."""
    return bool(request.param == "postgresql")


@pytest.fixture
def database(tmp_path: Path, on_postgresql: bool) -> Iterator[Database]:
    """Yield the test's database, on SQLite and on PostgreSQL."""
    with fresh_database(tmp_path, on_postgresql=on_postgresql) as database:
        yield database


def process_ids(database: Database) -> dict[str, int]:
    """Return the process id of each worker."""
    with database.read() as session:
        return {worker.id: worker.process_id for worker in session.scalars(select(Worker))}


def is_locked(folder: Path) -> bool:
    """Tell whether somebody holds the write lock of one of the folder's SQLite files."""
    for path in folder.glob("*.sqlite"):
        with closing(sqlite3.connect(path, timeout=0.2, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
            except sqlite3.OperationalError:
                return True
    return False


def impatient(folder: Path, on_postgresql: bool) -> AbstractContextManager[RunningWorker]:
    """Return a process that soon takes another for dead."""
    return process(folder, on_postgresql=on_postgresql, dead_after_seconds=DEAD_AFTER_SECONDS)


def freeze(running: RunningWorker, folder: Path) -> None:
    """Stop the process in the middle of its work; not while it holds a lock of an SQLite file, which nobody can take
    from it.
    """
    while True:
        running.send_signal(signal.SIGSTOP)
        if not is_locked(folder):
            return
        running.send_signal(signal.SIGCONT)
        time.sleep(0.1)


def test_a_frozen_process_loses_its_job_and_doubles_nothing(
    database: Database, tmp_path: Path, on_postgresql: bool
) -> None:
    job_id = add_job(database, batches=BATCHES, seconds=0.5)
    with ExitStack() as stack:
        frozen = stack.enter_context(impatient(tmp_path, on_postgresql))
        until(lambda: len(effects(database, job_id)) >= 2)
        holder = load(database, job_id).worker_id
        freeze(frozen, tmp_path)
        frozen_at = time.monotonic()
        other = stack.enter_context(impatient(tmp_path, on_postgresql))
        until(lambda: load(database, job_id).lease == 2, TAKEN_UP_SECONDS)
        assert time.monotonic() - frozen_at < TAKEN_UP_SECONDS
        assert len(effects(database, job_id)) < BATCHES
        frozen.send_signal(signal.SIGCONT)
        (job,) = finished(database, job_id)
        assert (job.state, job.lease, job.result) == ("succeeded", 2, {"batches": BATCHES})
        assert process_ids(database)[str(job.worker_id)] == other.pid
        assert job.worker_id != holder
        assert effects(database, job_id) == list(range(BATCHES))
        more = [add_job(database, batches=2, seconds=0.2) for _ in range(8)]
        assert {(one.state, one.lease) for one in finished(database, *more)} == {("succeeded", 1)}
        assert frozen.poll() is None
