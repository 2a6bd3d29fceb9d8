"""Users through the API: facts on two clocks, memories, suggestions, turns, feedback, export, and bad input."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from configs.part import JsonObject
from tests.app.api.playground import Workspace, expect, expect_problem

FACT = "/users/ann/facts/city"


@pytest.fixture(scope="module")
def team(client: TestClient) -> Workspace:
    """Return a workspace with two groups, documents for all, for one group and for Ben."""
    workspace = Workspace(client)
    for name in ("finance", "support"):
        workspace.post("/groups", {"name": name}, 201)
    workspace.send(
        {"text": "tea for all", "external_id": "open"},
        {"text": "tea for finance", "external_id": "finance", "access": ["group:finance"]},
        {"text": "tea for ben", "external_id": "ben", "access": ["user:ben"]},
    )
    return workspace


@pytest.fixture
def people(team: Workspace) -> Workspace:
    """Return the team's workspace, with Ann as she was when she was new (but for her earlier records)."""
    put(team, "ann", groups=["finance"])
    return team


def put(workspace: Workspace, user_id: str, status: int | None = None, **body: Any) -> JsonObject:
    """Create or replace a user."""
    response = workspace.request("PUT", f"/users/{user_id}", json=body)
    user: JsonObject = expect(status or response.status_code, response)
    assert response.status_code in (200, 201), response.text
    return user


def documents(workspace: Workspace) -> dict[str, str]:
    """Return document ids by external id."""
    return {one["external_id"]: one["id"] for one in workspace.get("/documents")["items"]}


def test_a_user_is_created_replaced_changed_listed_and_deleted(team: Workspace) -> None:
    made = put(team, "eve", 201, groups=["support"], preferences={"language": "German"})
    assert (made["groups"], made["preferences"]) == (["support"], {"language": "German"})
    assert put(team, "eve", 200, groups=["finance", "support"])["preferences"] == {}
    changed = expect(200, team.request("PATCH", "/users/eve", json={"preferences": {"banned_tags": []}}))
    assert (changed["groups"], changed["preferences"]) == (["finance", "support"], {"banned_tags": []})
    assert team.get("/users/eve")["groups"] == ["finance", "support"]
    assert "eve" in [user["id"] for user in team.get("/users", group="finance")["items"]]
    for _ in range(2):
        assert team.request("DELETE", "/users/eve").status_code == 204
    expect_problem(team.request("GET", "/users/eve"), 404, "unknown_user")
    expect_problem(team.request("PUT", "/users/eve", json={}), 409, "user_deleted")
    expect_problem(team.request("POST", "/users/eve/memories", json={"text": "x"}), 404, "unknown_user")
    assert team.get("/users/eve/export")["held"]["users"][0]["deleted_at"] is not None
    assert "eve" not in [user["id"] for user in team.get("/users")["items"]]


def test_the_old_fact_is_gone_from_the_profile_and_still_in_the_export(people: Workspace) -> None:
    for value in ("Berlin", "Paris"):
        expect(201, people.request("PUT", FACT, json={"value": value}))
    between = datetime.now(UTC)
    expect(200, people.request("PUT", FACT, json={"value": "Paris"}))
    expect(201, people.request("PUT", FACT, json={"value": "Rome"}))
    assert [fact["value"] for fact in people.get("/users/ann")["facts"]] == ["Rome"]
    assert [fact["value"] for fact in people.get("/users/ann", as_of=between.isoformat())["facts"]] == ["Paris"]
    assert [fact["value"] for fact in people.get("/users/ann/facts", key="city")["items"]] == ["Rome"]
    history = people.get("/users/ann/facts", key="city", history=True)["items"]
    assert {fact["value"] for fact in history} == {"Berlin", "Paris", "Rome"}
    assert [fact["value"] for fact in history if fact["superseded_at"] is None and fact["valid_to"] is None] == ["Rome"]
    exported = people.get("/users/ann/export")["held"]["user_facts"]
    assert {fact["value"] for fact in exported} == {"Berlin", "Paris", "Rome"}
    assert people.request("DELETE", FACT).status_code == 204
    assert people.get("/users/ann")["facts"] == []
    assert people.get("/users/ann", as_of=between.isoformat())["facts"] == []
    assert len(people.get("/users/ann/export")["held"]["user_facts"]) == len(exported)


