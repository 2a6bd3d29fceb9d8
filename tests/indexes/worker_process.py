"""A process that runs jobs over a folder until its input ends."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import indexes.workers
from indexes.database.engine import Database
from indexes.jobs import Handler
from indexes.workers import DEAD_AFTER_SECONDS, Workers
from tests.database import ON_POSTGRESQL, database_url
from tests.indexes.work import HANDLERS
from tests.warm_processes import WarmProcess


def serve(folder: Path, handlers: Mapping[str, Handler], *, threads: int = 2) -> None:
    """Run jobs until the standard input ends; say `ready` when they begin to run. A warning is an error."""
    warnings.simplefilter("error")
    indexes.workers.HEARTBEAT_SECONDS = 0.2
    database = Database(database_url(folder))
    workers = Workers(database, handlers, data_folder=folder, threads=threads, runs_jobs=True)
    workers.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    workers.stop()
    database.close()


class RunningWorker(WarmProcess):
    """Such a process, warm; it ends when its input is closed."""

    def __init__(
        self,
        folder: Path,
        module: str = __name__,
        *,
        on_postgresql: bool = ON_POSTGRESQL,
        dead_after_seconds: float = DEAD_AFTER_SECONDS,
    ) -> None:
        environment = {**os.environ, "PLAYGROUND_TEST_DATABASE": "postgresql" if on_postgresql else "sqlite"}
        theirs, ours = os.pipe()
        said, says = os.pipe()
        try:
            super().__init__(module, [str(folder), str(dead_after_seconds)], environment, (theirs, says, 2))
        finally:
            os.close(theirs)
            os.close(says)
        self._input, self._output = os.fdopen(ours, "wb"), os.fdopen(said, "rb")

    def wait_until_ready(self) -> None:
        """Wait until it runs jobs."""
        assert self._output.readline() == b"ready\n"

    def stop(self) -> None:
        """End it in good order."""
        self._input.close()
        self.wait(timeout=30)

    def close(self) -> None:
        """End it as `kill -9` does, where it has not ended."""
        self.kill()
        self.wait()
        self._input.close()
        self._output.close()


@contextmanager
def process(
    folder: Path,
    module: str = __name__,
    *,
    on_postgresql: bool = ON_POSTGRESQL,
    dead_after_seconds: float = DEAD_AFTER_SECONDS,
) -> Iterator[RunningWorker]:
    """Yield such a process, ready; end it by closing its input, unless it was killed."""
    running = RunningWorker(folder, module, on_postgresql=on_postgresql, dead_after_seconds=dead_after_seconds)
    try:
        running.wait_until_ready()
        yield running
        running.stop()
    finally:
        running.close()


def main(arguments: Sequence[str]) -> int:
    """Run the jobs of tests over a folder; take those of a worker that gave no sign of life for so many seconds."""
    indexes.workers.DEAD_AFTER_SECONDS = float(arguments[1])
    serve(Path(arguments[0]), HANDLERS)
    return 0
