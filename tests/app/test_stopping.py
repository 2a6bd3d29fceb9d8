"""A real process that is asked to stop while somebody follows a job: the stream ends well, and nothing is amiss."""

from __future__ import annotations

import contextlib
import http.client
import time
from pathlib import Path

import pytest

from tests.running_server import RunningServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

STOP_SECONDS = 5.0
"""Far below the 9 seconds after which the process ends itself by force."""


@pytest.mark.parametrize("followers", [0, 1, 3])
def test_a_graceful_stop_ends_what_is_followed_without_a_trace(tmp_path: Path, followers: int) -> None:
    said = tmp_path / "said"
    with said.open("wb") as output:
        server = RunningServer(tmp_path, output, worker="false")
        try:
            server.wait_until_alive()
            client = server.client()
            client.expect("POST", "/v1/workspaces", {"id": "w", "name": "W"})
            documents = {"documents": [{"text": "words", "external_id": "a"}]}
            job_id = client.expect("POST", "/v1/workspaces/w/documents", documents)["job"]["id"]
            with contextlib.ExitStack() as streams:
                followed = [follow(streams, server.port, job_id) for _ in range(followers)]
                began = time.monotonic()
                server.process.terminate()
                ends = [stream.read() for stream in followed]
            server.process.wait(STOP_SECONDS)
            assert time.monotonic() - began < STOP_SECONDS
        finally:
            server.stop()
    assert ends == [b"\n"] * followers, "a chunked body that is cut off raises IncompleteRead"
    assert server.process.returncode in (0, -15)
    assert said.read_text() == ""


def follow(streams: contextlib.ExitStack, port: int, job_id: str) -> http.client.HTTPResponse:
    """Return the stream of a job's events, after its first."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    streams.callback(connection.close)
    connection.request("GET", f"/v1/jobs/{job_id}/events")
    response = connection.getresponse()
    assert response.readline() == b"event: progress\n"
    assert response.readline().startswith(b"data: ")
    return response
