"""A process that writes down what it was given, and ends as it is told: `python -m tests.process_probe FILE HOW`."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

WARM = ("app.command_line", "app.main")


def main(arguments: Sequence[str]) -> int:
    """Write the facts to FILE; return HOW as status, raise with `raises`, wait for a signal with `waits`."""
    file, how = arguments
    for name in WARM:
        importlib.import_module(name)
    print("said", flush=True)
    Path(file).write_text(json.dumps(facts()), encoding="utf-8")
    if how == "raises":
        raise RuntimeError("as it was told")
    if how == "waits":
        signal.pause()
    return int(how)


def facts() -> dict[str, Any]:
    """Return what may differ between two processes that should be alike."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    return {
        "folder": str(Path.cwd()),
        "arguments": sys.argv,
        "environment": dict(os.environ),
        "files": sorted(_open_files()),
        "input": str(Path("/proc/self/fd/0").readlink()),
        "signals": {
            number: str(signal.getsignal(number)).split(" at ")[0] for number in sorted(signal.valid_signals())
        },
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "niceness": os.getpriority(os.PRIO_PROCESS, 0),
        "threads": [one.name for one in threading.enumerate()],
        "warnings": len(warnings.filters),
        "path": [one for one in sys.path if one],
        "missing": [name for name in WARM if name not in sys.modules],
    }


def _open_files() -> list[str]:
    """Return the numbers of what is open, with what it is."""
    found = []
    for file in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the listing's own
            found.append(f"{file.name} {str(file.readlink()).split(':')[0]}")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
