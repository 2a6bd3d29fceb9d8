"""Watched from outside, with real processes: metrics of two add up, logs are JSON, unusable settings end the start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.app.api.test_measures import Samples, samples, value
from tests.database import database_url
from tests.running_server import RunningServer, running_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

W = "/v1/workspaces/team"
GROWING = ("_total", "_bucket", "_count", "_sum", "_created")
SUMS_OF_JOBS = {"playground_job_stages_total", "playground_job_stage_seconds_total", "playground_vectors_total"}
"""Counters that jobs of all processes add up in the database, so that every process answers the same."""


def scraped(server: RunningServer) -> Samples:
    with urlopen(f"http://127.0.0.1:{server.port}/metrics") as response:
        return samples(response.read().decode())


@pytest.mark.parametrize("on_postgresql", [False, True])
def test_counters_of_two_processes_add_up_and_facts_agree(tmp_path: Path, on_postgresql: bool) -> None:
    url = database_url(tmp_path, on_postgresql=on_postgresql)
    with running_server(tmp_path, database_url=url) as first, running_server(tmp_path, database_url=url) as second:
        client, other = first.client(), second.client()
        client.expect("POST", "/v1/workspaces", {"id": "team", "name": "Team", "preset": "model_free"})
        texts = {"oak": "The oak carries acorns.", "birch": "The birch has white bark."}
        documents = [{"external_id": name, "text": text} for name, text in texts.items()]
        client.wait_for(client.expect("POST", f"{W}/documents", {"documents": documents})["job"]["id"])
        for asked, count in ((client, 3), (other, 4)):
            for _ in range(count):
                asked.expect("POST", f"{W}/searches", {"query": "acorns"})
        one, two = scraped(first), scraped(second)
    searches = {"method": "POST", "route": "/v1/workspaces/{workspace_id}/searches", "status": "200"}
    stage = {"operation": "search", "stage": "total", "workspace": "team"}
    for found, count in ((one, 3), (two, 4)):
        assert value(found, "playground_requests_total", **searches) == count
        assert value(found, "playground_stage_seconds_count", **stage) == count
        assert value(found, "playground_documents", workspace="team") == 2
        assert value(found, "playground_source_bytes", workspace="team") == sum(map(len, texts.values()))
        assert value(found, "playground_indexed_chunks", workspace="team") == 2
        assert value(found, "playground_live_workers") == 2
    shared = set(one) & set(two)
    assert not [name for name, labels in shared if "process" in dict(labels)]
    assert {name for name, _ in shared if name.endswith(GROWING)} == SUMS_OF_JOBS
    assert value(one, "playground_vectors_total", workspace="team", outcome="encoded") == 2
    assert {key: one[key] for key in shared if key[0] in SUMS_OF_JOBS} == {
        key: two[key] for key in shared if key[0] in SUMS_OF_JOBS
    }
    assert ("playground_documents", frozenset({("workspace", "team")})) in shared


def started(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Return how `context-playground verify` ends on this folder."""
    given = {f"PLAYGROUND_{name.upper()}": value for name, value in settings.items()}
    environment = {**os.environ, "PLAYGROUND_DATA_FOLDER": str(folder), **given}
    command = [sys.executable, "-m", "app.command_line", "verify"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_a_start_with_unusable_settings_names_them_and_touches_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    for settings in ({"root_path": "api"}, {"port": "70000"}, {"log_format": "xml", "api_key": "hunter2 "}):
        ended = started(folder, **settings)
        assert ended.returncode == 1
        assert ended.stderr.startswith(f"unusable_setting: PLAYGROUND_{next(iter(settings)).upper()}")
        assert "hunter2" not in ended.stderr
        assert not folder.exists()


def test_a_process_writes_json_lines(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with (
        running_server(tmp_path, log_format="json", log_level="info") as server,
        urlopen(f"http://127.0.0.1:{server.port}/v1/workspaces") as response,
    ):
        request_id = response.headers["x-request-id"]
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    (line,) = [one for one in lines if one.get("request_id") == request_id]
    assert line["message"].startswith("GET /v1/workspaces answered 200 in ")
    assert (line["level"], line["logger"]) == ("info", "playground.requests")
