"""The processes under fire: some that answer, some that run jobs, each replaced by a new one when it is killed."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import threading
import time
from pathlib import Path
from typing import IO

from tests.database import database_url
from tests.running_server import Client, Process, free_port, start_process

READY_SECONDS = 120.0


class ProcessEndedError(RuntimeError):
    """A process did not come up in time, or ended by itself."""


class Slot:
    """A place for one process; `port` is None where it answers nothing."""

    def __init__(self, cluster: Cluster, command: str) -> None:
        self._cluster = cluster
        self.command = command
        self.port: int | None = None
        self.process = self._start()

    def _start(self) -> Process:
        settings = {"database_url": self._cluster.database_url}
        if self.command == "serve":
            self.port = free_port()
            settings |= {"port": str(self.port), "worker": "false"}
        cluster = self._cluster
        return start_process(self.command, cluster.data_folder, settings, cluster.log, is_warm=cluster.starts_warm)

    def end(self) -> None:
        """End the process as `kill -9` does."""
        self.process.kill()
        self.process.wait()

    def replace(self) -> None:
        """Put a new process in the place of one that was killed."""
        self.process = self._start()


class Cluster:
    """Processes over one data folder and one database, whose log is a file beside the folder."""

    def __init__(
        self, root: Path, *, on_postgresql: bool, servers: int, workers: int, starts_warm: bool = False
    ) -> None:
        self.starts_warm = starts_warm
        self.data_folder = root / "data"
        self.data_folder.mkdir(parents=True)
        self.on_postgresql = on_postgresql
        self.database_url = database_url(self.data_folder, on_postgresql=on_postgresql)
        self.log: IO[bytes] = (root / "processes.log").open("ab")
        self._lock = threading.Lock()
        self.slots = [Slot(self, "serve")]
        self.wait_until_alive()  # the first process makes the tables
        self.slots += [Slot(self, "serve") for _ in range(servers - 1)]
        self.slots += [Slot(self, "worker") for _ in range(workers)]

    def kill_one(self, draw: random.Random) -> str:
        """Kill a process, put another in its place, and return which it was."""
        number = draw.randrange(len(self.slots))
        slot = self.slots[number]
        if (ended := slot.process.poll()) is not None:
            raise ProcessEndedError(f"process {number} ({slot.command}) ended by itself with {ended}")
        slot.end()
        with self._lock:
            slot.replace()
        return f"{slot.command} {number}"

    def client(self, draw: random.Random) -> Client:
        """Return a client of a server that is chosen at random; whether it answers is another question."""
        with self._lock:
            ports = [slot.port for slot in self.slots if slot.port is not None]
        return Client(draw.choice(ports))

    def wait_until_ready(self) -> None:
        """Wait until every server says that it is ready."""
        self._wait_for("/health/ready")

    def wait_until_alive(self) -> None:
        """Wait until every server answers."""
        self._wait_for("/health/live")

    def _wait_for(self, path: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        for slot in self.slots:
            while slot.port is not None and not _answers(slot.port, path):
                if slot.process.poll() is not None or time.monotonic() > deadline:
                    raise ProcessEndedError(f"{slot.command} on port {slot.port} does not answer 200 to {path}")
                time.sleep(0.05)

    def stop(self) -> None:
        """End every process."""
        for slot in self.slots:
            slot.end()
        self.log.close()


def _answers(port: int, path: str) -> bool:
    client = Client(port)
    with contextlib.closing(client), contextlib.suppress(OSError, http.client.HTTPException):
        return client.request("GET", path)[0] == 200
    return False


def remove_database(cluster: Cluster) -> None:
    """Remove the cluster's database where it lies outside its folder."""
    if cluster.on_postgresql and "PLAYGROUND_TEST_POSTGRESQL_SERVER" in os.environ:
        from tests.postgresql import drop

        drop(cluster.database_url)
