"""The demo on a real server with the real model: it gets ready by itself, and every example of the API runs on it."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator

import pytest

from app.demo import guide_folder
from tests.app.openapi_examples import example_requests
from tests.running_server import RunningServer, running_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

READY_SECONDS = 240.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("demo"), demo="true") as server:
        client = server.client()
        deadline = time.monotonic() + READY_SECONDS
        while len(set(client.expect("GET", "/health/ready")["demo"].removeprefix("demo: ").split(" of "))) > 1:
            assert time.monotonic() < deadline, client.expect("GET", "/v1/jobs?limit=200")
            time.sleep(0.2)
        client.wait_for("demo-ingest")
        yield server


def status_of(server: RunningServer, method: str, path: str, body: object) -> tuple[int, str]:
    """Return status and beginning of the body; a stream is read to its end."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    data = None if body is None else json.dumps(body).encode()
    connection.request(method, path, data, {"content-type": "application/json"})
    response = connection.getresponse()
    text = response.read().decode(errors="replace")[:300]
    connection.close()
    return response.status, text


def test_the_guide_is_worth_searching() -> None:
    pages = [path.read_text(encoding="utf-8") for path in guide_folder().glob("*.md")]
    assert len(pages) >= 6
    assert sum(len(page.split()) for page in pages) >= 15_000


def test_questions_carry_spans_of_the_guide(server: RunningServer) -> None:
    client = server.client()
    questions = client.expect("GET", "/v1/workspaces/demo/question-sets/demo")["questions"]
    assert len(questions) >= 30
    for question in questions:
        assert question["evidence"]
        for evidence in question["evidence"]:
            text = client.expect("GET", f"/v1/workspaces/demo/documents/{evidence['document_id']}/text")
            assert text["version_id"] == evidence["version_id"]
            assert text["text"][evidence["start"] : evidence["end"]].strip()


def test_strategies_differ_on_the_demo(server: RunningServer) -> None:
    names = ["default", "dense", "lexical", "no_context"]
    body = {"question_set": "demo", "strategies": [{"strategy": name} for name in names]}
    compared = server.client().expect("POST", "/v1/workspaces/demo/comparisons", body)
    recall = {one["strategy"].split()[0]: one["span_recall"] for one in compared["strategies"]}
    assert compared["questions_scored"] >= 30
    assert recall["no_context"] == 0
    assert min(recall["default"], recall["dense"], recall["lexical"]) > 0.3
    assert len({recall["default"], recall["dense"], recall["lexical"]}) == 3


def test_every_example_of_every_operation_answers_2xx(server: RunningServer) -> None:
    requests = list(example_requests(server.client().expect("GET", "/openapi.json")))
    assert len(requests) > 50
    failures = []
    for request in requests:
        status, text = status_of(server, request.method, request.path, request.body)
        if not 200 <= status < 300:
            failures.append(f"{request.method} {request.path}: {status} {text}")
    assert failures == []


def test_a_restart_plants_nothing_twice(server: RunningServer) -> None:
    before = server.client().expect("GET", "/v1/workspaces/demo")["documents"]
    server.kill()
    with running_server(server.data_folder, demo="true") as again:
        assert again.client().expect("GET", "/v1/workspaces/demo")["documents"] == before
