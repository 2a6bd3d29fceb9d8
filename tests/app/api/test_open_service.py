"""A service without keys: what it refuses of browsers and proxies, and what it does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from tests.app.api.playground import Workspace, expect, expect_problem

KEY = "a-long-random-key-of-tests"
FILES = [("files", ("planted.txt", b"words of a stranger", "text/plain"))]
FOREIGN: list[dict[str, str]] = [
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://127.0.0.1:9999", "Sec-Fetch-Site": "same-site"},
    {"Origin": "http://127.0.0.1.evil.example"},
    {"Origin": "https://127.0.0.1"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]
OWN: list[dict[str, str]] = [
    {},
    {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_page_of_another_origin_changes_nothing(workspace: Workspace, headers: dict[str, str]) -> None:
    before = workspace.state()
    for method, tail in (("POST", "/documents/files"), ("POST", "/strategies"), ("PATCH", ""), ("DELETE", "")):
        files = FILES if tail == "/documents/files" else None
        response = workspace.client.request(method, workspace.path(tail), files=files, headers=headers)
        problem = expect_problem(response, 403, "foreign_origin")
        assert "PLAYGROUND_ALLOWED_ORIGINS" in problem["hint"]
    assert workspace.state() == before


@pytest.mark.parametrize("headers", OWN, ids=str)
def test_the_own_pages_and_programs_may_write(workspace: Workspace, headers: dict[str, str]) -> None:
    response = workspace.client.post(workspace.path("/documents/files"), files=FILES, headers=headers)
    assert workspace.wait(expect(202, response)["job"]["id"])["state"] == "succeeded"


def test_an_origin_that_is_named_may_write(workspace: Workspace, other_service: Callable[..., TestClient]) -> None:
    client = other_service(allowed_origins="https://front.example, http://localhost:3000")
    for origin in ("https://front.example", "http://localhost:3000"):
        headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
        response = client.patch(workspace.path(""), json={"name": origin}, headers=headers)
        assert expect(200, response)["name"] == origin
        assert response.headers["access-control-allow-origin"] == origin
    response = client.delete(workspace.path(""), headers={"Origin": "https://front.example.evil"})
    expect_problem(response, 403, "foreign_origin")


def test_a_link_from_elsewhere_opens(workspace: Workspace) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert workspace.client.get(workspace.path(""), headers=headers).status_code == 200


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "x-forwarded-host", "X-Forwarded-Proto", "Via"])
def test_behind_a_proxy_it_needs_a_key(
    workspace: Workspace, other_service: Callable[..., TestClient], name: str
) -> None:
    headers = {name: "203.0.113.7"}
    for method in ("GET", "DELETE"):
        problem = expect_problem(
            workspace.client.request(method, workspace.path(""), headers=headers), 403, "proxied_without_key"
        )
        assert "keys create" in problem["hint"]
    headers["Authorization"] = f"Bearer {KEY}"
    assert other_service(api_key=SecretStr(KEY)).get(workspace.path(""), headers=headers).status_code == 200


def test_with_a_key_the_origin_does_not_matter(workspace: Workspace, other_service: Callable[..., TestClient]) -> None:
    client = other_service(api_key=SecretStr(KEY))
    headers = {"Authorization": f"Bearer {KEY}", "Origin": "https://evil.example"}
    body = {"name": "s", "preset": "lexical"}
    expect(201, client.post(workspace.path("/strategies"), json=body, headers=headers))
