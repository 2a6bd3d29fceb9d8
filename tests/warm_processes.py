"""Processes of the service without the seconds that imports take: forks of one that has imported it and done no more.

Of the seven processor seconds of a start six are imports. A warm process is one of its own in every other way, and
does after its imports all that a new one does: `tests/test_warm_processes.py` compares them. What it shares with the
other warm ones of a test process is the seed of hashes; `start_process(..., is_warm=False)` starts one with its own.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LARGEST_REQUEST_BYTES = 200_000


class WarmProcess:
    """A module's `main(arguments)` in a process of its own; the part of `subprocess.Popen` that tests use.

    `streams` are the files of its input, its output and its errors.
    """

    def __init__(
        self, module: str, arguments: Sequence[str], environment: Mapping[str, str], streams: tuple[int, int, int]
    ) -> None:
        self.args = [module, *arguments]
        self.returncode: int | None = None
        status, told = os.pipe()
        self._status = os.fdopen(status, "rb", buffering=0)
        folder = str(Path.cwd())
        request = {"module": module, "arguments": arguments, "environment": dict(environment), "folder": folder}
        try:
            socket.send_fds(_started()[1], [json.dumps(request).encode()], [told, *streams])
        finally:
            os.close(told)
        self.pid = int(self._line())

    def poll(self) -> int | None:
        """Return how the process ended, as `subprocess.Popen.poll` does, or None."""
        if self.returncode is None and self._has_ended(0):
            self._end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the process has ended; raise subprocess.TimeoutExpired."""
        if self.returncode is None:
            if not self._has_ended(timeout):
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self._end()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask the process to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process as `kill -9` does."""
        self.send_signal(signal.SIGKILL)

    def _has_ended(self, timeout: float | None) -> bool:
        return _is_told(self._status.fileno(), timeout)

    def _end(self) -> None:
        self.returncode = int(self._line())
        self._status.close()

    def _line(self) -> bytes:
        line = self._status.readline()
        if not line:
            raise RuntimeError(f"what starts {self.args} has ended")
        return line


def _is_told(descriptor: int, timeout: float | None) -> bool:
    """Tell whether there is something to read within so many seconds; `select` takes no file above the 1,024th."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(None if timeout is None else timeout * 1_000))


@lru_cache(maxsize=1)
def _started() -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start the process that the others are forks of, which ends with this one; return it and the way to it."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", __name__, str(there.fileno())]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, pass_fds=[there.fileno()])
    there.close()
    return process, here


def main(control: socket.socket) -> int:
    """Fork a process for each request; in such a process, return its status."""
    for name in ("app.command_line", "app.main"):
        importlib.import_module(name)
    gc.freeze()  # memory that is never visited again stays shared
    while True:
        while not _is_told(control.fileno(), 1.0):
            _collect()
        message, files, _, _ = socket.recv_fds(control, LARGEST_REQUEST_BYTES, 4)
        if not message:
            return 0
        told, *streams = files
        if os.fork() == 0:
            control.close()
            process_id = os.fork()
            if process_id == 0:
                os.close(told)
                return _run(json.loads(message), streams)
            _watch(process_id, told)
        for descriptor in (told, *streams):
            os.close(descriptor)


def _collect() -> None:
    """Let the watchers that have ended go."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue


def _watch(process_id: int, told: int) -> None:
    """Tell the process's id, and how it ended, and end: only its parent can know."""
    os.write(told, b"%d\n" % process_id)
    _, status = os.waitpid(process_id, 0)
    os.write(told, b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _run(request: Mapping[str, Any], streams: Sequence[int]) -> int:
    """Become the process that was asked for, and return its status."""
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    module = importlib.import_module(request["module"])
    sys.argv = [str(module.__file__), *request["arguments"]]
    status: int = module.main(request["arguments"])
    return status


if __name__ == "__main__":
    sys.exit(main(socket.socket(fileno=int(sys.argv[1]))))
