"""Indexes: built when asked for, following uploads or not, checked against their files, and deleted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from indexes.opened_locations import evict
from indexes.soundness import doubt
from tests.app.api.playground import Gate, Workspace, expect, expect_problem, lexical, wait_for


@pytest.mark.parametrize("kind", ["searches", "contexts", "comparisons"])
def test_a_missing_index_is_named_with_the_call_that_builds_it(workspace: Workspace, kind: str) -> None:
    workspace.send({"text": "some words", "external_id": "a"})
    choice = {"setup": lexical(48, candidates=7)}
    body = {
        "searches": {"query": "words", **choice},
        "contexts": {"question": "words", **choice},
        "comparisons": {"questions": [{"question": "words"}], "strategies": [choice]},
    }[kind]
    before = workspace.state()
    problem = expect_problem(workspace.request("POST", f"/{kind}", json=body), 409, "index_missing")
    assert workspace.state() == before
    call = problem["build"]
    started = expect(202, workspace.client.request(call["method"], call["path"], json=call["body"]))
    assert workspace.wait(started["job"]["id"])["state"] == "succeeded"
    answer = workspace.post(f"/{kind}", body, 201 if kind == "contexts" else 200)
    assert "some words" in str(answer)


def test_an_index_that_is_not_maintained_falls_behind_until_it_is_refreshed(workspace: Workspace) -> None:
    workspace.send({"text": "first words", "external_id": "a"})
    index = workspace.build(setup=lexical())
    assert (index["state"], index["documents"], index["missing_documents"]) == ("current", 1, 0)
    workspace.send({"text": "second words", "external_id": "b"})
    behind = workspace.get(f"/indexes/{index['id']}")
    assert (behind["state"], behind["documents"], behind["missing_documents"]) == ("behind", 1, 1)
    answer = workspace.post("/searches", {"query": "words", "setup": lexical()})
    assert (answer["missing_documents"], [one["external_id"] for one in answer["passages"]]) == (1, ["a"])
    fresh = {"query": "words", "setup": lexical(), "require_fresh": True}
    problem = expect_problem(workspace.request("POST", "/searches", json=fresh), 409, "index_behind")
    assert problem["missing_documents"] == 1
    assert workspace.build(setup=lexical())["id"] == index["id"]
    assert {one["external_id"] for one in workspace.post("/searches", fresh)["passages"]} == {"a", "b"}


def test_an_index_may_follow_uploads_from_now_on(workspace: Workspace) -> None:
    workspace.send({"text": "first words", "external_id": "a"})
    index = workspace.build(setup=lexical())
    followed = expect(200, workspace.request("PATCH", f"/indexes/{index['id']}", json={"maintained": True}))
    assert (followed["maintained"], followed["state"]) == (True, "current")
    workspace.send({"text": "second words", "external_id": "b"})
    assert set(workspace.found("words", setup=lexical(), require_fresh=True)) == {"a", "b"}
    expect(200, workspace.request("PATCH", f"/indexes/{index['id']}", json={"maintained": False}))
    workspace.send({"text": "third words", "external_id": "c"})
    assert workspace.get(f"/indexes/{index['id']}")["missing_documents"] == 1


def test_equal_recipes_share_one_index_whatever_is_live(workspace: Workspace) -> None:
    workspace.send({"text": "some words", "external_id": "a"})
    index = workspace.build(setup=lexical())
    live = lexical(candidates=3, stores=[{"kind": "bm25", "k1": 0.5, "b": 0.1}])
    assert workspace.build(setup=live)["id"] == index["id"]
    assert workspace.found("words", setup=live) == ["a"]
    assert workspace.build(setup=lexical(65))["id"] != index["id"]


def test_a_build_under_way_is_joined(workspace: Workspace, gate: Gate) -> None:
    workspace.post("/strategies", {"name": "words", "strategy": {"retrieval": lexical()}}, 201)
    expect(200, workspace.request("PATCH", json={"default_strategy": "words"}))
    (index,) = workspace.get("/indexes")["items"]
    expect(200, workspace.request("PATCH", f"/indexes/{index['id']}", json={"maintained": False}))
    workspace.send({"text": f"{gate.word} words", "external_id": "a"})
    model_free = workspace.get("/strategies/default")["strategy"]["retrieval"]
    first = workspace.post("/indexes", {"setup": model_free}, 202)
    gate.wait_until_reached()
    second = workspace.post("/indexes", {"setup": model_free, "maintained": True}, 202)
    assert (first["index"]["id"], first["job"]["id"]) == (second["index"]["id"], second["job"]["id"])
    assert second["index"]["maintained"] is True
    expect_problem(workspace.request("DELETE", f"/indexes/{index['id']}"), 409, "index_busy")
    gate.open()
    assert workspace.wait(first["job"]["id"])["state"] == "succeeded"
    assert workspace.get(f"/indexes/{index['id']}")["state"] == "current"
    assert workspace.post("/indexes", {"setup": model_free}, 202)["job"]["id"] != first["job"]["id"]


def test_the_new_version_answers_only_when_it_is_indexed(workspace: Workspace, gate: Gate) -> None:
    workspace.send({"text": "old words", "external_id": "a"})
    accepted = workspace.post("/documents", {"documents": [{"text": f"{gate.word} words", "external_id": "a"}]}, 202)
    gate.wait_until_reached()
    answer = workspace.post("/searches", {"query": "words"})
    assert ([one["text"] for one in answer["passages"]], answer["missing_documents"]) == (["old words"], 1)
    shown = workspace.get("/documents")["items"][0]
    assert (shown["version"], shown["answering_version"]) == (2, 1)
    assert workspace.get(f"/documents/{shown['id']}/text")["text"] == "old words"
    fresh = workspace.request("POST", "/searches", json={"query": "words", "require_fresh": True})
    expect_problem(fresh, 409, "index_behind")
    gate.open()
    workspace.wait(accepted["job"]["id"])
    answer = workspace.post("/searches", {"query": "words", "require_fresh": True})
    assert [one["text"] for one in answer["passages"]] == [f"{gate.word} words"]


def test_baselines_need_no_index(workspace: Workspace) -> None:
    response = workspace.request("POST", "/indexes", json={"setup": {"baseline": "no_context"}})
    expect_problem(response, 422, "no_index_needed")


def test_integrity_is_checked_against_the_files(workspace: Workspace, data_folder: Path) -> None:
    workspace.send({"text": "some words", "external_id": "a"}, {"text": "others", "external_id": "b"})
    (index,) = workspace.get("/indexes")["items"]
    whole = workspace.get(f"/indexes/{index['id']}/integrity")
    assert (whole["is_intact"], whole["damaged"]) == (True, {})
    assert (whole["rows_served"], whole["rows_in_segments"]) == (2, 2)
    assert whole["segments_checked"] == index["segments"] == 1
    (folder,) = (data_folder / "segments" / index["id"]).iterdir()
    victim = max(folder.rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else -1)
    content = victim.read_bytes()
    victim.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    broken = workspace.get(f"/indexes/{index['id']}/integrity")
    assert broken["is_intact"] is False
    assert broken["damaged"] == {folder.name: [victim.relative_to(folder).as_posix()]}
    workspace.build(strategy="default")
    assert workspace.get(f"/indexes/{index['id']}/integrity")["is_intact"] is True
    assert workspace.found("words")[0] == "a"


def test_deleting_an_index_leaves_documents_and_other_indexes(workspace: Workspace) -> None:
    workspace.send({"text": "words", "external_id": "a"})
    index = workspace.build(setup=lexical())
    for _ in range(2):
        assert workspace.request("DELETE", f"/indexes/{index['id']}").status_code == 204
    expect_problem(workspace.request("GET", f"/indexes/{index['id']}"), 404, "index_not_found")
    response = workspace.request("POST", "/searches", json={"query": "words", "setup": lexical()})
    expect_problem(response, 409, "index_missing")
    assert workspace.found("words") == ["a"]
    assert workspace.get()["documents"] == {"ready": 1}


def flip(folder: Path, name: str) -> None:
    """Change the last byte of a file of the segment, and let the process see it as one that opens it first does."""
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    doubt([folder])


def segment_folders(data_folder: Path, index_id: str) -> list[Path]:
    """Return the segments of an index, oldest first."""
    return sorted((data_folder / "segments" / index_id).iterdir(), key=lambda path: path.stat().st_mtime_ns)


@pytest.mark.parametrize("name", ["rows.bin", "bm25/postings.bin", "faiss_flat/vectors.faiss", "bm25/format.json"])
def test_a_search_sets_damage_aside_says_so_and_the_index_heals(
    workspace: Workspace, data_folder: Path, name: str
) -> None:
    workspace.send({"text": "amber words", "external_id": "a"})
    (index,) = workspace.get("/indexes")["items"]
    (folder,) = segment_folders(data_folder, index["id"])
    flip(folder, name)
    workspace.send({"text": "basil words", "external_id": "b"})
    answer = workspace.post("/searches", {"query": "words"})
    assert ([one["external_id"] for one in answer["passages"]], answer["missing_documents"]) in [
        (["b"], 1),
        (["a", "b"], 0),  # rebuilt before this search already
    ]
    wait_for(lambda: workspace.get(f"/indexes/{index['id']}")["state"] == "current")
    assert set(workspace.found("words", require_fresh=True)) == {"a", "b"}
    integrity = workspace.get(f"/indexes/{index['id']}/integrity")
    assert integrity["is_intact"] is True
    (set_aside,) = integrity["quarantined"]
    assert set_aside["id"] == folder.name
    assert (data_folder / set_aside["folder"]).is_dir()


def test_files_lost_under_a_search_are_found(workspace: Workspace, data_folder: Path) -> None:
    workspace.send({"text": "amber words", "external_id": "a"})
    assert workspace.found("amber") == ["a"]
    (index,) = workspace.get("/indexes")["items"]
    (folder,) = segment_folders(data_folder, index["id"])
    shutil.rmtree(folder)
    evict(folder)
    answer = workspace.post("/searches", {"query": "amber"})
    assert (answer["passages"], answer["missing_documents"]) == ([], 1)
    wait_for(lambda: workspace.get(f"/indexes/{index['id']}")["state"] == "current")
    assert workspace.found("amber", require_fresh=True) == ["a"]


def test_a_repair_answers_with_its_job_or_with_none(workspace: Workspace, data_folder: Path) -> None:
    workspace.send({"text": "amber words", "external_id": "a"})
    (index,) = workspace.get("/indexes")["items"]
    before = workspace.state()
    whole = workspace.post(f"/indexes/{index['id']}/repairs", None, 200)
    assert (whole["job"], whole["integrity"]["is_intact"]) == (None, True)
    assert workspace.state() == before
    (folder,) = segment_folders(data_folder, index["id"])
    flip(folder, "rows.bin")
    broken = workspace.post(f"/indexes/{index['id']}/repairs", None, 202)
    assert broken["integrity"]["damaged"] == {folder.name: ["rows.bin"]}
    assert workspace.wait(broken["job"]["id"])["state"] == "succeeded"
    assert workspace.found("amber", require_fresh=True) == ["a"]
    assert workspace.get(f"/indexes/{index['id']}/integrity")["is_intact"] is True
