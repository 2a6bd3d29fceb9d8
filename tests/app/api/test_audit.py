"""The audit log: every change, in the unit of work that made it, with who, before and after."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterable
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from app.accounts.keys import note_administrator
from app.accounts.tables import Member
from app.api.routers import audit
from app.context.users.registration import add_group
from configs.errors import DatabaseUnavailableError
from configs.part import JsonObject
from indexes.database.audit import Action, AuditRow, acting, watch_changes
from tests.app.api.conftest import app_of
from tests.app.api.playground import Workspace, expect, wait_for

CREATION = "POST /v1/workspaces"


def entries(workspace: Workspace, **parameters: Any) -> list[JsonObject]:
    """Return the workspace's entries, without that of its creation."""
    items = workspace.get("/audit", limit=200, **parameters)["items"]
    return [entry for entry in items if entry["operation"] != CREATION]


def everything(workspace: Workspace, **parameters: Any) -> list[JsonObject]:
    """Return all of the workspace's entries."""
    return list(workspace.get("/audit", limit=200, **parameters)["items"])


def test_the_log_begins_with_the_workspaces_creation(client: TestClient, workspace: Workspace) -> None:
    (entry,) = everything(workspace)
    assert (entry["operation"], entry["workspace_id"]) == (CREATION, workspace.id)
    changes = {change["row"]: change for change in entry["changes"]}
    assert changes[f"workspaces/{workspace.id}"]["after"]["name"] == "Test"
    assert client.delete(workspace.path("")).status_code == 204
    body = {"id": workspace.id, "name": "Successor", "preset": "lexical"}
    wait_for(lambda: client.post("/v1/workspaces", json=body).status_code == 201)
    (entry,) = everything(workspace)
    assert next(change["after"]["name"] for change in entry["changes"] if "workspaces/" in change["row"]) == "Successor"


@pytest.mark.parametrize("field", ["title", "metadata"])
def test_what_steers_filters_is_seen_to_change_and_is_not_told(workspace: Workspace, field: str) -> None:
    values: dict[str, tuple[Any, Any]] = {"title": ("zanzi", "bar"), "metadata": ({"t": "zanzi"}, {"t": "bar"})}
    first, second = values[field]
    (document,) = workspace.send({"text": "words", "external_id": "a", "title": "t", "metadata": {}, field: first})
    path = f"/documents/{document['document_id']}"
    seen = []
    for value in (second, first, first):
        before = len(entries(workspace))
        expect(200, workspace.request("PATCH", path, json={field: value}))
        found = entries(workspace)[before:]
        seen += [(change["before"], change["after"]) for entry in found for change in entry["changes"]]
    (there, back) = seen
    assert there[0].keys() == there[1].keys() == {field}
    assert back == (there[1], there[0]), "the same value has the same hash"
    assert there[0] != there[1]
    assert all(word not in json.dumps(entries(workspace)) for word in ("zanzi", "bar"))


def test_a_question_set_that_is_made_anew_without_its_pins_is_seen(workspace: Workspace) -> None:
    questions: list[JsonObject] = [
        {"question": "zanzibar?", "unanswerable": True, "pinned": True}, {"question": "other?", "unanswerable": True},
    ]  # fmt: skip
    made = workspace.post("/question-sets", {"name": "s", "questions": questions}, 201)
    assert workspace.request("DELETE", "/question-sets/s").status_code == 204
    workspace.post("/question-sets", {"name": "s", "questions": [{**one, "pinned": False} for one in questions]}, 201)
    first, gone, second = (entry["changes"][0] for entry in entries(workspace))
    assert first["row"] == gone["row"] == second["row"] == f"question_sets/{workspace.id}/s"
    assert first["before"] is gone["after"] is None
    assert first["after"] == gone["before"]
    expected = {"name": "s", "content_hash": made["content_hash"], "question_count": 2, "pinned_count": 1}
    assert gone["before"] == expected
    assert second["after"]["pinned_count"] == 0
    assert second["after"]["content_hash"] != made["content_hash"]
    assert "zanzibar" not in json.dumps([first, gone, second])


def test_a_change_is_there_with_who_before_and_after(workspace: Workspace) -> None:
    expect(200, workspace.request("PATCH", json={"name": "Renamed"}, headers={"X-Request-ID": "r-1"}))
    (entry,) = entries(workspace)
    assert entry["operation"] == "PATCH /v1/workspaces/{workspace_id}"
    assert entry["who"] == "this machine, without a key"
    assert (entry["member_id"], entry["key_id"], entry["request_id"]) == (None, None, "r-1")
    assert entry["objects"] == {"workspace_id": workspace.id}
    change = {"row": f"workspaces/{workspace.id}", "before": {"name": "Test"}, "after": {"name": "Renamed"}}
    assert entry["changes"] == [change]
    assert entry["counts"] == {"workspaces": {"changed": 1}}


