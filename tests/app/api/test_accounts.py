"""Members and keys: what a key opens, from which moment, and until when."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from app.accounts import keys
from app.accounts.tables import ApiKey
from configs.part import JsonObject
from tests.app.api.conftest import app_of
from tests.app.api.playground import Gate, Workspace, expect, expect_problem

KEY = "the-key-of-the-environment"
BY_ADMIN = {"Authorization": f"Bearer {KEY}"}


class Accounts:
    """A service with keys, and short ways to make members and ask on their behalf."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.count = 0

    def member(self, **fields: Any) -> JsonObject:
        """Add a member."""
        self.count += 1
        body = {"name": f"member {self.count} {secrets.token_hex(4)}", **fields}
        return dict(expect(201, self.client.post("/v1/members", json=body, headers=BY_ADMIN)))

    def key(self, member: JsonObject, **fields: Any) -> JsonObject:
        """Make a key for a member."""
        body = {"name": "k", "member_id": member["id"], **fields}
        return dict(expect(201, self.client.post("/v1/keys", json=body, headers=BY_ADMIN)))

    def get(self, key: str, path: str = "/v1/me") -> Any:
        """Ask with a key."""
        return self.client.get(path, headers={"Authorization": f"Bearer {key}"})

    def role(self, workspace_id: str, member: JsonObject, role: str) -> None:
        """Give a member a role."""
        url = f"/v1/workspaces/{workspace_id}/members/{member['id']}"
        expect(200, self.client.put(url, json={"role": role}, headers=BY_ADMIN))


@pytest.fixture(scope="module")
def accounts(other_service: Callable[..., TestClient]) -> Accounts:
    return Accounts(other_service(api_key=SecretStr(KEY)))