def test_what_was_true_and_what_was_known_are_asked_apart(people: Workspace) -> None:
    before = datetime.now(UTC)
    body = {"value": "engineer", "valid_from": "2020-01-01T00:00:00+02:00", "valid_to": "2021-01-01T00:00:00Z"}
    fact = expect(201, people.request("PUT", "/users/ann/facts/job", json=body))
    assert fact["valid_from"] == "2019-12-31T22:00:00Z"

    def jobs(**moments: str) -> list[str]:
        return [one["value"] for one in people.get("/users/ann/facts", key="job", **moments)["items"]]

    assert jobs() == []
    assert jobs(as_of="2020-06-01T00:00:00Z") == ["engineer"]
    assert jobs(as_of="2020-06-01T00:00:00Z", known_at=before.isoformat()) == []


def test_memories_are_kept_superseded_and_hidden(people: Workspace) -> None:
    old = people.post("/users/ann/memories", {"text": "likes tea", "importance": 3}, 201)
    new = people.post("/users/ann/memories", {"text": "likes coffee", "supersedes": old["id"]}, 201)
    listed = [memory["id"] for memory in people.get("/users/ann/memories")["items"]]
    assert (new["id"] in listed, old["id"] in listed) == (True, False)
    assert old["id"] in [memory["id"] for memory in people.get("/users/ann/memories", history=True)["items"]]
    assert people.get(f"/users/ann/memories/{old['id']}")["valid_to"] == new["valid_from"]
    for _ in range(2):
        assert people.request("DELETE", f"/users/ann/memories/{new['id']}").status_code == 204
    expect_problem(people.request("GET", f"/users/ann/memories/{new['id']}"), 404, "memory_not_found")
    assert new["id"] in str(people.get("/users/ann/export"))


def test_suggestions_wait_to_be_confirmed(people: Workspace) -> None:
    text = "I work at Acme. Remember that the plant closes at noon."
    turn = people.post("/users/ann/turns", {"role": "user", "text": text, "suggest": True}, 201)
    fact, memory = turn["suggestions"]
    assert (fact["state"], fact["turn_id"]) == ("open", turn["id"])
    assert "employer" not in [one["key"] for one in people.get("/users/ann")["facts"]]
    done = people.post(f"/users/ann/suggestions/{fact['id']}/confirm", None)
    assert people.get("/users/ann/facts", key="employer")["items"][0]["id"] == done["result_id"]
    assert people.post(f"/users/ann/suggestions/{memory['id']}/dismiss", None)["state"] == "dismissed"
    response = people.request("POST", f"/users/ann/suggestions/{memory['id']}/confirm")
    expect_problem(response, 409, "suggestion_decided")
    assert "plant" not in str(people.get("/users/ann/memories"))
    assert people.post("/users/ann/turns", {"role": "user", "text": text}, 201)["suggestions"] == []
    assert people.get("/users/ann/suggestions", state="open")["items"] == []
    (read,) = people.post("/users/ann/suggestions", {"text": "I live in Rome"}, 201)["suggestions"]
    assert [one["id"] for one in people.get("/users/ann/suggestions", state="open")["items"]] == [read["id"]]


def test_turns_are_listed_and_forgotten(people: Workspace) -> None:
    assert people.request("DELETE", "/users/ann/turns").status_code == 204
    for role in ("user", "assistant"):
        people.post("/users/ann/turns", {"role": role, "text": f"I am the {role}"}, 201)
    assert [turn["role"] for turn in people.get("/users/ann/turns")["items"]] == ["user", "assistant"]
    assert people.request("DELETE", "/users/ann/turns").status_code == 204
    assert people.get("/users/ann/turns")["items"] == []
    assert "I am the assistant" in str(people.get("/users/ann/export"))


