"""A real server killed with SIGKILL at twenty random instants: every job ends right, nothing is lost or doubled."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest

from app.demo import guide_folder
from tests.running_server import Client, RunningServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KILLS = 20
ROUND_SECONDS = 2.0
DOCUMENTS_PER_REQUEST = 20
SECOND_SETUP = {
    "chunker": {"kind": "fixed", "size_tokens": 64},
    "embedder": {"kind": "hashing"},
    "stores": [{"kind": "faiss_flat"}, {"kind": "bm25"}],
    "fusion": {"kind": "convex"},
}

LEXICAL = {"chunker": SECOND_SETUP["chunker"], "stores": [{"kind": "bm25"}]}
DENSE = {**LEXICAL, "embedder": {"kind": "hashing"}, "stores": [{"kind": "faiss_flat"}]}


def texts(draw: random.Random, count: int) -> list[str]:
    """Return distinct texts of a few paragraphs of the guide."""
    pages = [path.read_text(encoding="utf-8") for path in sorted(guide_folder().glob("*.md"))]
    paragraphs = [paragraph for page in pages for paragraph in page.split("\n\n") if len(paragraph) > 100]
    return [f"Note {draw.random()}\n\n" + "\n\n".join(draw.sample(paragraphs, 6)) for _ in range(count)]


class Campaign:
    """Sends documents and builds until the server dies, and remembers what was acknowledged."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._next = 0
        self.acknowledged: dict[str, str] = {}

    def attack(self, client: Client) -> None:
        """Send a request of new and changed documents and, now and then, build the second index."""
        new = [f"doc-{self._next + number}" for number in range(DOCUMENTS_PER_REQUEST)]
        self._next += DOCUMENTS_PER_REQUEST
        changed = self._draw.sample(sorted(self.acknowledged), min(5, len(self.acknowledged)))
        sent = dict(zip(new + changed, texts(self._draw, len(new) + len(changed)), strict=True))
        documents = [{"external_id": name, "text": text} for name, text in sent.items()]
        client.expect("POST", "/v1/workspaces/fire/documents", {"documents": documents})
        self.acknowledged.update(sent)
        if self._draw.random() < 0.5:
            client.expect("POST", "/v1/workspaces/fire/indexes", {"setup": SECOND_SETUP, "maintained": True})


def wait_until_idle(client: Client) -> list[dict[str, Any]]:
    """Return all jobs once every one has ended."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        jobs: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = client.expect("GET", f"/v1/jobs?limit=200{cursor}")
            jobs += page["items"]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        if all(job["state"] in ("succeeded", "failed", "cancelled") for job in jobs):
            return jobs
        time.sleep(0.2)
    raise AssertionError([job for job in jobs if job["finished_at"] is None])


def all_documents(client: Client, workspace: str) -> list[dict[str, Any]]:
    """Return every document of a workspace."""
    documents: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = client.expect("GET", f"/v1/workspaces/{workspace}/documents?limit=200{cursor}")
        documents += page["items"]
        if page["next_cursor"] is None:
            return documents
        cursor = f"&cursor={page['next_cursor']}"


def found(client: Client, workspace: str, query: str, setup: dict[str, Any] | None) -> set[tuple[str, int, int, float]]:
    """Return what a search finds: external id, span and score, those that tie with the last one left out."""
    body: dict[str, Any] = {"query": query, "k": 20, **({"setup": setup} if setup else {})}
    passages = client.expect("POST", f"/v1/workspaces/{workspace}/searches", body)["passages"]
    last = passages[-1]["score"]
    return {(one["external_id"], one["start"], one["end"], one["score"]) for one in passages if one["score"] > last}


def test_twenty_kills_lose_nothing(tmp_path: Path) -> None:
    draw = random.Random(20261123)
    campaign = Campaign(draw)
    server = RunningServer(tmp_path)
    try:
        server.wait_until_ready()
        client = server.client()
        client.expect("POST", "/v1/workspaces", {"id": "fire", "name": "Under fire", "preset": "model_free"})
        for number in range(1, KILLS + 1):
            end = time.monotonic() + draw.uniform(0.1, ROUND_SECONDS)
            client = server.client()
            while time.monotonic() < end:
                campaign.attack(client)
                time.sleep(min(0.3, max(0.0, end - time.monotonic())))
            server.kill()
            server = RunningServer(tmp_path, is_warm=number < KILLS)  # the last with a seed of hashes of its own
            server.wait_until_ready()
        check(server.client(), campaign.acknowledged)
    finally:
        server.stop()


def check(client: Client, acknowledged: dict[str, str]) -> None:
    """Compare what is there with what was acknowledged, and searches with those of a clean rebuild."""
    jobs = wait_until_idle(client)
    assert {job["state"] for job in jobs} == {"succeeded"}
    client.wait_for(
        client.expect("POST", "/v1/workspaces/fire/indexes", {"setup": SECOND_SETUP, "maintained": True})["job"]["id"]
    )
    documents = all_documents(client, "fire")
    assert sorted(document["external_id"] for document in documents) == sorted(acknowledged)
    assert {document["state"] for document in documents} == {"ready"}
    assert all(document["version"] == document["answering_version"] for document in documents)
    for index in client.expect("GET", "/v1/workspaces/fire/indexes")["items"]:
        assert (index["state"], index["documents"]) == ("current", len(acknowledged))
        intact = client.expect("GET", f"/v1/workspaces/fire/indexes/{index['id']}/integrity")
        assert intact["is_intact"], intact
        assert intact["rows_served"] == index["chunks"]
    rebuild(client, acknowledged)
    for query in ("how large should chunks be", "what survives kill -9", "Note", "budget tokens reserve"):
        for setup in (LEXICAL, DENSE):  # fused scores depend on the order of ties, which is by random ids
            assert found(client, "fire", query, setup) == found(client, "clean", query, setup)


def rebuild(client: Client, acknowledged: dict[str, str]) -> None:
    """Make the workspace `clean` of the same documents, in one go."""
    client.expect("POST", "/v1/workspaces", {"id": "clean", "name": "Clean", "preset": "model_free"})
    documents = [{"external_id": name, "text": text} for name, text in acknowledged.items()]
    for first in range(0, len(documents), 1_000):
        body = {"documents": documents[first : first + 1_000]}
        client.wait_for(client.expect("POST", "/v1/workspaces/clean/documents", body)["job"]["id"])
    client.wait_for(client.expect("POST", "/v1/workspaces/clean/indexes", {"setup": SECOND_SETUP})["job"]["id"])
