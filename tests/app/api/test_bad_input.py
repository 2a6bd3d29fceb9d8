"""Bad requests: each gets a clear problem document, and the workspace stays as it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from configs.settings import Settings
from tests.app.api.conftest import app_of
from tests.app.api.operations import Operation, operations
from tests.app.api.playground import Workspace, expect_problem

pytestmark = pytest.mark.usefixtures("unchanged")

JSON = {"Content-Type": "application/json"}
DEEP = 10_000
NO_JSON = (
    b"{", b"{'a': 1}", b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 1e999}', b'{"a": ' + b"9" * 5_000 + b"}",
    b'{"text": "\xe4"}', b'{"text": "\xed\xa0\x80"}', b'{"text": "a\x00"}', '{"a": 1}'.encode("utf-16"),
)  # fmt: skip
PREVIEW = "/v1/chunkings/preview"
WITH_JSON = [operation for operation in operations() if operation.examples()]


def url_of(operation: Operation, workspace: Workspace) -> str:
    """Return the path of an operation of the workspace; other parameters name nothing that exists."""
    return operation.url(**{**dict.fromkeys(operation.path_parameters, "nosuch"), "workspace_id": workspace.id})


def raw(workspace: Workspace, tail: str, content: bytes, **headers: str) -> httpx2.Response:
    """Send bytes as if they were JSON."""
    return workspace.request("POST", tail, content=content, headers={**JSON, **headers})


def spoilt(value: Any, bad: Iterator[str]) -> Iterator[Any]:
    """Yield `value` with one string or key after the other spoilt by the next of `bad`."""
    if isinstance(value, str):
        yield value + next(bad)
    elif isinstance(value, dict):
        for name, one in value.items():
            rest = {other: kept for other, kept in value.items() if other != name}
            yield {**rest, name + next(bad): one}
            yield from ({**rest, name: changed} for changed in spoilt(one, bad))
    elif isinstance(value, list):
        for position, one in enumerate(value):
            yield from ([*value[:position], changed, *value[position + 1 :]] for changed in spoilt(one, bad))


@pytest.mark.parametrize("operation", WITH_JSON, ids=str)
def test_text_that_cannot_be_stored_is_refused_wherever_it_stands(shelf: Workspace, operation: Operation) -> None:
    """A NUL and a lone surrogate stand by turns in one string or key after the other, and first by turns too."""
    url, bad = url_of(operation, shelf), cycle(["\ud800", "\x00"])
    if WITH_JSON.index(operation) % 2:
        next(bad)
    bodies = [body for example in operation.examples().values() for body in spoilt(example, bad)]
    assert bodies
    for body in bodies:
        content = json.dumps(body)
        response = shelf.client.request(operation.method, url, content=content.encode(), headers=JSON)
        problem = expect_problem(response, 422, "invalid_text")
        assert ("surrogate" if "\\ud800" in content else "NUL") in problem["detail"]


@pytest.mark.parametrize("operation", WITH_JSON, ids=str)
def test_what_is_no_json_is_refused(shelf: Workspace, operation: Operation) -> None:
    url = url_of(operation, shelf)
    for content in NO_JSON:
        response = shelf.client.request(operation.method, url, content=content, headers=JSON)
        expect_problem(response, 400, "invalid_json")


@pytest.mark.parametrize("operation", WITH_JSON, ids=str)
def test_deeply_nested_json_is_refused(shelf: Workspace, operation: Operation) -> None:
    url = url_of(operation, shelf)
    for content in (b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP, b"[" * 60 + b"]" * 60):
        response = shelf.client.request(operation.method, url, content=content, headers=JSON)
        expect_problem(response, 422, "nested_too_deeply")
    response = shelf.client.request(operation.method, url, content=b"[" * DEEP, headers=JSON)
    assert expect_problem(response, 422, "nested_too_deeply")["detail"].startswith("body")


@pytest.mark.parametrize("operation", WITH_JSON, ids=str)
def test_what_is_no_body_of_the_operation_is_refused(shelf: Workspace, operation: Operation) -> None:
    url = url_of(operation, shelf)
    for content in (b"", b"null", b"[]", b'"text"', b"1", b'{"no_such_field": 1}'):
        response = shelf.client.request(operation.method, url, content=content, headers=JSON)
        expect_problem(response, 422, "invalid_request")


@pytest.mark.parametrize("operation", WITH_JSON, ids=str)
def test_json_has_to_be_called_json(shelf: Workspace, operation: Operation) -> None:
    url, content = url_of(operation, shelf), json.dumps(next(iter(operation.examples().values()))).encode()
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "application/xml", ""):
        headers = {"Content-Type": media_type}
        response = shelf.client.request(operation.method, url, content=content, headers=headers)
        problem = expect_problem(response, 415, "unsupported_media_type")
        assert "application/json" in problem["hint"]


def test_depth_that_is_sane_is_taken_and_given_back(client: TestClient) -> None:
    nested: Any = "leaf"
    for _ in range(45):
        nested = [nested]
    workspace = Workspace(client)
    (one,) = workspace.send({"text": "deep", "metadata": {"nested": nested, "number": 10**60, "small": 1e-300}})
    metadata = workspace.get(f"/documents/{one['document_id']}")["metadata"]
    assert metadata == {"nested": nested, "number": 10**60, "small": 1e-300}
    assert workspace.found("deep", filter={"all": [{"field": "number", "range": {"gte": 10**59}}]})


def test_a_body_over_the_limit_is_refused(shelf: Workspace) -> None:
    limit = Settings.model_fields["max_upload_bytes"].default
    text = b"a" * limit
    body = b'{"documents": [{"text": "' + text + b'"}]}'
    for response in (
        raw(shelf, "/documents", body),
        raw(shelf, "/documents", body, **{"Idempotency-Key": "too large"}),
        shelf.request("POST", "/documents/files", files=[("files", ("a.txt", text, "text/plain"))]),
        shelf.request("POST", "/documents", content=iter([body[:10], body[10:]]), headers=JSON),
        shelf.client.post(PREVIEW, content=body, headers=JSON),
    ):
        problem = expect_problem(response, 413, "too_large")
        assert str(limit) in problem["detail"]
        assert "PLAYGROUND_MAX_UPLOAD_BYTES" in problem["hint"]


def test_a_text_over_the_limit_is_refused(shelf: Workspace) -> None:
    text = "a" * (Settings.model_fields["max_text_characters"].default + 1)
    response = shelf.request("POST", "/documents", json={"documents": [{"text": "fine"}, {"text": text}]})
    assert expect_problem(response, 413, "text_too_long")["detail"].startswith("documents.1: ")
    response = shelf.client.post(PREVIEW, json={"text": text, "chunkers": [{"kind": "fixed"}]})
    expect_problem(response, 413, "text_too_long")


def test_long_inputs_are_not_echoed(shelf: Workspace) -> None:
    long = "echo" * 100
    for response in (
        shelf.request("POST", "/documents", json={"documents": [{"text": "a", "media_type": long}]}),
        shelf.request("POST", "/documents", json={"documents": [{"text": "a", long: 1}]}),
        raw(shelf, "/documents", b'{"documents": [{"metadata": {"' + long.encode() + b'": "\\ud800"}}]}'),
        shelf.request("POST", "/searches", json={"query": "x", "strategy": long}),
        shelf.request("GET", "/documents", params={"state": long}),
        shelf.client.get(f"/v1/workspaces/{long}"),
        shelf.client.post(PREVIEW, json={"text": "a", "chunkers": [{"kind": long}]}),
        shelf.client.post(PREVIEW, json={"text": "a", "chunkers": [{"kind": "fixed", "tokenizer": long}]}),
        shelf.request("POST", "/documents/files", files=[("files", (f"../{long}.txt", b"a", ""))]),
        raw(shelf, "/documents", b'{"documents": [{"text": "a", "metadata": {"a": ' + b"7" * 300 + b"}}]}"),
    ):
        assert response.status_code in (400, 422)
        assert "echo" * 51 not in response.text
        assert "7" * 201 not in response.text


def test_many_errors_are_counted_but_not_all_shown(shelf: Workspace) -> None:
    response = shelf.request("POST", "/documents", json={"documents": [{"text": 1}] * 500})
    problem = expect_problem(response, 422, "invalid_request")
    assert len(problem["errors"]) == 20
    assert "499 more" in problem["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nosuch", 404, "not_found"),
        ("PUT", "/v1/workspaces", 405, "method_not_allowed"),
        ("GET", "/v1/workspaces/%00", 422, "invalid_text"),
        ("GET", "/v1/workspaces?cursor=%00", 422, "invalid_text"),
        ("GET", "/v1/workspaces?limit=0", 422, "invalid_request"),
        ("GET", "/v1/workspaces?limit=1000000000", 422, "invalid_request"),
        ("GET", "/v1/workspaces?limit=" + "9" * 5_000, 422, "invalid_request"),
        ("GET", "/v1/workspaces/..%2F..%2Fetc", 404, "not_found"),
        ("GET", "/v1/jobs?state=lost", 422, "invalid_request"),
        ("GET", "/v1/jobs?workspace_id=a&workspace_id=%00", 422, "invalid_text"),
    ],
)
def test_paths_and_parameters_are_checked(client: TestClient, method: str, path: str, status: int, code: str) -> None:
    expect_problem(client.request(method, path), status, code)


@pytest.mark.parametrize("path", sorted({operation.path for operation in operations()}))
def test_a_method_that_a_path_does_not_have_is_refused_with_those_it_has(client: TestClient, path: str) -> None:
    here = [operation for operation in operations() if operation.path == path]
    response = client.request("TRACE", here[0].url(**dict.fromkeys(here[0].path_parameters, "nosuch")))
    expect_problem(response, 405, "method_not_allowed")
    allowed = set(response.headers["allow"].split(", "))
    assert allowed >= {operation.method.upper() for operation in here}


def test_a_refused_method_does_not_wait_for_the_description(other_service: Callable[..., TestClient]) -> None:
    client = other_service()
    expect_problem(client.request("TRACE", "/v1/workspaces"), 405, "method_not_allowed")
    assert app_of(client).openapi_schema is None
