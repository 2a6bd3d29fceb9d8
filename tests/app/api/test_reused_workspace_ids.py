"""A workspace that gets the id of a deleted one has nothing of it: not its history, and not the keys that opened it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from app.accounts.keys import create_key, find_caller
from app.accounts.tables import ApiKey, Member
from indexes.database.engine import new_id
from tests.app.api.conftest import app_of
from tests.app.api.playground import Workspace, expect, wait_for


@pytest.fixture
def bounded(workspace: Workspace, shelf: Workspace) -> Iterator[str]:
    """Yield a member's key that is bounded to two workspaces, of which `workspace` is one."""
    database = app_of(workspace.client).state.service.database
    member = Member(id=new_id("member"), name="m", is_administrator=False)
    with database.write() as session:
        session.add(member)
        session.flush()
        made = create_key(session, member, "k", only_workspaces=[workspace.id, shelf.id])
    yield made.secret
    with database.write() as session:
        session.delete(session.get_one(Member, member.id))


def make_anew(workspace: Workspace) -> None:
    """Delete the workspace and make another one of its id."""
    client = workspace.client
    assert client.delete(workspace.path("")).status_code == 204
    body = {"id": workspace.id, "name": "Successor", "preset": "lexical"}
    wait_for(lambda: client.post("/v1/workspaces", json=body).status_code == 201)


def test_the_history_of_its_predecessor_is_not_shown(workspace: Workspace, client: TestClient) -> None:
    expect(200, workspace.request("PATCH", json={"name": "Secret plan"}))
    assert "Secret plan" in client.get(workspace.path("/audit")).text
    make_anew(workspace)
    expect(200, workspace.request("PATCH", json={"name": "Own change"}))
    for tail in ("/audit", "/audit/export"):
        shown = client.get(workspace.path(tail)).text
        assert "Own change" in shown
        assert "Secret plan" not in shown
    assert "Secret plan" in client.get("/v1/audit/export").text


def test_a_key_bounded_to_its_predecessor_is_not_bounded_to_it(
    workspace: Workspace, shelf: Workspace, bounded: str
) -> None:
    make_anew(workspace)
    with app_of(workspace.client).state.service.database.read() as session:
        caller = find_caller(session, bounded)
        assert caller is not None
        assert caller.only == {shelf.id}
        bounds = [key.only_workspaces or [] for key in session.scalars(select(ApiKey))]
    assert all(workspace.id not in bound for bound in bounds)
