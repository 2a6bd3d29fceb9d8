"""Strategies: named, versioned, immutable; each says what has to be built before it answers."""

from __future__ import annotations

from tests.app.api.playground import Workspace, expect, expect_problem, lexical
from tests.database import sqlite_only

SMALL = {"retrieval": lexical(32), "context": {"budget_tokens": 500, "answer_reserve_tokens": 100}}


def test_versions_are_counted_and_never_change(workspace: Workspace) -> None:
    first = workspace.post("/strategies", {"name": "s", "strategy": SMALL}, 201)
    second = workspace.post("/strategies", {"name": "s", "strategy": {"retrieval": lexical(64)}}, 201)
    assert (first["version"], second["version"]) == (1, 2)
    assert workspace.get("/strategies/s")["strategy"] == second["strategy"]
    assert workspace.get("/strategies/s", version=1)["strategy"] == first["strategy"]
    assert [one["version"] for one in workspace.get("/strategies/s/versions")["items"]] == [1, 2]
    expect_problem(workspace.request("GET", "/strategies/s", params={"version": 3}), 404, "strategy_not_found")


def test_saying_the_same_again_makes_no_version(workspace: Workspace) -> None:
    first = workspace.post("/strategies", {"name": "s", "strategy": SMALL}, 201)
    assert workspace.post("/strategies", {"name": "s", "strategy": SMALL}, 200) == first
    workspace.post("/strategies", {"name": "s", "strategy": {"retrieval": lexical(64)}}, 201)
    assert workspace.post("/strategies", {"name": "s", "strategy": SMALL}, 201)["version"] == 3


def test_every_setting_comes_back_spelled_out(workspace: Workspace) -> None:
    saved = workspace.post("/strategies", {"name": "s", "strategy": SMALL}, 201)["strategy"]
    assert saved["retrieval"]["chunker"] == {
        "kind": "fixed", "size_tokens": 32, "overlap_tokens": 0, "tokenizer": "all-MiniLM-L6-v2",
    }  # fmt: skip
    assert saved["context"]["budget_tokens"] == 500
    assert workspace.post("/strategies", {"name": "t", "strategy": saved}, 201)["strategy"] == saved


