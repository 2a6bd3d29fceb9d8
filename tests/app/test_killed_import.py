"""A real server killed in the middle of an import: the next one ends it as if nothing had happened."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.app.evaluation.workspace_files.zips import unzipped
from tests.app.test_killed_experiment import DOCUMENTS, prepare
from tests.running_server import RunningServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KILL_AFTER_SECONDS = (0.05, 0.3, 0.8)


def download(server: RunningServer, workspace: str) -> bytes:
    """Return the archive of a workspace."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", f"/v1/workspaces/{workspace}/export")
    with contextlib.closing(connection), connection.getresponse() as response:
        assert response.status == 200
        return response.read()


def send(server: RunningServer, workspace: str, content: bytes) -> dict[str, Any]:
    """Return the answer to an import."""
    head = b'--b\r\nContent-Disposition: form-data; name="archive"; filename="a.zip"\r\n\r\n'
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    connection.request("POST", f"/v1/workspaces/{workspace}/imports", head + content + b"\r\n--b--\r\n", kind)
    with contextlib.closing(connection), connection.getresponse() as response:
        answer: dict[str, Any] = json.loads(response.read())
    assert response.status == 202, answer
    return answer


def essence(content: bytes) -> dict[str, bytes]:
    return {name: entry for name, entry in unzipped(content).items() if name != "manifest.json"}


def test_a_killed_import_goes_on_where_it_was(tmp_path: Path) -> None:
    server = RunningServer(tmp_path)
    try:
        server.wait_until_ready()
        prepare(server.client())
        content = download(server, "lab")
        body = {"id": "copy", "name": "Laboratory", "preset": "model_free"}
        server.client().expect("POST", "/v1/workspaces", body)
        job_id = send(server, "copy", content)["job"]["id"]
        for seconds in KILL_AFTER_SECONDS:
            time.sleep(seconds)
            server.kill()
            server = RunningServer(tmp_path)
            server.wait_until_ready()
        job = server.client().wait_for(job_id)
        assert job["result"]["documents"] == DOCUMENTS
        assert job["result"]["problems"] == []
        assert essence(download(server, "copy")) == essence(content)
    finally:
        server.stop()
