"""What a browser is told: to run nothing foreign, to frame nothing, and which other origins may call."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI
from starlette.testclient import TestClient


def test_every_answer_forbids_what_a_browser_need_not_do(client: TestClient) -> None:
    for path in ("/v1/workspaces", "/v1/nosuch", "/docs", "/openapi.json"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe-inline'; base" in headers["content-security-policy"]
    assert "script-src 'none'" in client.get("/v1/workspaces").headers["content-security-policy"]
    assert "'sha256-" in client.get("/docs").headers["content-security-policy"]


def test_other_origins_are_let_in_by_name_alone(other_service: Callable[..., TestClient], client: TestClient) -> None:
    asking = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in client.options("/v1/workspaces", headers=asking).headers
    allowing = other_service(allowed_origins="https://app.example, https://b.example")
    assert isinstance(allowing.app, FastAPI)
    answer = allowing.options("/v1/workspaces", headers=asking)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "https://app.example")
    assert "access-control-allow-credentials" not in answer.headers
    foreign = allowing.options("/v1/workspaces", headers={**asking, "Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in foreign.headers
