"""Idempotency keys: a request that created something is answered as before, and creates nothing twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any
from weakref import WeakValueDictionary

import httpx2
import pytest
from fastapi import Request
from sqlalchemy import select, update
from starlette.testclient import TestClient

from app.api import idempotency
from app.api.idempotency import LONGEST_KEY
from app.api.idempotency_claims import KEPT_FOR, Claim, IdempotencyRow, claiming
from app.api.quotas import Handler
from app.api.service import Service
from app.main import create_app
from configs.part import JsonObject
from indexes.database.engine import now
from tests.app.api.conftest import BASE_URL, app_of
from tests.app.api.playground import Gate, Workspace, expect, expect_problem, wait_for

DOCUMENTS = {"documents": [{"text": "some words", "external_id": "a"}]}


def sent(workspace: Workspace, key: str, tail: str = "/documents", body: Any = DOCUMENTS) -> httpx2.Response:
    """Send a POST with a key that no other test uses."""
    return workspace.request("POST", tail, json=body, headers={"Idempotency-Key": f"{workspace.id}/{key}"})


def test_a_repeated_request_gets_the_first_answer(workspace: Workspace) -> None:
    first = sent(workspace, "k")
    workspace.wait(expect(202, first)["job"]["id"])
    before = workspace.state()
    again = sent(workspace, "k")
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["content-type"] == first.headers["content-type"]
    assert (first.headers.get("idempotency-replayed"), again.headers.get("idempotency-replayed")) == (None, "true")
    assert workspace.state() == before


def test_without_a_key_every_request_is_done(client: TestClient) -> None:
    body = {"name": "Twice", "preset": "lexical"}
    ids = {expect(201, client.post("/v1/workspaces", json=body))["id"] for _ in range(2)}
    assert len(ids) == 2


def test_a_workspace_is_created_once(client: TestClient, workspace: Workspace) -> None:
    body, headers = {"name": "Once", "preset": "lexical"}, {"Idempotency-Key": f"create after {workspace.id}"}
    answers = [expect(201, client.post("/v1/workspaces", json=body, headers=headers)) for _ in range(2)]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("tail", "body"),
    [
        ("/documents", {"documents": [{"text": "other words", "external_id": "a"}]}),
        ("/strategies", {"name": "s", "preset": "lexical"}),
        ("/documents/files", None),
    ],
)
def test_a_key_stands_for_one_request(workspace: Workspace, tail: str, body: Any) -> None:
    workspace.wait(expect(202, sent(workspace, "k"))["job"]["id"])
    before = workspace.state()
    expect_problem(sent(workspace, "k", tail, body), 422, "idempotency_key_reused")
    assert workspace.state() == before


def test_the_same_body_for_another_workspace_is_another_request(workspace: Workspace, client: TestClient) -> None:
    expect(202, sent(workspace, "k"))
    headers = {"Idempotency-Key": f"{workspace.id}/k"}
    response = Workspace(client).request("POST", "/documents", json=DOCUMENTS, headers=headers)
    expect_problem(response, 422, "idempotency_key_reused")


def test_files_are_the_same_request_whatever_separates_them(workspace: Workspace) -> None:
    headers = {"Idempotency-Key": f"{workspace.id}/files"}
    answers = []
    for boundary in ("first-boundary", "second-boundary"):
        form = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\nwords\r\n'
            f"--{boundary}--\r\n"
        )
        kind = {"Content-Type": f'multipart/form-data; boundary="{boundary}"'}
        answers.append(workspace.request("POST", "/documents/files", content=form, headers={**headers, **kind}))
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["idempotency-replayed"] == "true"


def test_a_refused_request_leaves_its_key_free(workspace: Workspace) -> None:
    expect_problem(sent(workspace, "k", "/strategies", {"name": "s"}), 422, "invalid_request")
    expect_problem(sent(workspace, "k", "/strategies", {"name": "s", "preset": "nosuch"}), 404, "preset_not_found")
    assert expect(201, sent(workspace, "k", "/strategies", {"name": "s", "preset": "lexical"}))["version"] == 1


def test_what_arrives_while_the_first_is_under_way_waits_for_its_answer(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    monkeypatch.setattr("app.api.routers.uploads.save_sources", lambda *_: gate.pass_through())
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(sent, workspace, "k") for _ in range(2)]
        gate.wait_until_reached()
        gate.open()
        answers = [one.result() for one in running]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    assert len(workspace.get("/documents")["items"]) == 1
    assert len(workspace.jobs()) == 1


def test_answers_are_forgotten_after_a_day(workspace: Workspace) -> None:
    first = sent(workspace, "k", "/strategies", {"name": "s", "preset": "lexical"})
    with app_of(workspace.client).state.service.database.write() as session:
        old = now() - KEPT_FOR - timedelta(minutes=1)
        session.execute(
            update(IdempotencyRow).where(IdempotencyRow.workspace_id == workspace.id).values(created_at=old)
        )
    again = sent(workspace, "k", "/strategies", {"name": "s", "preset": "lexical"})
    assert (first.status_code, again.status_code) == (201, 200)


def kept(workspace: Workspace) -> list[bytes]:
    """Return the kept answers of the workspace."""
    with app_of(workspace.client).state.service.database.read() as session:
        rows = select(IdempotencyRow.body).where(IdempotencyRow.workspace_id == workspace.id)
        return list(session.scalars(rows))


def test_no_answer_with_document_text_is_kept(workspace: Workspace) -> None:
    workspace.send({"text": "some words", "external_id": "a"})
    search: JsonObject = {"query": "words"}
    for tail, body in (
        ("/searches", search),
        ("/contexts", {"question": "words"}),
        ("/comparisons", {"questions": [{"question": "words"}], "strategies": [{}]}),
    ):
        for _ in range(2):
            assert "some words" in sent(workspace, "k", tail, body).text
    assert kept(workspace) == []


def test_kept_answers_go_with_their_workspace(workspace: Workspace) -> None:
    expect(201, sent(workspace, "k", "/strategies", {"name": "s", "preset": "lexical"}))
    assert len(kept(workspace)) == 1
    workspace.request("DELETE")
    body = {"id": workspace.id, "name": "Anew", "preset": "lexical"}
    wait_for(lambda: workspace.client.post("/v1/workspaces", json=body).status_code == 201)
    assert kept(workspace) == []


@pytest.mark.parametrize("key", ["", "x" * (LONGEST_KEY + 1)])
def test_a_key_has_a_sensible_length(workspace: Workspace, key: str) -> None:
    response = workspace.request("POST", "/documents", json=DOCUMENTS, headers={"Idempotency-Key": key})
    expect_problem(response, 422, "invalid_key")
    assert workspace.get("/documents")["items"] == []


def test_what_was_done_before_its_process_died_is_not_done_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is lost between the commit of what was created and its own."""

    async def claim_and_die(_service: Service, request: Request, claim: Claim, handle: Handler) -> None:
        with claiming(claim):
            await handle(request)
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(idempotency, "_claimed", claim_and_die)
        with pytest.raises(ZeroDivisionError):
            sent(workspace, "k")
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 0.2)
    (job,) = workspace.jobs()
    workspace.wait(job["id"])
    before = workspace.state()
    problem = expect_problem(sent(workspace, "k"), 409, "idempotency_key_in_use")
    assert "nothing was created twice" in problem["hint"]
    assert workspace.state() == before
    assert len(workspace.get("/documents")["items"]) == 1