def test_what_is_added_and_deleted_is_told(workspace: Workspace) -> None:
    workspace.post("/groups", {"name": "g", "description": "first"}, 201)
    assert workspace.request("DELETE", "/groups/g").status_code == 204
    added, deleted = entries(workspace)
    assert added["changes"] == [
        {"row": f"user_groups/{workspace.id}/g", "before": None, "after": {"description": "first"}}
    ]
    assert deleted["counts"]["user_groups"] == {"deleted": 1}


def last_change(client: TestClient) -> JsonObject:
    """Return the newest entry of the installation."""
    return dict(json.loads(client.get("/v1/audit/export").text.splitlines()[-1]))


def test_a_deleted_alias_leaves_what_it_was(workspace: Workspace) -> None:
    expect(201, workspace.request("PUT", "/aliases/bot", json={"description": "answers", "limits": {}}))
    made = workspace.get("/aliases/bot")
    assert workspace.request("DELETE", "/aliases/bot").status_code == 204
    (change,) = entries(workspace)[-1]["changes"]
    assert (change["row"], change["after"]) == (f"aliases/{workspace.id}/bot", None)
    assert change["before"]["description"] == "answers"
    assert change["before"]["limits"] == made["limits"]
    assert "active_version" in change["before"]


def test_a_removed_members_roles_are_told(client: TestClient, workspace: Workspace) -> None:
    other = Workspace(client)
    member = expect(201, client.post("/v1/members", json={"name": "Vi of the audit"}))["id"]
    for place, role in ((workspace, "editor"), (other, "viewer")):
        expect(200, place.request("PUT", f"/members/{member}", json={"role": role}))
    assert client.delete(f"/v1/members/{member}").status_code == 204
    changes = {change["row"]: (change["before"], change["after"]) for change in last_change(client)["changes"]}
    assert changes[f"memberships/{workspace.id}/{member}"] == ({"role": "editor"}, None)
    assert changes[f"memberships/{other.id}/{member}"] == ({"role": "viewer"}, None)


def test_keys_that_administrate_from_now_on_are_told(client: TestClient) -> None:
    member = expect(201, client.post("/v1/members", json={"name": "Bo of the audit"}))["id"]
    free = expect(201, client.post("/v1/keys", json={"name": "free", "member_id": member}))["id"]
    expect(201, client.post("/v1/keys", json={"name": "bound", "member_id": member, "at_most": "viewer"}))
    service = app_of(client).state.service
    with service.database.read() as session:  # rolled back: committed, it would close the service to everybody else
        with acting(Action(who="t", operation="t")):
            record = watch_changes(session)
        note_administrator(session, session.get_one(Member, member))
        record()
        (entry,) = session.scalars(select(AuditRow).where(AuditRow.operation == "t"))
        changes = entry.changes
    assert changes == [
        {"row": f"api_keys/{free}", "before": {"administrates": False}, "after": {"administrates": True}}
    ]


def test_asking_changes_nothing_and_neither_does_what_is_refused(workspace: Workspace) -> None:
    workspace.send({"text": "words", "external_id": "a"})
    before = entries(workspace)
    workspace.found("words")
    workspace.post("/contexts", {"question": "words?"}, 201)
    workspace.get("/documents")
    workspace.request("POST", "/groups", json={"name": ""})
    workspace.request("PATCH", json={"default_strategy": "nosuch"})
    workspace.request("DELETE", "/documents/nosuch")
    expect(200, workspace.request("PATCH", json={}))
    assert entries(workspace) == before
    assert [entry["operation"] for entry in before] == ["POST /v1/workspaces/{workspace_id}/documents"]


