"""Bad JSON: each request that cannot be used gets a clear problem document, and the workspace stays as it was."""

from __future__ import annotations

import httpx2
import pytest
from starlette.testclient import TestClient

from tests.app.api.playground import Workspace

JSON = {"Content-Type": "application/json"}
LEVELS = 10_000


@pytest.fixture(scope="module")
def shelf(client: TestClient) -> Workspace:
    """Return a workspace with a document; every test must leave it as it is."""
    workspace = Workspace(client)
    workspace.send({"text": "some words", "external_id": "a", "metadata": {"team": "support"}})
    return workspace


@pytest.fixture(autouse=True)
def unchanged(shelf: Workspace, request: pytest.FixtureRequest) -> object:
    """Check after each test that the workspace is as it was before."""
    before = shelf.state()
    yield
    if "changes" not in request.keywords:
        assert shelf.state() == before


def raw(workspace: Workspace, method: str, tail: str, content: bytes) -> httpx2.Response:
    """Send bytes as if they were JSON."""
    return workspace.request(method, tail, content=content, headers=JSON)
