"""Strategies as YAML over HTTP."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from tests.app.api.playground import Workspace, expect, expect_problem, lexical


@pytest.fixture(scope="module")
def workspace(client: TestClient) -> Workspace:
    """Return a workspace with two versions of a strategy."""
    one = Workspace(client)
    for size in (33, 34):
        one.post("/strategies", {"name": "words", "strategy": {"retrieval": lexical(size)}}, 201)
    return one


def test_an_exported_strategy_is_the_same_again(workspace: Workspace, client: TestClient) -> None:
    other = Workspace(client)
    for version, status in ((1, 201), (2, 201), (2, 200)):
        file = workspace.request("GET", "/strategies/words/file", params={"version": version})
        assert file.headers["content-type"] == "application/yaml"
        assert 'filename="words.yaml"' in file.headers["content-disposition"]
        sent = {"strategy": ("words.yaml", file.content, "application/yaml")}
        saved = expect(status, other.request("POST", "/strategies/files", files=sent))
        assert (saved["name"], saved["version"]) == ("words", version)
        assert (
            saved["strategy"]
            == workspace.request("GET", "/strategies/words", params={"version": version}).json()["strategy"]
        )


def test_a_strategy_can_be_saved_under_another_name(workspace: Workspace) -> None:
    file = workspace.request("GET", "/strategies/words/file").content
    sent = {"files": {"strategy": ("a.yaml", file)}, "data": {"name": "other"}}
    assert expect(201, workspace.request("POST", "/strategies/files", **sent))["name"] == "other"


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "invalid_strategy_file"), (b"a: *b", "invalid_yaml"), (b"\xff\xfe", "invalid_yaml"),
     (b"name: a\nstrategy: {retrieval: {}}", "invalid_strategy_file")],
)  # fmt: skip
def test_what_is_no_strategy_is_refused_and_changes_nothing(workspace: Workspace, content: bytes, code: str) -> None:
    before = workspace.state()
    response = workspace.request("POST", "/strategies/files", files={"strategy": ("a.yaml", content)})
    problem = expect_problem(response, 422, code)
    assert problem["detail"].startswith("strategy")
    assert workspace.state() == before