def test_a_change_and_its_entry_are_committed_together_or_not_at_all(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add_and_fail(*arguments: Any, **settings: Any) -> None:
        add_group(*arguments, **settings)
        raise ZeroDivisionError

    monkeypatch.setattr("app.api.routers.groups.add_group", add_and_fail)
    with pytest.raises(ZeroDivisionError):
        workspace.request("POST", "/groups", json={"name": "g"})
    assert entries(workspace) == []
    assert workspace.get("/groups")["items"] == []


def test_no_words_of_documents_or_users_are_in_it(workspace: Workspace) -> None:
    workspace.send({"text": "zanzibar", "external_id": "zanzibar", "title": "zanzibar", "metadata": {"a": "zanzibar"}})
    user = "/users/ann"
    expect(201, workspace.request("PUT", user, json={"preferences": {"language": "zanzibar"}}))
    expect(201, workspace.request("PUT", f"{user}/facts/city", json={"value": "zanzibar"}))
    workspace.post(f"{user}/memories", {"text": "zanzibar"}, 201)
    workspace.post(f"{user}/turns", {"role": "user", "text": "zanzibar"}, 201)
    found = entries(workspace)
    assert len(found) == 5
    assert "zanzibar" not in json.dumps(found)


def test_what_is_erased_is_emptied(workspace: Workspace) -> None:
    expect(201, workspace.request("PUT", "/users/quetzal", json={}))
    (document,) = workspace.send({"text": "words", "tags": ["quetzaltag"], "access": ["user:quetzal"]})
    workspace.send({"text": "other words", "tags": ["kept"]})
    assert json.dumps(entries(workspace)).count("quetzal") == 3
    for target in ({"user_id": "quetzal"}, {"document_id": document["document_id"]}):
        erased = workspace.post("/erasures", target, 202)
        assert workspace.wait(erased["job"]["id"])["state"] == "succeeded"
    left = entries(workspace)
    assert "quetzal" not in json.dumps(left)
    assert "kept" in json.dumps(left)
    assert [entry["operation"].split()[0] for entry in left] == ["PUT", "POST", "POST", "POST", "POST"]


def test_only_the_first_hundred_rows_are_described_and_all_are_counted(workspace: Workspace) -> None:
    workspace.send(*({"text": f"words {number}"} for number in range(120)))
    (entry,) = entries(workspace)
    assert len(entry["changes"]) == 100
    assert entry["counts"]["documents"] == {"added": 120}


def test_pages_filters_and_export_agree(client: TestClient, workspace: Workspace) -> None:
    for number in range(5):
        workspace.post("/groups", {"name": f"g{number}"}, 201)
    whole = everything(workspace)
    paged, cursor = [], None
    while True:
        page = workspace.get("/audit", limit=2, **({} if cursor is None else {"cursor": cursor}))
        paged += page["items"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert paged == whole
    assert everything(workspace, since=whole[3]["created_at"]) == whole[3:]
    assert entries(workspace, member_id="nosuch") == []
    exported = workspace.request("GET", "/audit/export")
    assert exported.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in exported.text.splitlines()] == whole
    everywhere = client.get("/v1/audit/export", params={"since": whole[0]["created_at"]}).text.splitlines()
    assert {entry["id"] for entry in whole} <= {json.loads(line)["id"] for line in everywhere}


@pytest.mark.parametrize("at_once", [1, 2, 3, 500])
def test_an_export_is_sent_in_parts_as_it_is_read(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    for number in range(2):
        workspace.post("/groups", {"name": f"g{number}"}, 201)
    monkeypatch.setattr(audit, "ROWS_AT_ONCE", at_once)
    service = app_of(workspace.client).state.service
    chosen = audit._chosen(None, None)
    response = audit._lines(service, workspace.id, chosen)
    workspace.post("/groups", {"name": "meanwhile"}, 201)  # no unit of work is open, and what is added is at the end
    parts = asyncio.run(_collected(response.body_iterator))
    whole = everything(workspace)
    sent = [json.loads(line) for line in "".join(parts).splitlines()]
    assert sent == whole[: len(sent)]
    assert len(sent) == (3 if at_once >= 3 else 4)
    assert [len(part.splitlines()) for part in parts] == {1: [1] * 4, 2: [2, 2], 3: [3], 500: [3]}[at_once]
    assert workspace.request("GET", "/audit/export").text.splitlines() == [
        line for number in range(4) for line in [json.dumps(whole[number], separators=(",", ":"), ensure_ascii=False)]
    ]


async def _collected(parts: AsyncIterable[Any]) -> list[str]:
    return [part async for part in parts]


def test_an_export_that_cannot_begin_says_so(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DatabaseUnavailableError("it is away", hint="wait")

    monkeypatch.setattr(audit, "page", fail)
    assert expect(503, client.get("/v1/audit/export"))["code"] == "database_unavailable"


def test_other_workspaces_changes_are_not_shown(client: TestClient, workspace: Workspace) -> None:
    other = Workspace(client)
    other.post("/groups", {"name": "theirs"}, 201)
    assert entries(workspace) == []
    assert "theirs" not in workspace.request("GET", "/audit/export").text


def test_it_outlives_the_workspace(client: TestClient, workspace: Workspace) -> None:
    assert workspace.request("DELETE").status_code == 204
    lines = client.get("/v1/audit/export").text.splitlines()
    last = [entry for line in lines if (entry := json.loads(line))["workspace_id"] == workspace.id][-1]
    assert last["operation"] == "DELETE /v1/workspaces/{workspace_id}"
    assert last["changes"][0]["before"] == {"deleted_at": None}
