"""A warm process is like one that was started cold: the same surroundings, and the same ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.warm_processes import ROOT, WarmProcess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PROBE = "tests.process_probe"
SEARCHED = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
ENVIRONMENT = {**os.environ, "PLAYGROUND_SAYS": "ä", "TZ": "Asia/Tokyo", "PYTHONPATH": SEARCHED}


def warm(folder: Path, how: str) -> WarmProcess:
    """Start the probe; what it says and writes goes into the folder."""
    with Path(os.devnull).open("rb") as nothing, (folder / "said.txt").open("wb") as output:
        streams = (nothing.fileno(), output.fileno(), output.fileno())
        return WarmProcess(PROBE, [str(folder / "facts.json"), how], ENVIRONMENT, streams)


def facts_of(folder: Path) -> dict[str, Any]:
    """Return what the probe wrote, once it is there, and remove it."""
    file = folder / "facts.json"
    deadline = time.monotonic() + 120
    while not file.exists() or not file.read_text(encoding="utf-8").endswith("}"):
        assert time.monotonic() < deadline, (folder / "said.txt").read_text(encoding="utf-8")
        time.sleep(0.02)
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    file.unlink()
    return found


def test_it_has_what_a_cold_process_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command = [sys.executable, "-m", PROBE, str(tmp_path / "facts.json"), "3"]
    with (tmp_path / "said.txt").open("wb") as output:
        cold = subprocess.run(
            command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        )
    expected, said = facts_of(tmp_path), (tmp_path / "said.txt").read_bytes()
    assert warm(tmp_path, "3").wait(60) == cold.returncode == 3
    found = facts_of(tmp_path)
    assert (tmp_path / "said.txt").read_bytes() == said == b"said\n"
    for one in (expected, found):  # `-m` puts the folder it is called in, or nothing, before the rest
        one["path"] = [entry for entry in one["path"] if Path(entry) not in (tmp_path, ROOT)]
    assert found == expected
    assert found["environment"] == ENVIRONMENT
    assert found["missing"] == []
    assert found["threads"] == ["MainThread"]


def test_it_ends_as_a_process_ends(tmp_path: Path) -> None:
    assert warm(tmp_path, "0").wait(60) == 0
    assert warm(tmp_path, "raises").wait(60) == 1
    assert "RuntimeError: as it was told" in (tmp_path / "said.txt").read_text(encoding="utf-8")
    for number in (signal.SIGTERM, signal.SIGKILL):
        facts_of(tmp_path)
        waiting = warm(tmp_path, "waits")
        facts_of(tmp_path)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(0.05)
        assert waiting.poll() is None
        os.kill(waiting.pid, 0)
        waiting.send_signal(number)
        assert waiting.wait(60) == waiting.poll() == -number
        waiting.kill()  # what has ended is left alone
        with pytest.raises(ProcessLookupError):
            os.kill(waiting.pid, 0)
        (tmp_path / "facts.json").write_text("{}", encoding="utf-8")