def test_the_etag_saves_the_body(workspace: Workspace) -> None:
    created = workspace.request("POST", "/strategies", json={"name": "s", "strategy": SMALL})
    etag = created.headers["etag"]
    shown = workspace.request("GET", "/strategies/s")
    assert shown.headers["etag"] == etag
    for known in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        unchanged = workspace.request("GET", "/strategies/s", headers={"If-None-Match": known})
        assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", etag), known
    workspace.post("/strategies", {"name": "s", "strategy": {"retrieval": lexical(64)}}, 201)
    changed = workspace.request("GET", "/strategies/s", headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


def test_the_etag_changes_with_what_the_answer_says(workspace: Workspace) -> None:
    etag = workspace.request("POST", "/strategies", json={"name": "s", "strategy": SMALL}).headers["etag"]
    workspace.send({"text": "words"})
    shown = workspace.request("GET", "/strategies/s", headers={"If-None-Match": etag})
    assert expect(200, shown)["requires_reindex"]["documents"] == 1
    expect(200, workspace.request("PATCH", json={"default_strategy": "s"}))
    again = workspace.request("GET", "/strategies/s", headers={"If-None-Match": shown.headers["etag"]})
    assert expect(200, again)["is_default"] is True


def test_a_strategy_says_what_it_needs_and_the_call_that_builds_it(workspace: Workspace) -> None:
    workspace.send({"text": "some words " * 200, "external_id": "a"}, {"text": "others", "external_id": "b"})
    saved = workspace.post("/strategies", {"name": "s", "strategy": SMALL}, 201)
    needed = saved["requires_reindex"]
    assert (needed["reason"], needed["documents"], needed["texts_to_embed"]) == ("index_missing", 2, 0)
    assert needed["chunks"] >= 2
    call = needed["build"]
    started = expect(202, workspace.client.request(call["method"], call["path"], json=call["body"]))
    workspace.wait(started["job"]["id"])
    assert workspace.get("/strategies/s")["requires_reindex"] is None
    assert workspace.found("others", strategy="s") == ["b"]


def test_a_strategy_served_by_another_index_needs_nothing(workspace: Workspace) -> None:
    workspace.send({"text": "words", "external_id": "a"})
    saved = workspace.post("/strategies", {"name": "words", "preset": "lexical"}, 201)
    assert saved["requires_reindex"] is None
    assert workspace.found("words", strategy="words") == ["a"]
    assert len(workspace.get("/indexes")["items"]) == 1


def test_baselines_need_no_index(workspace: Workspace) -> None:
    for name in ("no_context", "whole_documents"):
        assert workspace.post("/strategies", {"name": name, "preset": name}, 201)["requires_reindex"] is None


def test_the_newest_versions_are_listed_by_name(workspace: Workspace) -> None:
    workspace.post("/strategies", {"name": "b", "strategy": SMALL}, 201)
    workspace.post("/strategies", {"name": "b", "strategy": {"retrieval": lexical(64)}}, 201)
    workspace.post("/strategies", {"name": "a", "preset": "no_context"}, 201)
    listed = [(one["name"], one["version"], one["is_default"]) for one in workspace.get("/strategies")["items"]]
    assert listed == [("a", 1, False), ("b", 2, False), ("default", 1, True)]


def test_deleting_a_strategy_leaves_its_index(workspace: Workspace) -> None:
    workspace.send({"text": "words", "external_id": "a"})
    workspace.post("/strategies", {"name": "s", "strategy": SMALL}, 201)
    index = workspace.build(strategy="s")
    for _ in range(2):
        assert workspace.request("DELETE", "/strategies/s").status_code == 204
    expect_problem(workspace.request("GET", "/strategies/s"), 404, "strategy_not_found")
    expect_problem(workspace.request("GET", "/strategies/s/versions"), 404, "strategy_not_found")
    assert workspace.get(f"/indexes/{index['id']}")["documents"] == 1
    assert workspace.found("words", setup=SMALL["retrieval"]) == ["a"]


def test_the_default_strategy_stays(workspace: Workspace) -> None:
    before = workspace.state()
    expect_problem(workspace.request("DELETE", "/strategies/default"), 409, "default_strategy")
    assert workspace.state() == before


def test_preset_and_strategy_exclude_each_other(workspace: Workspace) -> None:
    for body in ({"name": "s"}, {"name": "s", "preset": "lexical", "strategy": SMALL}):
        expect_problem(workspace.request("POST", "/strategies", json=body), 422, "invalid_request")
    expect_problem(workspace.request("POST", "/strategies", json={"name": "s", "preset": "x"}), 404, "preset_not_found")


def test_setups_that_do_not_fit_together_are_refused_with_the_reason(workspace: Workspace) -> None:
    before = workspace.state()
    dense = {"kind": "faiss_flat"}
    words = {"kind": "bm25"}
    chunker = {"kind": "recursive"}
    hashing = {"kind": "hashing"}
    convex = {"kind": "convex"}
    for setup, reason in (
        ({"chunker": chunker, "stores": [dense]}, "embedder"),
        ({"chunker": chunker, "stores": [words], "embedder": hashing}, "embedder"),
        ({"chunker": chunker, "stores": [dense, words], "embedder": hashing}, "fusion"),
        ({"chunker": chunker, "stores": [words], "fusion": convex}, "fusion"),
        ({"chunker": chunker, "stores": [words, words], "fusion": convex}, "kind"),
        ({"chunker": chunker, "stores": []}, "stores"),
        ({"baseline": "everything"}, "baseline"),
        ({"baseline": "no_context", "chunker": chunker}, "chunker"),
        ({}, "chunker"),
    ):
        response = workspace.request("POST", "/strategies", json={"name": "s", "strategy": {"retrieval": setup}})
        problem = expect_problem(response, 422, "invalid_request")
        assert reason in str(problem["errors"]), (setup, problem)
    assert workspace.state() == before


@sqlite_only("PostgreSQL has the store that SQLite lacks")
def test_a_store_that_the_database_cannot_hold_is_refused_and_nothing_is_saved(workspace: Workspace) -> None:
    dense = {"embedder": {"kind": "hashing"}, "stores": [{"kind": "pgvector"}], "fusion": None}
    setup = {"chunker": {"kind": "fixed", "size_tokens": 32}, **dense}
    before = workspace.get("/strategies"), workspace.get("/indexes")
    saved = workspace.request("POST", "/strategies", json={"name": "s", "strategy": {"retrieval": setup}})
    expect_problem(saved, 422, "pgvector_unavailable")
    expect_problem(workspace.request("POST", "/indexes", json={"setup": setup}), 422, "pgvector_unavailable")
    assert (workspace.get("/strategies"), workspace.get("/indexes")) == before
