"""The whole service with the store pgvector: built, searched, checked, and searched again after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.database import database_url
from tests.running_server import running_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

W = "/v1/workspaces/lab"
SETUP = {
    "chunker": {"kind": "fixed", "size_tokens": 32},
    "embedder": {"kind": "hashing"},
    "stores": [{"kind": "pgvector"}, {"kind": "bm25"}],
    "fusion": {"kind": "convex"},
}
BODY = {"query": "amber resin", "k": 5, "setup": SETUP}


def test_built_searched_hidden_and_found_again_after_a_restart(tmp_path: Path) -> None:
    url = database_url(tmp_path, on_postgresql=True)
    with running_server(tmp_path, database_url=url) as server:
        client = server.client()
        client.expect("POST", "/v1/workspaces", {"id": "lab", "name": "Lab", "preset": "model_free"})
        texts = {"a": "Amber is a resin of old trees.", "b": "Basil fears the frost.", "c": "Amber resin of the board."}
        documents = [{"external_id": name, "text": text} for name, text in texts.items()]
        documents[2]["access"] = ["board"]  # type: ignore[assignment]  # a list among strings
        client.wait_for(client.expect("POST", f"{W}/documents", {"documents": documents})["job"]["id"])
        built = client.expect("POST", f"{W}/indexes", {"setup": SETUP, "maintained": True})
        client.wait_for(built["job"]["id"])
        found = client.expect("POST", f"{W}/searches", BODY)["passages"]
        assert [one["external_id"] for one in found] == ["a", "b"]
        assert client.expect("GET", f"{W}/indexes/{built['index']['id']}/integrity")["is_intact"] is True
        server.kill()
    with running_server(tmp_path, database_url=url) as server:
        again = server.client().expect("POST", f"{W}/searches", BODY)["passages"]
    assert [(one["external_id"], one["score"]) for one in again] == [
        (one["external_id"], one["score"]) for one in found
    ]
