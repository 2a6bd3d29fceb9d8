"""A process that runs jobs over a folder until its input ends: `python -m tests.indexes.worker_process FOLDER`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import indexes.workers
from indexes.database.engine import Database
from indexes.jobs import Handler
from indexes.workers import Workers
from tests.database import ON_POSTGRESQL, database_url
from tests.indexes.work import HANDLERS

PROJECT = Path(__file__).parent.parent.parent


def serve(folder: Path, handlers: Mapping[str, Handler], *, threads: int = 2) -> None:
    """Run jobs until the standard input ends; say `ready` when they begin to run."""
    indexes.workers.HEARTBEAT_SECONDS = 0.2
    database = Database(database_url(folder))
    workers = Workers(database, handlers, data_folder=folder, threads=threads, runs_jobs=True)
    workers.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    workers.stop()
    database.close()


@contextmanager
def process(
    folder: Path, module: str = __name__, *, on_postgresql: bool = ON_POSTGRESQL
) -> Iterator[subprocess.Popen[bytes]]:
    """Yield such a process, ready; end it by closing its input, unless it was killed."""
    command = [sys.executable, "-W", "error", "-m", module, str(folder)]
    environment = {**os.environ, "PLAYGROUND_TEST_DATABASE": "postgresql" if on_postgresql else "sqlite"}
    running = subprocess.Popen(command, cwd=PROJECT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert running.stdin is not None
    assert running.stdout is not None
    try:
        assert running.stdout.readline() == b"ready\n"
        yield running
        running.stdin.close()
        running.wait(timeout=30)
    finally:
        running.kill()
        running.wait()
        running.stdin.close()
        running.stdout.close()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), HANDLERS)
