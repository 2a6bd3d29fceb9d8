"""A real server in a process of its own, on loopback, over a given data folder; it ends with the test."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from tests.database import database_url
from tests.warm_processes import WarmProcess

Process = subprocess.Popen[bytes] | WarmProcess
COMMANDS = "app.command_line"
START_SECONDS = 90.0
KEPT_SECONDS = 4.0
"""A connection that was idle for longer is opened anew: the server closes it after 5 seconds."""


class RunningServer:
    """`context-playground serve` as a process, and a client that keeps its connection."""

    def __init__(
        self, data_folder: Path, output: IO[bytes] | None = None, /, *, is_warm: bool = True, **settings: str
    ) -> None:
        self.data_folder = data_folder
        self.port = free_port()
        self._clients: list[Client] = []
        self.process = start_process(
            "serve", data_folder, {**settings, "port": str(self.port)}, output, is_warm=is_warm
        )

    def wait_until_ready(self) -> None:
        """Wait until /health/ready answers 200; raise where the process ends first or START_SECONDS pass."""
        self._wait_for("/health/ready")

    def wait_until_alive(self) -> None:
        """Wait until /health/live answers 200; raise where the process ends first or START_SECONDS pass."""
        self._wait_for("/health/live")

    def _wait_for(self, path: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.client().request("GET", path)[0] == 200:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"{path} did not answer 200")

    def client(self) -> Client:
        """Return a new client with a connection of its own, closed with the server."""
        client = Client(self.port)
        self._clients.append(client)
        return client

    def kill(self) -> None:
        """End the process as `kill -9` does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._close_clients()

    def stop(self) -> None:
        """End the process in good order, or kill it after 20 seconds."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        self._close_clients()

    def _close_clients(self) -> None:
        while self._clients:
            self._clients.pop().close()


class Client:
    """A JSON client over one kept connection; not for several threads."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._used_at = time.monotonic()

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._connection.close()

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return status and JSON of one request; a dropped connection raises."""
        data = None if body is None else json.dumps(body).encode()
        if time.monotonic() - self._used_at > KEPT_SECONDS:
            self._connection.close()
        try:
            self._connection.request(method, path, data, {"content-type": "application/json"})
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        self._used_at = time.monotonic()
        return response.status, json.loads(content) if content else None

    def expect(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON of a request that must answer 2xx."""
        status, content = self.request(method, path, body)
        assert 200 <= status < 300, f"{method} {path}: {status} {content}"
        return content

    def wait_for(self, job_id: str, poll_seconds: float = 0.05) -> Any:
        """Return the job once it has succeeded; raise where it ends otherwise."""
        while True:
            job = self.expect("GET", f"/v1/jobs/{job_id}")
            if job["state"] not in ("queued", "running"):
                assert job["state"] == "succeeded", job
                return job
            time.sleep(poll_seconds)


@contextlib.contextmanager
def running_server(data_folder: Path, *, is_warm: bool = True, **settings: str) -> Iterator[RunningServer]:
    """Yield a ready server; stop it at the end."""
    server = RunningServer(data_folder, is_warm=is_warm, **settings)
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def running_worker(data_folder: Path, *, is_warm: bool = True, **settings: str) -> Iterator[Process]:
    """Yield `context-playground worker` as a process; stop it at the end."""
    process = start_process("worker", data_folder, settings, is_warm=is_warm)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(20)
        finally:
            process.kill()
            process.wait()


def start_process(
    command: str,
    data_folder: Path,
    settings: Mapping[str, str],
    output: IO[bytes] | None = None,
    *,
    is_warm: bool = True,
) -> Process:
    """Start a command of the service on a data folder; settings go into its environment by their names."""
    environment = {
        **os.environ,
        "PLAYGROUND_DATA_FOLDER": str(data_folder),
        "PLAYGROUND_DEMO": "false",
        "PLAYGROUND_LOG_LEVEL": "warning",
        **{f"PLAYGROUND_{name.upper()}": value for name, value in settings.items()},
        "PLAYGROUND_DATABASE_URL": settings.get("database_url") or database_url(data_folder),
    }
    if is_warm:
        outputs = (1, 2) if output is None else (output.fileno(), output.fileno())
        with Path(os.devnull).open("rb") as nothing:
            return WarmProcess(COMMANDS, [command], environment, (nothing.fileno(), *outputs))
    return subprocess.Popen([sys.executable, "-m", COMMANDS, command], env=environment, stdout=output, stderr=output)


def free_port() -> int:
    """Return a TCP port of loopback that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
