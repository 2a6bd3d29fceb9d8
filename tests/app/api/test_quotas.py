"""Quotas over HTTP: what is over a limit answers 429 with Retry-After and changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from configs.part import JsonObject
from tests.app.api.playground import Workspace, expect, expect_problem, lexical, wait_for

KEY = "the-key-of-the-environment"
BY_ADMIN = {"Authorization": f"Bearer {KEY}"}


def limit(workspace: Workspace, **quotas: int) -> list[JsonObject]:
    """Set the workspace's quotas."""
    return list(expect(200, workspace.request("PUT", "/quotas", json=quotas)))


def used(workspace: Workspace) -> dict[str, int]:
    """Return what is used, by what it is."""
    return {one["what"]: one["used"] for one in workspace.get("/quotas")}


def refused(workspace: Workspace, method: str, tail: str, body: JsonObject) -> None:
    """Check that a request is over the quota."""
    response = workspace.request(method, tail, json=body)
    problem = expect_problem(response, 429, "quota_exceeded")
    assert 1 <= int(response.headers["retry-after"]) <= 24 * 3600
    assert response.headers["retry-after"] in problem["hint"]


def test_documents_and_bytes(workspace: Workspace) -> None:
    limit(workspace, documents_per_day=2, bytes_per_day=20)
    workspace.send({"text": "ten bytes.", "external_id": "a"})
    workspace.post("/documents", {"documents": [{"text": "ten bytes.", "external_id": "a"}]})
    assert used(workspace) == {"documents_per_day": 1, "bytes_per_day": 10}
    before = workspace.state()
    refused(workspace, "POST", "/documents", {"documents": [{"text": "eleven bytes", "external_id": "b"}]})
    refused(workspace, "POST", "/documents", {"documents": [{"text": "1"}, {"text": "2"}]})
    assert workspace.state() == before
    assert used(workspace) == {"documents_per_day": 1, "bytes_per_day": 10}
    workspace.upload(("b.txt", b"new words.", "text/plain"))
    assert used(workspace) == {"documents_per_day": 2, "bytes_per_day": 20}


def test_experiments(workspace: Workspace) -> None:
    (document,) = workspace.send({"text": "words to find", "external_id": "a"})
    evidence = [{"document_id": document["document_id"], "quote": "words"}]
    workspace.post("/question-sets", {"name": "s", "questions": [{"question": "words?", "evidence": evidence}]}, 201)
    body = {
        "name": "e", "question_set": "s", "latency_requests": 0,
        "strategies": [{"setup": lexical(32), "label": "a"}, {"setup": lexical(64), "label": "b"}],
    }  # fmt: skip
    limit(workspace, experiments_per_day=1)
    started = workspace.post("/experiments", body, 202)
    workspace.wait(started["job"]["id"])
    refused(workspace, "POST", "/experiments", body)
    assert len(workspace.get("/experiments")["items"]) == 1


def test_tokens_of_contexts(workspace: Workspace) -> None:
    workspace.send({"text": "words to find", "external_id": "a"})
    limit(workspace, tokens_per_day=10)
    tokens = workspace.post("/contexts", {"question": "words?"}, 201)["receipt"]["tokens"]["total"]
    assert used(workspace) == {"tokens_per_day": tokens}
    assert tokens > 10
    refused(workspace, "POST", "/contexts", {"question": "words?"})
    assert workspace.found("words") == ["a"], "a search sends nothing to a model"


def test_requests_of_a_workspace_whoever_asks(workspace: Workspace) -> None:
    workspace.send({"text": "words", "external_id": "a"})
    limit(workspace, requests_per_minute=3)
    statuses = [workspace.request("GET", "/documents").status_code for _ in range(8)]
    assert statuses.count(429) >= 2, "the minute may change once meanwhile"
    assert statuses[0] == 200
    other = Workspace(workspace.client)
    assert other.request("GET", "/documents").status_code == 200
    assert workspace.client.get("/v1/catalog").status_code == 200


@pytest.fixture(scope="module")
def keyed(other_service: Callable[..., TestClient]) -> TestClient:
    return other_service(api_key=SecretStr(KEY))


def test_requests_of_a_key_wherever_it_goes(keyed: TestClient) -> None:
    member = expect(201, keyed.post("/v1/members", json={"name": "busy"}, headers=BY_ADMIN))
    body = {"name": "k", "member_id": member["id"]}
    limited, free = (expect(201, keyed.post("/v1/keys", json=body, headers=BY_ADMIN)) for _ in range(2))
    quotas = expect(
        200, keyed.put(f"/v1/keys/{limited['id']}/quotas", json={"requests_per_minute": 2}, headers=BY_ADMIN)
    )
    assert quotas == [{"what": "requests_per_minute", "limit": 2, "used": 0}]
    headers = {"Authorization": f"Bearer {limited['key']}"}
    statuses = [keyed.get("/v1/me", headers=headers).status_code for _ in range(7)]
    assert statuses.count(429) >= 3
    assert keyed.get("/v1/me", headers={"Authorization": f"Bearer {free['key']}"}).status_code == 200
    shown = expect(200, keyed.get(f"/v1/keys/{limited['id']}/quotas", headers=BY_ADMIN))
    assert shown[0]["used"] <= 2
    expect_problem(keyed.put("/v1/keys/nosuch/quotas", json={}, headers=BY_ADMIN), 404, "key_not_found")


def test_a_workspace_has_no_quotas_of_one_that_was_called_so_before(workspace: Workspace) -> None:
    limit(workspace, documents_per_day=1)
    assert workspace.request("DELETE").status_code == 204
    body = {"id": workspace.id, "name": "Again", "preset": "model_free"}
    wait_for(lambda: workspace.client.post("/v1/workspaces", json=body).status_code == 201)
    assert workspace.get("/quotas") == []


def test_a_quota_of_nothing_can_be_lifted(workspace: Workspace) -> None:
    limit(workspace, requests_per_minute=0)
    refused(workspace, "GET", "/documents", {})
    limit(workspace)
    assert workspace.get("/documents")["items"] == []


@pytest.mark.parametrize("body", [{"requests_per_minute": -1}, {"tokens": 5}, {"bytes_per_day": "many"}, []])
def test_bad_quotas_change_nothing(workspace: Workspace, body: object) -> None:
    limit(workspace, bytes_per_day=5)
    expect_problem(workspace.request("PUT", "/quotas", json=body), 422, "invalid_request")
    assert used(workspace) == {"bytes_per_day": 0}
