"""Roles: every operation of the description is asked by nobody, by a stranger, by every smaller role, and by the
smallest that may.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from app.accounts.roles import ROLES
from tests.app.api.operations import Operation, operations
from tests.app.api.playground import Workspace, expect, expect_problem

KEY = "the-key-of-the-environment"
OPEN = {"/health/live", "/health/ready"}
GUARDED = [operation for operation in operations() if operation.path not in OPEN]
IN_A_WORKSPACE = [operation for operation in GUARDED if "workspace_id" in operation.path_parameters]
OF_A_JOB = [operation for operation in GUARDED if "job_id" in operation.path_parameters]
BY_ROLE = [one for one in IN_A_WORKSPACE + OF_A_JOB if one.description["x-required-role"] != "installation"]
READING = {"get", "head"}


@dataclass(frozen=True)
class Team:
    """A workspace, a job in it, and a key for each role in it; a stranger has a role elsewhere."""

    client: TestClient
    workspace: Workspace
    job_id: str
    keys: dict[str, str]

    def ask(self, who: str | None, operation: Operation, **sending: Any) -> Any:
        """Send a request of somebody, with an empty body where it is not reading."""
        names = dict.fromkeys(operation.path_parameters, "nosuch")
        url = operation.url(**{**names, "workspace_id": self.workspace.id, "job_id": self.job_id})
        headers = {} if who is None else {"Authorization": f"Bearer {self.keys[who]}"}
        body = {} if operation.method in READING else {"content": b"{not json", **sending}
        headers["Content-Type"] = "application/json"
        return self.client.request(operation.method, url, headers=headers, **body)


@pytest.fixture(scope="module")
def team(other_service: Callable[..., TestClient]) -> Team:
    """Return a team on a service with keys; tests leave its workspace as it is."""
    client = other_service(api_key=SecretStr(KEY))
    client.headers["Authorization"] = f"Bearer {KEY}"
    workspace, elsewhere = Workspace(client), Workspace(client)
    keys = {"installation": KEY}
    for who, place, role in [*((role, workspace, role) for role in ROLES), ("stranger", elsewhere, "admin")]:
        member = expect(201, client.post("/v1/members", json={"name": f"{who} of {workspace.id}"}))
        expect(200, place.request("PUT", f"/members/{member['id']}", json={"role": role}))
        made = expect(201, client.post("/v1/keys", json={"name": "key", "member_id": member["id"]}))
        keys[who] = made["key"]
    sent = workspace.post("/documents", {"documents": [{"text": "words"}]}, 202)
    workspace.wait(sent["job"]["id"])
    del client.headers["Authorization"]
    return Team(client, workspace, sent["job"]["id"], keys)


def required(operation: Operation) -> str:
    """Return what the description says that the operation needs."""
    role: str = operation.description["x-required-role"]
    return role


def test_the_description_names_what_each_operation_needs() -> None:
    assert {required(operation) for operation in GUARDED} == {"caller", *ROLES, "installation"}
    others = set(map(str, IN_A_WORKSPACE + OF_A_JOB)) - set(map(str, BY_ROLE))
    assert others == {"PUT /v1/workspaces/{workspace_id}/quotas"}
    for operation in operations():
        assert ("x-required-role" in operation.description) is (operation.path not in OPEN)


@pytest.mark.parametrize("operation", GUARDED, ids=str)
def test_nobody_is_answered_without_a_key(team: Team, operation: Operation) -> None:
    expect_problem(team.ask(None, operation), 401, "unauthorized")


@pytest.mark.parametrize("operation", BY_ROLE, ids=str)
def test_for_a_stranger_the_workspace_is_not_there(team: Team, operation: Operation) -> None:
    before = team.workspace.id
    problem = team.ask("stranger", operation)
    code = "workspace_not_found" if operation in IN_A_WORKSPACE else "job_not_found"
    answer = expect_problem(problem, 404, code)
    assert answer.pop("request_id") == problem.headers["x-request-id"]
    absent = Team(team.client, team.workspace, "nosuch", team.keys)
    missing = operation.url(**dict.fromkeys(operation.path_parameters, "nosuch"))
    headers = {"Authorization": f"Bearer {team.keys['stranger']}", "Content-Type": "application/json"}
    truly = expect_problem(absent.client.request(operation.method, missing, headers=headers), 404, code)
    del truly["request_id"]
    named = {**answer, "detail": answer["detail"].replace(before, "nosuch").replace(team.job_id, "nosuch")}
    assert named == truly


@pytest.mark.parametrize("operation", BY_ROLE, ids=str)
def test_smaller_roles_are_refused_and_the_named_one_is_not(team: Team, operation: Operation) -> None:
    needed = ROLES.index(required(operation))
    for position, role in enumerate(ROLES):
        if position < needed:
            problem = expect_problem(team.ask(role, operation), 403, "forbidden")
            assert f"is {role} of workspace" in problem["detail"]
            assert f"needs the role {required(operation)}" in problem["detail"]
    if operation.path_parameters == ["workspace_id"] and operation.method == "delete":
        return  # the workspace would be gone; test_an_admin_deletes_a_workspace does it
    assert team.ask(ROLES[needed], operation).status_code not in (401, 403, 500)


@pytest.mark.parametrize("operation", [one for one in GUARDED if required(one) == "installation"], ids=str)
def test_only_administrators_of_the_installation_may(team: Team, operation: Operation) -> None:
    for role in (*ROLES, "stranger"):
        expect_problem(team.ask(role, operation), 403, "forbidden")
    assert team.ask("installation", operation).status_code not in (401, 403, 500)


def test_an_admin_deletes_a_workspace(team: Team) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    made = expect(201, team.client.post("/v1/workspaces", json={"name": "w"}, headers=headers))
    url = f"/v1/workspaces/{made['id']}"
    member = expect(200, team.client.get("/v1/me", headers={"Authorization": f"Bearer {team.keys['admin']}"}))
    put = f"{url}/members/{member['member_id']}"
    expect(200, team.client.request("PUT", put, json={"role": "admin"}, headers=headers))
    assert team.client.delete(url, headers={"Authorization": f"Bearer {team.keys['admin']}"}).status_code == 204
    expect_problem(team.client.get(url, headers=headers), 404, "workspace_not_found")


def test_lists_show_what_the_caller_has_a_role_in(team: Team) -> None:
    for who, is_theirs in (("viewer", True), ("stranger", False)):
        headers = {"Authorization": f"Bearer {team.keys[who]}"}
        for path, field in (("/v1/workspaces", "id"), ("/v1/jobs", "workspace_id")):
            shown = expect(200, team.client.get(path, headers=headers, params={"limit": 200}))["items"]
            assert (team.workspace.id in {one[field] for one in shown}) is is_theirs, path
            assert len({one[field] for one in shown}) <= 1
        me = expect(200, team.client.get("/v1/me", headers=headers))
        assert (me["roles"].get(team.workspace.id) == "viewer") is is_theirs


def test_a_preview_reads_documents_of_the_callers_workspaces_alone(team: Team) -> None:
    (document,) = expect(
        200, team.client.get(team.workspace.path("/documents"), headers={"Authorization": f"Bearer {KEY}"})
    )["items"]
    reference = {"workspace_id": team.workspace.id, "document_id": document["id"]}
    body = {"document": reference, "chunkers": [{"kind": "fixed"}]}
    for who, status in (("viewer", 200), ("stranger", 404)):
        headers = {"Authorization": f"Bearer {team.keys[who]}"}
        assert team.client.post("/v1/chunkings/preview", json=body, headers=headers).status_code == status


@pytest.mark.parametrize(("role", "status"), [("editor", 403), ("admin", 200)])
def test_who_may_change_what_an_alias_asks_for(team: Team, role: str, status: int) -> None:
    """Else whoever may promote on evidence says what evidence is."""
    url, name = f"/v1/workspaces/{team.workspace.id}/aliases/gated", {"description": "x"}
    editor, asker = ({"Authorization": f"Bearer {team.keys[one]}"} for one in ("editor", role))
    strict = {"limits": {"margin": 0.01, "request_tokens": 10}}
    assert team.client.put(url, json=strict, headers=editor).status_code in (200, 201)
    assert team.client.put(url, json={**name, **strict}, headers=editor).status_code == 200
    changed = team.client.put(url, json={**name, "limits": {"margin": 0.1}}, headers=asker)
    assert changed.status_code == status, changed.text
    shown = expect(200, team.client.get(url, headers=editor))["limits"]
    assert (shown["margin"], shown["request_tokens"]) == ((0.1, None) if role == "admin" else (0.01, 10))
    assert team.client.delete(url, headers={"Authorization": f"Bearer {team.keys['admin']}"}).status_code == 204
