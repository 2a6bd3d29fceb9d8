"""A real server killed with SIGKILL again and again while it erases: in the end nothing of the source is left."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.running_server import RunningServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KILLS = 6
CANARY = "zanzibar"
SETUP = {
    "chunker": {"kind": "fixed", "size_tokens": 32},
    "embedder": {"kind": "hashing"},
    "stores": [{"kind": "faiss_flat"}, {"kind": "bm25"}],
    "fusion": {"kind": "convex"},
}


def files_with(folder: Path, needle: bytes) -> list[str]:
    return [str(path) for path in sorted(folder.rglob("*")) if path.is_file() and needle in path.read_bytes()]


def test_an_erasure_under_fire_ends_and_leaves_nothing(tmp_path: Path) -> None:
    draw = random.Random(20261127)
    server = RunningServer(tmp_path)
    try:
        server.wait_until_ready()
        client = server.client()
        client.expect("POST", "/v1/workspaces", {"id": "fire", "name": "Under fire", "preset": "model_free"})
        secret = {"external_id": "secret", "text": f"{CANARY} " + " ".join(f"{CANARY}{n} sings." for n in range(3_000))}
        kept = [{"external_id": f"kept-{n}", "text": f"Kept note {n} says little of it. " * 5} for n in range(40)]
        for document in (secret, *kept[:20]):
            client.expect("POST", "/v1/workspaces/fire/documents", {"documents": [document]})
        built = client.expect("POST", "/v1/workspaces/fire/indexes", {"setup": SETUP, "maintained": True})
        client.wait_for(built["job"]["id"])
        sent = client.expect("POST", "/v1/workspaces/fire/documents", {"documents": kept[20:]})
        client.wait_for(sent["job"]["id"])
        assert files_with(tmp_path, CANARY.encode())
        erasure = client.expect("POST", "/v1/workspaces/fire/erasures", {"external_id": "secret"})
        for _ in range(KILLS):
            time.sleep(draw.uniform(0.0, 0.4))
            server.kill()
            server = RunningServer(tmp_path)
            server.wait_until_ready()
        client = server.client()
        client.wait_for(erasure["job"]["id"])
        receipt = client.expect("GET", f"/v1/workspaces/fire/erasures/{erasure['erasure']['id']}")
        assert receipt["finished_at"] is not None
        assert receipt["removed"]["documents"] == 1
        for setup in (None, SETUP):
            body = {"query": f"{CANARY} note", "k": 200, **({"setup": setup} if setup else {})}
            passages = client.expect("POST", "/v1/workspaces/fire/searches", body)["passages"]
            assert {one["external_id"] for one in passages} == {one["external_id"] for one in kept}
    finally:
        server.stop()
    assert files_with(tmp_path, CANARY.encode()) == []