def test_a_key_is_shown_once_and_kept_as_its_hash(accounts: Accounts, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    made = accounts.key(accounts.member())
    assert made["key"].startswith("pk_")
    assert len(made["key"]) >= 3 + 256 / 6
    assert made["key"].startswith(made["prefix"])
    listed = expect(200, accounts.client.get("/v1/keys", headers=BY_ADMIN, params={"limit": 200}))
    kept = next(one for one in listed["items"] if one["id"] == made["id"])
    assert kept == {name: value for name, value in made.items() if name != "key"}
    database = app_of(accounts.client).state.service.database
    with database.read() as session:
        row = session.get_one(ApiKey, made["id"])
        values = json.dumps([str(getattr(row, column.key)) for column in ApiKey.__table__.columns])
    assert made["key"] not in values
    accounts.get(made["key"])
    audited = accounts.client.get("/v1/audit/export", headers=BY_ADMIN).text
    for text in (caplog.text, json.dumps(listed), audited):
        assert made["key"] not in text
        assert row.sha256 not in text


def test_no_two_keys_are_alike(accounts: Accounts) -> None:
    member = accounts.member()
    made = [accounts.key(member)["key"] for _ in range(20)]
    assert len({key[:20] for key in made}) == 20


def test_answers_kept_for_one_key_are_not_anothers(accounts: Accounts, workspace: Workspace) -> None:
    answers: list[str] = []
    for _ in range(2):
        member = accounts.member()
        accounts.role(workspace.id, member, "editor")
        headers = {"Authorization": f"Bearer {accounts.key(member)['key']}", "Idempotency-Key": "the same"}
        name = f"g{len(answers)}"
        response = accounts.client.post(workspace.path("/groups"), json={"name": name}, headers=headers)
        answers.append(expect(201, response)["name"])
    assert answers == ["g0", "g1"]


@pytest.mark.parametrize(
    "given",
    ["nosuch", "pk_", "pk_" + "x" * 43, "pk_" + "x" * 100_00, "' OR 1=1 --", "Bearer", "\u00fc" * 20],
)
def test_other_strings_are_no_keys(accounts: Accounts, given: str) -> None:
    headers: Any = {"Authorization": f"Bearer {given}".encode()}
    problem = expect_problem(accounts.client.get("/v1/me", headers=headers), 401, "unauthorized")
    assert given not in problem["detail"] + problem["hint"] or given in ("Bearer", "pk_")


def test_a_key_differs_from_others_in_every_character(accounts: Accounts) -> None:
    good = accounts.key(accounts.member())["key"]
    assert accounts.get(good).status_code == 200
    for changed in (good[:-1], good + "x", good.swapcase(), good[:-1] + ("A" if good[-1] != "A" else "B"), f" {good}x"):
        expect_problem(accounts.get(changed), 401, "unauthorized")


def test_a_revoked_key_opens_nothing_at_once(accounts: Accounts) -> None:
    made = accounts.key(accounts.member())
    assert accounts.get(made["key"]).status_code == 200
    for _ in range(2):
        assert accounts.client.delete(f"/v1/keys/{made['id']}", headers=BY_ADMIN).status_code == 204
        expect_problem(accounts.get(made["key"]), 401, "unauthorized")


def test_an_expired_key_opens_nothing(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    made = accounts.key(accounts.member(), expires_at=soon.isoformat())
    assert accounts.get(made["key"]).status_code == 200
    monkeypatch.setattr(keys, "now", lambda: soon - timedelta(microseconds=1))
    assert accounts.get(made["key"]).status_code == 200
    monkeypatch.setattr(keys, "now", lambda: soon)
    expect_problem(accounts.get(made["key"]), 401, "unauthorized")


def test_a_key_that_would_have_expired_already_is_not_made(accounts: Accounts) -> None:
    body = {"name": "k", "member_id": accounts.member()["id"], "expires_at": "2020-01-01T00:00:00Z"}
    expect_problem(accounts.client.post("/v1/keys", json=body, headers=BY_ADMIN), 422, "expiry_in_past")
    body["expires_at"] = "2099-01-01T00:00:00"
    expect_problem(accounts.client.post("/v1/keys", json=body, headers=BY_ADMIN), 422, "invalid_request")


def test_a_removed_members_keys_open_nothing(accounts: Accounts, workspace: Workspace) -> None:
    member = accounts.member()
    accounts.role(workspace.id, member, "admin")
    made = accounts.key(member)
    for _ in range(2):
        assert accounts.client.delete(f"/v1/members/{member['id']}", headers=BY_ADMIN).status_code == 204
    expect_problem(accounts.get(made["key"]), 401, "unauthorized")
    url = f"/v1/workspaces/{workspace.id}/members"
    assert expect(200, accounts.client.get(url, headers=BY_ADMIN)) == []
    expect_problem(
        accounts.client.put(f"{url}/{member['id']}", json={"role": "viewer"}, headers=BY_ADMIN), 404, "member_not_found"
    )


def test_a_role_is_felt_by_the_next_request(accounts: Accounts, workspace: Workspace) -> None:
    member = accounts.member()
    key = accounts.key(member)["key"]
    path = workspace.path("/strategies")
    expect_problem(accounts.get(key, path), 404, "workspace_not_found")
    accounts.role(workspace.id, member, "viewer")
    assert accounts.get(key, path).status_code == 200
    body = {"name": "s", "preset": "lexical"}
    headers = {"Authorization": f"Bearer {key}"}
    expect_problem(accounts.client.post(path, json=body, headers=headers), 403, "forbidden")
    accounts.role(workspace.id, member, "editor")
    expect(201, accounts.client.post(path, json=body, headers=headers))
    url = f"/v1/workspaces/{workspace.id}/members/{member['id']}"
    assert accounts.client.delete(url, headers=BY_ADMIN).status_code == 204
    expect_problem(accounts.get(key, path), 404, "workspace_not_found")


def test_a_job_ends_whatever_becomes_of_who_began_it(accounts: Accounts, workspace: Workspace, gate: Gate) -> None:
    member = accounts.member()
    accounts.role(workspace.id, member, "editor")
    key = accounts.key(member)["key"]
    headers = {"Authorization": f"Bearer {key}"}
    body = {"documents": [{"text": f"{gate.word} words"}]}
    sent = expect(202, accounts.client.post(workspace.path("/documents"), json=body, headers=headers))
    gate.wait_until_reached()
    url = f"/v1/workspaces/{workspace.id}/members/{member['id']}"
    expect(200, accounts.client.put(url, json={"role": "viewer"}, headers=BY_ADMIN))
    job = f"/v1/jobs/{sent['job']['id']}"
    expect_problem(accounts.client.post(f"{job}/cancel", headers=headers), 403, "forbidden")
    assert accounts.get(key, job).json()["state"] == "running"
    assert accounts.client.delete(url, headers=BY_ADMIN).status_code == 204
    expect_problem(accounts.get(key, job), 404, "job_not_found")
    gate.open()
    assert workspace.wait(sent["job"]["id"])["state"] == "succeeded"


def test_an_override_is_an_admins(accounts: Accounts, workspace: Workspace) -> None:
    alias = workspace.path("/aliases/bot")
    expect(201, workspace.request("PUT", "/aliases/bot", json={}))
    for role, status, code in (("editor", 403, "forbidden"), ("admin", 409, "no_candidate")):
        member = accounts.member()
        accounts.role(workspace.id, member, role)
        headers = {"Authorization": f"Bearer {accounts.key(member)['key']}"}
        body = {"override_reason": "because"}
        expect_problem(accounts.client.post(f"{alias}/promotions", json=body, headers=headers), status, code)
        expect_problem(accounts.client.post(f"{alias}/promotions", json={}, headers=headers), 409, "no_candidate")


@pytest.mark.parametrize(
    ("at_most", "elsewhere", "status", "code"),
    [("viewer", False, 403, "forbidden"), (None, True, 404, "workspace_not_found"), ("editor", False, 201, "")],
)
def test_a_bounded_key_brings_less_than_its_member_has(
    accounts: Accounts, workspace: Workspace, at_most: str | None, elsewhere: bool, status: int, code: str
) -> None:
    member = accounts.member(is_administrator=True)
    other = Workspace(workspace.client)
    only = [other.id if elsewhere else workspace.id]
    headers = {"Authorization": f"Bearer {accounts.key(member, at_most=at_most, only_workspaces=only)['key']}"}
    response = accounts.client.post(workspace.path("/groups"), json={"name": "g"}, headers=headers)
    if code:
        expect_problem(response, status, code)
    else:
        expect(status, response)
    for path in ("/v1/members", "/v1/audit"):
        expect_problem(accounts.client.get(path, headers=headers), 403, "forbidden")
    shown = expect(200, accounts.client.get("/v1/workspaces", headers=headers))["items"]
    assert [one["id"] for one in shown] == only


def test_members_make_and_see_keys_of_their_own_alone(accounts: Accounts) -> None:
    member, other = accounts.member(), accounts.member()
    first, theirs = accounts.key(member), accounts.key(other)
    headers = {"Authorization": f"Bearer {first['key']}"}
    second = expect(201, accounts.client.post("/v1/keys", json={"name": "mine"}, headers=headers))
    listed = expect(200, accounts.client.get("/v1/keys", headers=headers))["items"]
    assert {one["id"] for one in listed} == {first["id"], second["id"]}
    body = {"name": "k", "member_id": other["id"]}
    expect_problem(accounts.client.post("/v1/keys", json=body, headers=headers), 403, "forbidden")
    assert accounts.client.delete(f"/v1/keys/{theirs['id']}", headers=headers).status_code == 204
    assert accounts.get(theirs["key"]).status_code == 200, "another's key is not there, and stays"
    assert accounts.client.delete(f"/v1/keys/{second['id']}", headers=headers).status_code == 204
    expect_problem(accounts.get(second["key"]), 401, "unauthorized")


def test_a_bounded_key_makes_no_keys(accounts: Accounts) -> None:
    bounded = accounts.key(accounts.member(), at_most="viewer")["key"]
    headers = {"Authorization": f"Bearer {bounded}"}
    expect_problem(accounts.client.post("/v1/keys", json={"name": "k"}, headers=headers), 403, "forbidden")


def test_a_key_for_a_workspace_tells_no_stranger_of_it(accounts: Accounts, workspace: Workspace) -> None:
    headers = {"Authorization": f"Bearer {accounts.key(accounts.member())['key']}"}
    for workspace_id in (workspace.id, "nosuch"):
        body = {"name": "k", "only_workspaces": [workspace_id]}
        expect_problem(accounts.client.post("/v1/keys", json=body, headers=headers), 404, "workspace_not_found")


def test_names_of_members_are_their_own(accounts: Accounts) -> None:
    member = accounts.member()
    again = accounts.client.post("/v1/members", json={"name": member["name"]}, headers=BY_ADMIN)
    expect_problem(again, 409, "member_exists")
    other = accounts.member()
    url = f"/v1/members/{other['id']}"
    expect_problem(accounts.client.patch(url, json={"name": member["name"]}, headers=BY_ADMIN), 409, "member_exists")
    renamed = expect(200, accounts.client.patch(url, json={"name": "another"}, headers=BY_ADMIN))
    assert expect(200, accounts.client.get(url, headers=BY_ADMIN)) == renamed == {**other, "name": "another"}


def test_the_last_use_is_noted_to_the_minute(accounts: Accounts) -> None:
    made = accounts.key(accounts.member())
    assert made["last_used_at"] is None
    accounts.get(made["key"])

    def used() -> str | None:
        listed = expect(200, accounts.client.get("/v1/keys", headers=BY_ADMIN, params={"limit": 200}))["items"]
        moments: list[str | None] = [one["last_used_at"] for one in listed if one["id"] == made["id"]]
        return moments[0]

    first = used()
    assert first is not None
    accounts.get(made["key"])
    assert used() == first


def test_a_header_that_smuggles_another_is_refused(accounts: Accounts) -> None:
    for value in ("Bearer a\r\nX-Admin: 1", f"Bearer a\r\nAuthorization: Bearer {KEY}"):
        headers: Any = {"Authorization": value.encode()}
        assert accounts.client.get("/v1/me", headers=headers).status_code in (400, 401)
