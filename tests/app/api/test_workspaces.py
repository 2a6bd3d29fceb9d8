"""Workspaces: created with a strategy that answers, listed in pages, changed, and deleted whole."""

from __future__ import annotations

from pathlib import Path

import httpx2
from starlette.testclient import TestClient

from app.context.strategy import load_presets
from tests.app.api.playground import Workspace, expect, expect_problem, wait_for


def listed(client: TestClient, limit: int = 200) -> list[str]:
    """Return the ids of all workspaces as the pages of the listing have them."""
    ids: list[str] = []
    parameters: dict[str, str | int] = {"limit": limit}
    while True:
        page = expect(200, client.get("/v1/workspaces", params=parameters))
        assert len(page["items"]) == limit or page["next_cursor"] is None
        ids += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            return ids
        parameters["cursor"] = page["next_cursor"]


def test_a_new_workspace_answers_at_once_and_finds_nothing(workspace: Workspace) -> None:
    shown = workspace.get()
    assert (shown["default_strategy"], shown["documents"], shown["indexes"]) == ("default", {}, 1)
    assert workspace.found("anything") == []
    (index,) = workspace.get("/indexes")["items"]
    assert (index["maintained"], index["state"], index["documents"]) == (True, "current", 0)


def test_the_id_can_be_chosen_once(client: TestClient) -> None:
    made = expect(201, client.post("/v1/workspaces", json={"id": "chosen-id", "name": "A", "preset": "lexical"}))
    assert made["id"] == "chosen-id"
    again = client.post("/v1/workspaces", json={"id": "chosen-id", "name": "B", "preset": "lexical"})
    assert "chosen-id" in expect_problem(again, 409, "workspace_exists")["detail"]
    assert expect(200, client.get("/v1/workspaces/chosen-id"))["name"] == "A"


def test_a_workspace_may_have_a_baseline_as_its_default(client: TestClient) -> None:
    workspace = Workspace(client, "whole_documents")
    workspace.post("/documents", {"documents": [{"text": "all of it", "external_id": "a"}]}, 202)
    assert workspace.get()["indexes"] == 0


def test_an_unknown_preset_lists_those_there_are(client: TestClient) -> None:
    before = listed(client)
    response = client.post("/v1/workspaces", json={"name": "A", "preset": "nosuch"})
    problem = expect_problem(response, 404, "preset_not_found")
    assert all(name in problem["hint"] for name in load_presets())
    assert listed(client) == before


def test_pages_hold_every_workspace_once_oldest_first(client: TestClient) -> None:
    made = [Workspace(client).id for _ in range(5)]
    for limit in (2, 200):
        ids = listed(client, limit)
        assert len(set(ids)) == len(ids)
        assert ids[-5:] == made


def test_a_cursor_of_elsewhere_is_refused(client: TestClient) -> None:
    for cursor in ("nonsense", "bm90IGEgY3Vyc29y", "ZZZ=", "é"):
        expect_problem(client.get("/v1/workspaces", params={"cursor": cursor}), 422, "invalid_cursor")


def test_name_and_default_strategy_can_be_changed(workspace: Workspace) -> None:
    workspace.post("/strategies", {"name": "words", "preset": "lexical"}, 201)
    renamed = expect(200, workspace.request("PATCH", json={"name": "Other name"}))
    assert (renamed["name"], renamed["default_strategy"]) == ("Other name", "default")
    changed = expect(200, workspace.request("PATCH", json={"default_strategy": "words"}))
    assert (changed["name"], changed["default_strategy"]) == ("Other name", "words")
    assert workspace.post("/searches", {"query": "x"})["strategy"] == "words version 1"
    assert workspace.get() == changed


def test_a_strategy_that_is_not_there_cannot_be_the_default(workspace: Workspace) -> None:
    response = workspace.request("PATCH", json={"name": "Half", "default_strategy": "nosuch"})
    expect_problem(response, 404, "strategy_not_found")
    assert workspace.get()["name"] == "Test"


def test_deleting_takes_everything_away_at_once_and_then_for_good(workspace: Workspace, data_folder: Path) -> None:
    workspace.upload(("a.txt", b"some words", "text/plain"))
    (index,) = workspace.get("/indexes")["items"]
    folders = [data_folder / "uploads" / workspace.id, data_folder / "segments" / index["id"]]
    assert all(folder.is_dir() for folder in folders)
    assert workspace.request("DELETE").status_code == 204
    for tail in ("", "/documents", "/indexes", "/strategies", "/question-sets"):
        expect_problem(workspace.request("GET", tail), 404, "workspace_not_found")
    assert workspace.id not in listed(workspace.client)
    assert workspace.request("DELETE").status_code == 204
    again = {"id": workspace.id, "name": "Anew", "preset": "lexical"}
    answers: list[httpx2.Response] = []

    def is_created() -> bool:
        answers.append(workspace.client.post("/v1/workspaces", json=again))
        return answers[-1].is_success

    wait_for(is_created)
    for answer in answers[:-1]:
        expect_problem(answer, 409, "workspace_exists")
    assert workspace.get()["documents"] == {}
    assert not any(folder.exists() for folder in folders)
    assert workspace.jobs() == []
