"""Jobs: followed from the queue to their end, cancelled between batches, and what they leave can be retried."""

from __future__ import annotations

import json
import threading
from itertools import pairwise

import pytest
from starlette.testclient import TestClient

from configs.part import JsonObject
from tests.app.api.playground import FINAL, Gate, Workspace, expect, expect_problem


def start(workspace: Workspace, text: str, external_id: str = "a") -> JsonObject:
    """Send a document and return the answer without waiting."""
    body = {"documents": [{"text": text, "external_id": external_id}]}
    accepted: JsonObject = workspace.post("/documents", body, 202)
    return accepted


def events_of(workspace: Workspace, job_id: str) -> list[tuple[str, JsonObject]]:
    """Return name and data of every event, once the stream has ended."""
    response = workspace.client.get(f"/v1/jobs/{job_id}/events")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    events = []
    for block in response.text.replace("\r\n", "\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            events.append((fields["event"], json.loads(fields["data"])))
    return events


def test_a_job_tells_how_far_it_is_and_how_it_ended(workspace: Workspace) -> None:
    accepted = start(workspace, "some words")
    assert accepted["job"]["kind"] == "ingest"
    assert accepted["job"]["workspace_id"] == workspace.id
    job = workspace.wait(accepted["job"]["id"])
    assert (job["state"], job["stage"], job["result"], job["error"]) == (
        "succeeded",
        "finished",
        {"documents": 1},
        None,
    )
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]
    assert (job["done"], job["remaining_seconds"]) == (job["total"], None)


def test_a_running_job_is_seen_at_its_stage(workspace: Workspace, gate: Gate) -> None:
    accepted = start(workspace, gate.word)
    gate.wait_until_reached()
    job = workspace.job(accepted["job"]["id"])
    assert (job["state"], job["stage"], job["finished_at"]) == ("running", "embedding", None)
    assert (job["done"], job["total"]) == (0, 1)
    assert workspace.get("/documents")["items"][0]["state"] in ("queued", "processing")
    gate.open()
    assert workspace.wait(job["id"])["state"] == "succeeded"


def test_the_events_of_a_finished_job_end_with_its_state(workspace: Workspace) -> None:
    accepted = start(workspace, "some words")
    job = workspace.wait(accepted["job"]["id"])
    assert events_of(workspace, job["id"]) == [("succeeded", job)]


def test_events_follow_a_job_to_its_end(workspace: Workspace, gate: Gate) -> None:
    accepted = start(workspace, gate.word)
    gate.wait_until_reached()
    seen: list[tuple[str, JsonObject]] = []
    reader = threading.Thread(target=lambda: seen.extend(events_of(workspace, accepted["job"]["id"])))
    reader.start()
    gate.open()
    reader.join(30)
    names = [name for name, _ in seen]
    assert names[-1] == "succeeded"
    assert set(names[:-1]) <= {"progress"}
    assert seen[-1][1]["state"] == "succeeded"
    assert all(before != after for (_, before), (_, after) in pairwise(seen))


def test_events_of_an_unknown_job_are_a_problem(client: TestClient) -> None:
    expect_problem(client.get("/v1/jobs/nosuch/events"), 404, "job_not_found")
    expect_problem(client.get("/v1/jobs/nosuch"), 404, "job_not_found")
    expect_problem(client.post("/v1/jobs/nosuch/cancel"), 404, "job_not_found")


def test_a_running_job_ends_after_its_present_batch_when_cancelled(workspace: Workspace, gate: Gate) -> None:
    (before,) = workspace.send({"text": "old words", "external_id": "a"})
    accepted = start(workspace, f"{gate.word} words")
    gate.wait_until_reached()
    asked = expect(200, workspace.client.post(f"/v1/jobs/{accepted['job']['id']}/cancel"))
    assert (asked["state"], asked["cancel_requested"]) == ("running", True)
    gate.open()
    assert workspace.wait(accepted["job"]["id"])["state"] == "cancelled"
    shown = workspace.get(f"/documents/{before['document_id']}")
    assert (shown["state"], shown["error"]["code"], shown["answering_version"]) == ("failed", "job_cancelled", 1)
    assert workspace.post("/searches", {"query": "words"})["passages"][0]["text"] == "old words"
    retried = workspace.post(f"/documents/{before['document_id']}/retry", None, 202)
    assert workspace.wait(retried["id"])["state"] == "succeeded"
    assert workspace.post("/searches", {"query": "words"})["passages"][0]["text"] == f"{gate.word} words"


def test_a_waiting_job_is_cancelled_at_once(workspace: Workspace, gate: Gate) -> None:
    running = [start(workspace, f"{gate.word} {name}", name) for name in ("a", "b")]
    gate.wait_until_reached(2)
    waiting = start(workspace, "words", "c")
    cancelled = expect(200, workspace.client.post(f"/v1/jobs/{waiting['job']['id']}/cancel"))
    assert (cancelled["state"], cancelled["stage"]) == ("cancelled", "cancelled")
    assert cancelled["finished_at"] is not None
    assert workspace.get(f"/documents/{waiting['documents'][0]['document_id']}")["error"]["code"] == "job_cancelled"
    gate.open()
    assert [workspace.wait(one["job"]["id"])["state"] for one in running] == ["succeeded", "succeeded"]
    assert set(workspace.found(gate.word)) == {"a", "b"}


def test_cancelling_a_finished_job_changes_nothing(workspace: Workspace) -> None:
    accepted = start(workspace, "some words")
    job = workspace.wait(accepted["job"]["id"])
    assert expect(200, workspace.client.post(f"/v1/jobs/{job['id']}/cancel")) == job
    assert workspace.get()["documents"] == {"ready": 1}


def test_an_unexpected_error_fails_the_job_and_its_documents(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the inside")

    with monkeypatch.context() as patched:
        patched.setattr("ingest.pipeline.chunk_versions", broken)
        accepted = start(workspace, "some words")
        job = workspace.wait(accepted["job"]["id"])
    assert (job["state"], job["error"]["code"]) == ("failed", "internal_error")
    assert job["id"] in job["error"]["hint"]
    (document,) = workspace.get("/documents")["items"]
    assert (document["state"], document["error"]) == ("failed", job["error"])
    assert "secret" not in json.dumps([job, document])
    retried = workspace.post(f"/documents/{document['id']}/retry", None, 202)
    assert workspace.wait(retried["id"])["state"] == "succeeded"
    assert workspace.found("words") == ["a"]


def test_jobs_are_listed_by_workspace_and_state_in_pages(workspace: Workspace) -> None:
    ids = [workspace.wait(start(workspace, f"text {number}", str(number))["job"]["id"])["id"] for number in range(3)]
    of_this = {"workspace_id": workspace.id}
    page = expect(200, workspace.client.get("/v1/jobs", params={**of_this, "limit": 2}))
    rest = expect(200, workspace.client.get("/v1/jobs", params={**of_this, "cursor": page["next_cursor"]}))
    assert [job["id"] for job in page["items"] + rest["items"]] == ids
    assert rest["next_cursor"] is None
    done = expect(200, workspace.client.get("/v1/jobs", params={**of_this, "state": "succeeded"}))
    assert [job["id"] for job in done["items"]] == ids
    for state in {"queued", "running", *FINAL} - {"succeeded"}:
        assert expect(200, workspace.client.get("/v1/jobs", params={**of_this, "state": state}))["items"] == []
