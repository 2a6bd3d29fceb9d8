"""What the tests themselves rest on: a workspace's state is never an old one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.app.api.playground import Workspace
from tests.database import sqlite_only


def test_the_state_shows_every_change_at_once(workspace: Workspace) -> None:
    states = [workspace.state()]
    workspace.post("/groups", {"name": "readers"}, 201)
    assert workspace.state() == states[0]
    workspace.post("/strategies", {"name": "s", "preset": "lexical"}, 201)
    states.append(workspace.state())
    (sent,) = workspace.send({"text": "some words", "external_id": "a"})
    states.append(workspace.state())
    workspace.request("DELETE", f"/documents/{sent['document_id']}")
    states.append(workspace.state())
    assert len(set(states)) == len(states)


@sqlite_only("only SQLite counts commits without delay; elsewhere the state is always asked for")
def test_the_state_is_asked_for_again_only_after_a_commit(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    get = workspace.get

    def noted(tail: str = "", **parameters: Any) -> Any:
        asked.append(tail)
        return get(tail, **parameters)

    monkeypatch.setattr(workspace, "get", noted)
    for _ in range(20):  # a heart may beat meanwhile
        before = workspace.state()
        asked.clear()
        assert workspace.state() == before
        if not asked:
            break
    assert asked == []
    workspace.post("/strategies", {"name": "s", "preset": "lexical"}, 201)
    assert workspace.state() != before
    assert "/strategies" in asked
