"""The vectors of an index as numpy reads them, each with the chunk it is of."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from starlette.testclient import TestClient

from configs.part import JsonObject
from ingest.embedders.hashing import Hashing
from tests.app.api.playground import Workspace, expect_problem, lexical
from tests.app.evaluation.workspace_files.zips import unzipped

HANDBOOK = "# Refunds\n\nRefunds take 14 days, never more.\n\n# Shipping\n\nShips on Mondays."
SETUP: JsonObject = {
    "chunker": {"kind": "recursive", "size_tokens": 16}, "stores": [{"kind": "faiss_flat"}], "context_prefix": False,
    "embedder": {"kind": "hashing", "dimensions": 64},
}  # fmt: skip


@pytest.mark.parametrize("versions_per_batch", [1, 64])
def test_vectors_come_with_their_chunks(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, versions_per_batch: int
) -> None:
    monkeypatch.setattr("ingest.vector_files.VERSIONS_PER_BATCH", versions_per_batch)
    workspace = Workspace(client)
    workspace.post("/strategies", {"name": "dense", "strategy": {"retrieval": SETUP}}, 201)
    workspace.send({"text": HANDBOOK * 3, "external_id": "b"}, {"text": "Mondays only.", "external_id": "a"})
    index = workspace.build(strategy="dense")
    response = workspace.request("GET", f"/indexes/{index['id']}/vectors")
    assert response.status_code == 200, response.text
    entries = unzipped(response.content)
    assert json.loads(entries["index.json"])["index_id"] == index["id"]
    vectors = np.load(io.BytesIO(entries["vectors.npy"]))
    rows = [json.loads(line) for line in entries["rows.jsonl"].decode().splitlines()]
    assert vectors.shape == (len(rows), 64)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    texts = {"a": "Mondays only.", "b": HANDBOOK * 3}
    own = Hashing(kind="hashing", dimensions=64)
    spoken = [texts[row["external_id"]][row["start"] : row["end"]] for row in rows]
    assert np.allclose(own.encode(spoken), vectors, atol=1e-6)
    assert [row["row"] for row in rows] == list(range(len(rows)))
    assert [row["external_id"] for row in rows] == ["a"] + ["b"] * (len(rows) - 1)
    assert np.array_equal(np.load(io.BytesIO(response.content))["vectors"], vectors)
    workspace.post("/strategies", {"name": "words", "strategy": {"retrieval": lexical(33)}}, 201)
    words = workspace.build(strategy="words")
    expect_problem(workspace.request("GET", f"/indexes/{words['id']}/vectors"), 409, "no_vectors")


def test_an_empty_index_has_no_vectors_to_send(client: TestClient) -> None:
    workspace = Workspace(client)
    workspace.post("/strategies", {"name": "dense", "strategy": {"retrieval": SETUP}}, 201)
    index = workspace.build(strategy="dense")
    expect_problem(workspace.request("GET", f"/indexes/{index['id']}/vectors"), 409, "index_empty")


def test_deleted_documents_take_their_vectors_with_them(client: TestClient) -> None:
    workspace = Workspace(client)
    workspace.post("/strategies", {"name": "dense", "strategy": {"retrieval": SETUP}}, 201)
    workspace.send({"text": "The cat sat.", "external_id": "cat"}, {"text": "The dog ran.", "external_id": "dog"})
    index = workspace.build(strategy="dense")
    ids = {document["external_id"]: document["id"] for document in workspace.get("/documents")["items"]}
    assert workspace.request("DELETE", f"/documents/{ids['cat']}").status_code == 204
    entries = unzipped(workspace.request("GET", f"/indexes/{index['id']}/vectors").content)
    assert [json.loads(line)["external_id"] for line in entries["rows.jsonl"].splitlines()] == ["dog"]
    assert np.load(io.BytesIO(entries["vectors.npy"])).shape == (1, 64)