def test_of_two_processes_one_does_the_work_and_both_give_its_answer(client: TestClient, workspace: Workspace) -> None:
    service = app_of(client).state.service
    other = create_app(service.settings)
    other.state.service = replace(service, under_way=WeakValueDictionary())
    second = TestClient(other, base_url=BASE_URL)
    second.portal = client.portal
    barrier = Barrier(2)
    headers = {"Idempotency-Key": f"{workspace.id}/both"}

    def send(one: TestClient) -> httpx2.Response:
        barrier.wait()
        return one.post(workspace.path("/documents"), json=DOCUMENTS, headers=headers)

    with ThreadPoolExecutor(2) as pool:
        first, again = pool.map(send, (client, second))
    assert expect(202, first) == expect(202, again)
    assert len(workspace.jobs()) == 1


def test_a_search_with_a_key_keeps_nothing_and_a_context_frees_it(workspace: Workspace) -> None:
    workspace.send({"text": "words", "external_id": "a"})
    for _ in range(2):
        expect(200, sent(workspace, "s", "/searches", {"query": "words"}))
        expect(201, sent(workspace, "c", "/contexts", {"question": "words?"}))
    with app_of(workspace.client).state.service.database.read() as session:
        kept = session.scalars(select(IdempotencyRow).where(IdempotencyRow.workspace_id == workspace.id)).all()
    assert kept == []
