"""What can be erased, and how long what is recorded is kept; tests/app/test_erasure.py looks into the bytes."""

from __future__ import annotations

from configs.part import JsonObject
from tests.app.api.playground import Workspace, expect_problem


def test_targets_are_checked(workspace: Workspace) -> None:
    refusals: list[tuple[JsonObject, int, str]] = [
        ({}, 422, "invalid_request"),
        ({"document_id": "a", "external_id": "b"}, 422, "invalid_request"),
        ({"memory_id": "a"}, 422, "invalid_request"),
        ({"document_id": "nosuch"}, 404, "document_not_found"),
        ({"external_id": "nosuch"}, 404, "source_not_found"),
        ({"user_id": "nosuch"}, 404, "user_not_found"),
        ({"user_id": "nosuch", "memory_id": "nosuch"}, 404, "memory_not_found"),
    ]
    for body, status, code in refusals:
        expect_problem(workspace.request("POST", "/erasures", json=body), status, code)
    expect_problem(workspace.request("GET", "/erasures/nosuch"), 404, "erasure_not_found")
    assert workspace.get("/erasures")["items"] == []


def test_retention_is_set_and_shown(workspace: Workspace) -> None:
    nothing = {"history_days": None, "contexts_days": None, "feedback_days": None}
    assert workspace.get("/retention") == nothing
    answer = workspace.request("PUT", "/retention", json={"contexts_days": 30})
    assert answer.json() == workspace.get("/retention") == {**nothing, "contexts_days": 30}
    (job,) = workspace.jobs()
    assert (job["kind"], workspace.wait(job["id"])["state"]) == ("retain", "succeeded")
    refused = workspace.request("PUT", "/retention", json={"contexts_days": 0})
    expect_problem(refused, 422, "invalid_request")