def test_feedback_is_given_on_documents_and_on_sources(people: Workspace) -> None:
    ids = documents(people)
    asked = {"question": "tea", "principals": ["user:ann", "group:finance", "user:ben"]}
    context = people.post("/contexts", asked, 201)
    labels = {one["document_id"]: one["label"] for one in context["citations"]}
    by_id = people.post("/users/ann/feedback", {"signal": "thumb_up", "document_id": ids["finance"]}, 201)
    by_label = {"signal": "click", "context_id": context["id"], "label": labels[ids["finance"]]}
    assert people.post("/users/ann/feedback", by_label, 201)["document_id"] == ids["finance"]
    assert by_id["id"] in [one["id"] for one in people.get("/users/ann/feedback")["items"]]
    hidden = {"signal": "thumb_down", "document_id": ids["ben"]}
    expect_problem(people.request("POST", "/users/ann/feedback", json=hidden), 404, "document_not_found")
    unseen = {**by_label, "label": labels[ids["ben"]]}
    expect_problem(people.request("POST", "/users/ann/feedback", json=unseen), 404, "source_not_found")


def test_unknown_users_are_created_or_refused_by_setting(client: TestClient) -> None:
    workspace = Workspace(client)
    assert workspace.get("/personalisation")["unknown_users"] == "refuse"
    send = {"role": "user", "text": "Hello"}
    expect_problem(workspace.request("POST", "/users/new/turns", json=send), 404, "unknown_user")
    saved = {"workspace_instructions": "Be kind.", "preferences": {"language": "German"}, "unknown_users": "create"}
    assert expect(200, workspace.request("PUT", "/personalisation", json=saved)) == {**saved, "notes": ""}
    workspace.post("/users/new/turns", send, 201)
    assert workspace.get("/users/new")["groups"] == []
    expect_problem(workspace.request("GET", "/users/other"), 404, "unknown_user")


def test_nothing_is_recorded_on_who_opted_out(team: Workspace) -> None:
    put(team, "out", 201, opted_out=True)
    for tail, body in (
        ("memories", {"text": "x"}), ("turns", {"role": "user", "text": "x"}), ("suggestions", {"text": "x"}),
        ("feedback", {"signal": "click", "document_id": documents(team)["open"]}),
    ):  # fmt: skip
        expect_problem(team.request("POST", f"/users/out/{tail}", json=body), 409, "user_opted_out")
    expect_problem(team.request("PUT", "/users/out/facts/city", json={"value": "x"}), 409, "user_opted_out")


