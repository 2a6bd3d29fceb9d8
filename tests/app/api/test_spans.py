"""Traces: a request's span carries its route and outcome, and the stages of a search lie below it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.testclient import TestClient

from app.api import watched
from indexes import search
from tests.app.api.playground import Workspace, expect


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Yield what keeps the spans of this process, as an SDK would export them."""
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    for module in (watched, search):
        monkeypatch.setattr(module, "TRACER", provider.get_tracer("test"))
    yield kept
    provider.shutdown()


def test_stages_lie_below_their_request(workspace: Workspace, client: TestClient, spans: InMemorySpanExporter) -> None:
    url = f"/v1/workspaces/{workspace.id}/searches"
    answer = expect(200, client.post(url, json={"query": "a question"}, headers={"X-Request-ID": "r-1"}))
    finished = spans.get_finished_spans()
    (root,) = [one for one in finished if one.parent is None and one.name.startswith("POST")]
    assert root.name == "POST /v1/workspaces/{workspace_id}/searches"
    assert dict(root.attributes or {}) == {
        "http.request.method": "POST",
        "http.route": "/v1/workspaces/{workspace_id}/searches",
        "http.response.status_code": 200,
        "playground.request_id": "r-1",
        "playground.workspace_id": workspace.id,
    }
    stages = {one.name for one in finished if one.parent is not None and one.context.trace_id == root.context.trace_id}
    assert stages == set(answer["seconds"]) - {"total"}
    assert stages


def test_where_no_workspace_is_named_the_span_has_none(client: TestClient, spans: InMemorySpanExporter) -> None:
    client.get("/v1/workspaces")
    (root,) = [one for one in spans.get_finished_spans() if one.name == "GET /v1/workspaces"]
    assert "playground.workspace_id" not in (root.attributes or {})


def test_a_failed_request_says_so(client: TestClient, spans: InMemorySpanExporter) -> None:
    client.get("/v1/workspaces/nosuch")
    (root,) = [one for one in spans.get_finished_spans() if one.name == "GET /v1/workspaces/{workspace_id}"]
    assert (root.attributes or {})["http.response.status_code"] == 404
