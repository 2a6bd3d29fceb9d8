"""The API key: where one is set, nothing but health and the documentation answers without it, and nothing happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from tests.app.api.operations import Operation, openapi, operations
from tests.app.api.playground import Workspace, expect, expect_problem

KEY = "a-long-random-key"
OPEN = {"/health/live", "/health/ready"}
GUARDED = [operation for operation in operations() if operation.path not in OPEN]
WRONG_KEYS: tuple[Any, ...] = (
    {},
    {"Authorization": "Bearer wrong"},
    {"Authorization": f"Basic {KEY}"},
    {"Authorization": KEY},
    {"Authorization": b"Bearer \xff\xfe"},
    {"Authorization": "Bearer ", "Idempotency-Key": "k"},
)
CONTENTS = (b"", b"{not json", b'{"name": "\\ud800"}')
PARAMETERS = {name: "nosuch" for operation in GUARDED for name in operation.path_parameters}


@pytest.fixture(scope="module")
def guarded(other_service: Callable[..., TestClient]) -> TestClient:
    """Return a client of the service as it is with an API key."""
    return other_service(api_key=SecretStr(KEY))


def test_health_and_documentation_are_open(guarded: TestClient) -> None:
    for path in (*OPEN, "/docs", "/openapi.json", "/assets/swagger/swagger-ui.css"):
        assert guarded.get(path).status_code == 200, path
    assert {operation.path for operation in operations()} >= OPEN


@pytest.mark.parametrize("operation", GUARDED, ids=str)
def test_an_operation_needs_the_key(guarded: TestClient, operation: Operation) -> None:
    """Each operation meets each wrong key and each content; which come together changes with the operation."""
    url, first = operation.url(**PARAMETERS), GUARDED.index(operation)
    for number, headers in enumerate(WRONG_KEYS, start=first):
        content = CONTENTS[number % len(CONTENTS)]
        sending: Any = {**headers, "Content-Type": "application/json"}
        response = guarded.request(operation.method, url, content=content, headers=sending)
        problem = expect_problem(response, 401, "unauthorized")
        assert "PLAYGROUND_API_KEY" in problem["hint"]
        assert response.headers["www-authenticate"] == "Bearer"
    answered = guarded.request(operation.method, url, headers={"Authorization": f"Bearer {KEY}"})
    assert answered.status_code in (200, 204, 404, 422), answered.text


def test_every_operation_says_whether_it_needs_a_key(guarded: TestClient) -> None:
    """The description on the disk is that of a service without a key."""
    key: dict[str, list[str]] = {"HTTPBearer": []}
    for description, security in ((expect(200, guarded.get("/openapi.json")), [key]), (openapi(), [{}, key])):
        paths = description["paths"]
        for operation in GUARDED:
            assert paths[operation.path][operation.method]["security"] == security, operation
        assert all("security" not in paths[path]["get"] for path in OPEN)


def test_with_the_key_everything_works(other_service: Callable[..., TestClient]) -> None:
    client = other_service(api_key=SecretStr(KEY))
    client.headers["Authorization"] = f"Bearer {KEY}"
    workspace = Workspace(client)
    workspace.send({"text": "some words", "external_id": "a"})
    assert workspace.found("words") == ["a"]


def test_an_answer_is_not_replayed_to_who_has_no_key(guarded: TestClient, workspace: Workspace) -> None:
    body, key = {"name": "s", "preset": "lexical"}, {"Idempotency-Key": f"key of {workspace.id}"}
    headers = {**key, "Authorization": f"Bearer {KEY}"}
    expect(201, guarded.post(workspace.path("/strategies"), json=body, headers=headers))
    assert expect(201, guarded.post(workspace.path("/strategies"), json=body, headers=headers))["name"] == "s"
    expect_problem(guarded.post(workspace.path("/strategies"), json=body, headers=key), 401, "unauthorized")


def test_without_a_key_only_this_machine_is_answered(client: TestClient) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example"):
        expect_problem(client.get("/v1/workspaces", headers={"Host": host}), 400, "unknown_host")
    for host in ("127.0.0.1:8000", "localhost", "[::1]:8000"):
        assert client.get("/v1/workspaces", headers={"Host": host}).status_code == 200


def test_with_a_key_any_host_name_is_answered(guarded: TestClient) -> None:
    headers = {"Host": "playground.example", "Authorization": f"Bearer {KEY}"}
    assert guarded.get("/v1/workspaces", headers=headers).status_code == 200
