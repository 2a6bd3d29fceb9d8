"""What the stores of an index take and find, as the API and an experiment tell it."""

from __future__ import annotations

from typing import Any

import pytest

from configs.part import JsonObject
from tests.app.api.playground import Workspace, expect, expect_problem, lexical

EMBEDDER: JsonObject = {"kind": "hashing", "dimensions": 64}
WORDS = ("oak", "ash", "elm", "yew", "fir", "box", "bay", "fig")


def dense(**store: Any) -> JsonObject:
    return {
        "chunker": {"kind": "fixed", "size_tokens": 16, "overlap_tokens": 0},
        "embedder": EMBEDDER,
        "stores": [store],
    }


def text(words: int) -> str:
    return " ".join(f"{WORDS[number % 8]}{number * 7919 % 100_003}" for number in range(words))


def test_what_each_store_takes_and_finds(workspace: Workspace) -> None:
    workspace.send({"text": text(9_000), "external_id": "a"})
    setup = {**dense(kind="faiss_ivf", exact_rows=0, quantisation="sq8"), "fusion": {"kind": "reciprocal_rank"}}
    setup["stores"] = [*setup["stores"], {"kind": "faiss_flat"}, {"kind": "bm25"}]
    index = workspace.build(setup=setup)
    ivf, flat, bm25 = workspace.get(f"/indexes/{index['id']}/stores")["items"]
    assert [one["kind"] for one in (ivf, flat, bm25)] == ["faiss_ivf", "faiss_flat", "bm25"]
    assert [one["is_exact"] for one in (ivf, flat, bm25)] == [False, True, True]
    assert ivf["chunks"] == flat["chunks"] == bm25["chunks"] == index["chunks"] > 1_000
    assert 0.9 <= ivf["recall_at_10"] <= flat["recall_at_10"] == bm25["recall_at_10"] == 1.0
    assert flat["memory_bytes_per_chunk"] == pytest.approx(64 * 4, abs=2)
    assert ivf["memory_bytes_per_chunk"] < flat["memory_bytes_per_chunk"] < ivf["disk_bytes_per_chunk"]
    for one in (ivf, flat, bm25):
        assert one["disk_bytes_per_chunk"] * one["chunks"] == pytest.approx(one["disk_bytes"])
    assert sum(one["disk_bytes"] for one in (ivf, flat, bm25)) < index["size_bytes"]


def test_an_empty_index_has_stores_without_chunks(workspace: Workspace) -> None:
    index = workspace.build(setup=dense(kind="faiss_hnsw"))
    (store,) = workspace.get(f"/indexes/{index['id']}/stores")["items"]
    assert (store["chunks"], store["memory_bytes_per_chunk"], store["recall_at_10"]) == (0, None, 1.0)


def test_an_index_that_is_not_there_is_named(workspace: Workspace) -> None:
    expect_problem(workspace.request("GET", "/indexes/nothing/stores"), 404, "index_not_found")
    index = workspace.build(setup=lexical())
    expect(200, workspace.request("GET", f"/indexes/{index['id']}/stores"))


def test_a_sweep_shows_recall_against_memory(workspace: Workspace) -> None:
    (document,) = workspace.send({"text": text(9_000), "external_id": "a"})
    evidence = {"document_id": document["document_id"], "quote": text(9_000)[:40]}
    workspace.post("/question-sets", {"name": "q", "questions": [{"question": "oak0", "evidence": [evidence]}]}, 201)
    stores: list[JsonObject] = [
        {"kind": "faiss_flat"},
        *({"kind": "faiss_ivf", "exact_rows": 0, "probes": probes, "refine_factor": 1} for probes in (1, 64)),
        {"kind": "faiss_quantised", "quantisation": "rabitq"},
    ]
    strategies = [{"label": str(number), "setup": dense(**store)} for number, store in enumerate(stores)]
    for strategy in strategies:
        workspace.build(setup=strategy["setup"])
    body = {"name": "sweep", "question_set": "q", "latency_requests": 0, "strategies": strategies}
    started = workspace.post("/experiments", body, 202)
    assert workspace.wait(started["job"]["id"])["state"] == "succeeded"
    shown = workspace.get(f"/experiments/{started['experiment']['id']}")["findings"]["strategies"]
    flat, few, many, codes = (one["stores"][0] for one in shown[:4])
    assert few["recall_at_10"] < many["recall_at_10"] <= flat["recall_at_10"] == 1.0
    assert few["memory_bytes"] == many["memory_bytes"] < flat["memory_bytes"]
    assert codes["memory_bytes"] < few["memory_bytes"]
    report = workspace.request("GET", f"/experiments/{started['experiment']['id']}/report?format=markdown").text
    assert f"{few['recall_at_10']:.3f}" in report