@pytest.mark.parametrize(
    ("method", "tail", "body", "status", "code"),
    [
        ("PUT", "", {"groups": ["nosuch"]}, 422, "unknown_group"),
        ("PATCH", "", {"groups": ["nosuch"]}, 422, "unknown_group"),
        ("PUT", "", {"preferences": {"banned_tags": ["a"], "preferred_tags": ["a"]}}, 422, "invalid_request"),
        ("PUT", "", {"preferences": {"colour": "red"}}, 422, "invalid_request"),
        ("PUT", "/facts/x", {"value": ""}, 422, "invalid_request"),
        ("PUT", "/facts/x", {"value": "v" * 2_001}, 422, "invalid_request"),
        ("PUT", "/facts/x", {"value": "v", "confidence": 1.1}, 422, "invalid_request"),
        ("PUT", "/facts/x", {"value": "v", "valid_from": "2026-01-01T00:00:00"}, 422, "invalid_request"),
        ("PUT", "/facts/x", {"value": "v", "valid_from": "0001-01-01T00:00:00+14:00"}, 422, "invalid_request"),
        ("PUT", "/facts/x", {"value": "v", "valid_to": "2020-01-01T00:00:00Z"}, 422, "conflicting_validity"),
        ("POST", "/memories", {"text": " "}, 422, "invalid_request"),
        ("POST", "/memories", {"text": "x", "importance": 11}, 422, "invalid_request"),
        ("POST", "/memories", {"text": "x", "kind": "nosuch"}, 422, "invalid_request"),
        ("POST", "/memories", {"text": "x", "supersedes": "nosuch"}, 404, "memory_not_found"),
        ("POST", "/memories", {"text": "x", "valid_from": "2999-01-01T00:00:00Z"}, 422, "memory_in_far_future"),
        ("POST", "/turns", {"role": "system", "text": "x"}, 422, "invalid_request"),
        ("POST", "/turns", {"role": "assistant", "text": "x", "suggest": True}, 422, "invalid_request"),
        ("POST", "/feedback", {"signal": "click"}, 422, "invalid_request"),
        ("POST", "/feedback", {"signal": "click", "document_id": "nosuch"}, 404, "document_not_found"),
        ("POST", "/feedback", {"signal": "click", "context_id": "nosuch", "label": "S1"}, 404, "context_not_found"),
        ("POST", "/suggestions/nosuch/confirm", None, 404, "suggestion_not_found"),
        ("POST", "/suggestions/nosuch/dismiss", None, 404, "suggestion_not_found"),
    ],
)
def test_bad_input_is_told_and_changes_nothing(
    people: Workspace, method: str, tail: str, body: Any, status: int, code: str
) -> None:
    def held() -> JsonObject:
        exported: JsonObject = people.get("/users/ann/export")["held"]
        return exported

    before = held()
    expect_problem(people.request(method, f"/users/ann{tail}", json=body), status, code)
    assert held() == before


def test_a_fact_that_would_overlap_a_later_one_is_refused(people: Workspace) -> None:
    later = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    expect(201, people.request("PUT", "/users/ann/facts/team", json={"value": "new team", "valid_from": later}))
    response = people.request("PUT", "/users/ann/facts/team", json={"value": "old team"})
    assert "valid_to" in expect_problem(response, 409, "conflicting_validity")["hint"]
    expect(201, people.request("PUT", "/users/ann/facts/team", json={"value": "old team", "valid_to": later}))
    assert [fact["value"] for fact in people.get("/users/ann/facts", key="team")["items"]] == ["old team"]


def test_the_same_id_is_another_user_in_another_workspace(people: Workspace, client: TestClient) -> None:
    memory = people.post("/users/ann/memories", {"text": "theirs"}, 201)
    (suggestion,) = people.post("/users/ann/suggestions", {"text": "I live in Oslo"}, 201)["suggestions"]
    context = people.post("/contexts", {"question": "tea"}, 201)
    before = people.get("/users/ann/export")["held"]
    other = Workspace(client)
    put(other, "ann", 201)
    assert other.get("/users/ann/memories")["items"] == other.get("/users/ann")["facts"] == []
    expect_problem(other.request("GET", f"/users/ann/memories/{memory['id']}"), 404, "memory_not_found")
    assert other.request("DELETE", f"/users/ann/memories/{memory['id']}").status_code == 204
    for body, code in (
        ({"signal": "click", "document_id": documents(people)["open"]}, "document_not_found"),
        ({"signal": "click", "context_id": context["id"], "label": "S1"}, "context_not_found"),
    ):
        expect_problem(other.request("POST", "/users/ann/feedback", json=body), 404, code)
    supersedes = {"text": "x", "supersedes": memory["id"]}
    expect_problem(other.request("POST", "/users/ann/memories", json=supersedes), 404, "memory_not_found")
    response = other.request("POST", f"/users/ann/suggestions/{suggestion['id']}/confirm")
    expect_problem(response, 404, "suggestion_not_found")
    expect_problem(other.request("PATCH", "/users/ann", json={"groups": ["finance"]}), 422, "unknown_group")
    assert other.request("DELETE", "/users/ann").status_code == 204
    assert people.get("/users/ann/export")["held"] == before
