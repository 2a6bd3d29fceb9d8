"""Moments at the ends of time: every date-time that a request carries is read, or refused as what it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from configs.part import JsonObject
from tests.app.api.operations import openapi, operations
from tests.app.api.playground import Workspace, expect, expect_problem

BEYOND = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
WITHIN = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59+14:00"]
IN_QUERIES = [
    (operation.path, parameter["name"])
    for operation in operations()
    for parameter in operation.description.get("parameters", [])
    if "date-time" in json.dumps(parameter)
]
QUESTION: JsonObject = {"question": "words", "answers": []}
BODIES: dict[tuple[str, str, str], JsonObject] = {
    ("post", "/v1/workspaces/{workspace_id}/comparisons", "asked_at"): {"questions": [QUESTION], "strategies": [{}]},
    ("post", "/v1/workspaces/{workspace_id}/question-sets", "asked_at"): {"name": "q", "questions": [QUESTION]},
    ("post", "/v1/workspaces/{workspace_id}/contexts", "as_of"): {"question": "words", "user_id": "u"},
    ("put", "/v1/workspaces/{workspace_id}/users/{user_id}/facts/{fact_key}", "valid_from"): {"value": "v"},
    ("put", "/v1/workspaces/{workspace_id}/users/{user_id}/facts/{fact_key}", "valid_to"): {"value": "v"},
    ("post", "/v1/workspaces/{workspace_id}/users/{user_id}/memories", "valid_from"): {"text": "words"},
    ("post", "/v1/keys", "expires_at"): {"name": "k", "member_id": "nosuch"},
}


@pytest.fixture(scope="module")
def someone(client: TestClient) -> Workspace:
    """Return a workspace with a document and a user."""
    workspace = Workspace(client)
    workspace.send({"text": "some words", "external_id": "a"})
    expect(201, workspace.request("PUT", "/users/u", json={}))
    return workspace


def url(workspace: Workspace, path: str) -> str:
    return path.format(workspace_id=workspace.id, user_id="u", fact_key="colour")


def with_moment(body: JsonObject, field: str, moment: str) -> JsonObject:
    """Return the body with the field where the body, or its question, has it."""
    if field != "asked_at":
        return {**body, field: moment}
    return {**body, "questions": [{**QUESTION, "user_id": "u", field: moment}]}


def fields_of(value: Any, seen: set[str]) -> set[str]:
    """Return the names of all date-time fields in what a schema refers to."""
    names: set[str] = set()
    if isinstance(value, dict):
        name = str(value.get("$ref", "")).rpartition("/")[2]
        if name and name not in seen:
            seen.add(name)
            names |= fields_of(openapi()["components"]["schemas"][name], seen)
        for key, field in value.get("properties", {}).items():
            names |= {key} if '"date-time"' in json.dumps(field) else set()
        for one in value.values():
            names |= fields_of(one, seen)
    elif isinstance(value, list):
        for one in value:
            names |= fields_of(one, seen)
    return names


def test_every_field_is_tried() -> None:
    there_are = {
        (operation.method, operation.path, name)
        for operation in operations()
        for name in fields_of(operation.description.get("requestBody", {}), set())
    }
    assert there_are == set(BODIES)
    assert len(IN_QUERIES) >= 8


@pytest.mark.parametrize(("path", "name"), IN_QUERIES)
def test_a_query_with_an_extreme_moment(someone: Workspace, path: str, name: str) -> None:
    for moment in BEYOND:
        response = someone.client.get(url(someone, path), params={name: moment})
        assert "years 1 to 9999" in expect_problem(response, 422, "invalid_request")["detail"]
    for moment in WITHIN:
        response = someone.client.get(url(someone, path), params={name: moment})
        assert response.status_code in (200, 404), response.text


@pytest.mark.parametrize(("method", "path", "name"), list(BODIES))
def test_a_body_with_an_extreme_moment(someone: Workspace, method: str, path: str, name: str) -> None:
    body = BODIES[method, path, name]
    for moment in BEYOND:
        response = someone.client.request(method, url(someone, path), json=with_moment(body, name, moment))
        assert "years 1 to 9999" in expect_problem(response, 422, "invalid_request")["detail"]
    for moment in WITHIN:
        response = someone.client.request(method, url(someone, path), json=with_moment(body, name, moment))
        assert response.status_code < 500, response.text
