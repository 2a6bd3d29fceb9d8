"""Experiments through the HTTP API on public questions: twelve strategies within ten minutes, and multi-hop evidence.

With PLAYGROUND_REPORT naming a file, the first one's report is written there as Markdown.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.main import create_app
from configs.settings import Settings
from tests.acceptance.beir import data_folder

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(900)]

BOTH = [{"kind": "faiss_flat"}, {"kind": "bm25"}]
MODEL = {"kind": "sentence_transformer"}


def entry(label: str, chunker: str, **setup: Any) -> dict[str, Any]:
    """Return a strategy over three chunk sizes."""
    made = {"chunker": {"kind": chunker, "size_tokens": 200}, "candidates": 100, **setup}
    return {"label": label, "setup": made, "grid": {"settings": {"chunker.size_tokens": [100, 200, 400]}}}


TWELVE = [
    entry("words", "recursive", stores=BOTH[1:]),
    entry("meaning", "recursive", embedder=MODEL, stores=BOTH[:1]),
    entry("both", "recursive", embedder=MODEL, stores=BOTH, fusion={"kind": "convex", "dense_weight": 0.5}),
    entry("fixed both", "fixed", embedder=MODEL, stores=BOTH, fusion={"kind": "convex", "dense_weight": 0.5}),
]
AMPLE = {"budget_tokens": 100_000}
BASELINES = [
    {"label": name, "setup": {"baseline": name}, "context": AMPLE} for name in ("no_context", "whole_documents")
]
REPORT = os.environ.get("PLAYGROUND_REPORT")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    settings = Settings(
        data_folder=tmp_path_factory.mktemp("experiments"), demo=False, max_documents_per_request=10_000
    )
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
        yield client


def expect(status: int, response: Any) -> Any:
    assert response.status_code == status, response.text[:2000]
    return response.json()


def finished(client: TestClient, job_id: str) -> dict[str, Any]:
    while True:
        job: dict[str, Any] = client.get(f"/v1/jobs/{job_id}").json()
        if job["state"] not in ("queued", "running"):
            assert job["state"] == "succeeded", job
            return job
        time.sleep(0.5)


def run(client: TestClient, workspace: str, specification: dict[str, Any]) -> tuple[str, dict[str, Any], float]:
    """Run an experiment; return its id, what it shows, and the seconds it took."""
    begin = time.monotonic()
    started = expect(202, client.post(f"/v1/workspaces/{workspace}/experiments", json=specification))
    finished(client, started["job"]["id"])
    seconds = time.monotonic() - begin
    identifier = started["experiment"]["id"]
    return identifier, expect(200, client.get(f"/v1/workspaces/{workspace}/experiments/{identifier}")), seconds


def test_twelve_strategies_on_220_questions_within_ten_minutes(client: TestClient) -> None:
    folder = data_folder() / "chunking_eval"
    expect(201, client.post("/v1/workspaces", json={"id": "chunking", "name": "Chunking", "preset": "no_context"}))
    files = [("files", (path.name, path.read_bytes(), "text/plain")) for path in sorted((folder / "corpora").iterdir())]
    sent = expect(202, client.post("/v1/workspaces/chunking/documents/files", files=files))
    finished(client, sent["job"]["id"])
    imported = expect(
        201,
        client.post(
            "/v1/workspaces/chunking/question-sets/imports",
            data={"name": "published", "format": "chunking_eval"},
            files={"questions": ("questions_df.csv", (folder / "questions_df.csv").read_bytes(), "text/csv")},
        ),
    )
    assert imported["question_count"] == 220
    asked = {"name": "Chunk sizes and retrievers", "question_set": "published", "strategies": TWELVE + BASELINES}
    specification = {**asked, "latency_requests": 100 if REPORT else 0}
    identifier, view, seconds = run(client, "chunking", specification)
    findings = view["findings"]
    assert seconds < 600
    assert (view["plan"]["chunkings"], view["plan"]["encodings"], view["plan"]["indexes"]) == (6, 6, 6)
    means = {one["label"]: one["means"]["recall_at_tokens@1000"] for one in findings["strategies"]}
    print(f"{seconds:.0f} s", {label: round(mean, 3) for label, mean in means.items()})
    assert findings["questions"]["decided"] == 220
    assert sum(one["failures"] for one in findings["strategies"]) == 0
    # the window trap: 400 tokens are more than the model reads
    assert means["both, chunker.size_tokens=200"] > means["meaning, chunker.size_tokens=200"]
    assert means["meaning, chunker.size_tokens=200"] > means["meaning, chunker.size_tokens=400"]
    assert means["both, chunker.size_tokens=200"] == pytest.approx(0.93, abs=0.02)
    assert means["no_context"] == 0
    report = client.get(f"/v1/workspaces/chunking/experiments/{identifier}/report?format=markdown")
    assert report.status_code == 200
    if REPORT:
        Path(REPORT).write_text(report.text, encoding="utf-8")


def test_multi_hop_questions_need_all_their_evidence(client: TestClient) -> None:
    folder = data_folder() / "musique100"
    expect(201, client.post("/v1/workspaces", json={"id": "musique", "name": "MuSiQue", "preset": "no_context"}))
    documents = [
        {"external_id": record["_id"], "title": record["title"], "text": record["text"]}
        for record in json_lines(folder / "corpus.jsonl")
    ]
    sent = expect(202, client.post("/v1/workspaces/musique/documents", json={"documents": documents}))
    finished(client, sent["job"]["id"])
    qrels = next((folder / "qrels").iterdir())
    imported = expect(
        201,
        client.post(
            "/v1/workspaces/musique/question-sets/imports",
            data={"name": "hops", "format": "beir"},
            files={
                "queries": ("queries.jsonl", (folder / "queries.jsonl").read_bytes(), "application/jsonl"),
                "qrels": ("qrels.tsv", qrels.read_bytes(), "text/tab-separated-values"),
            },
        ),
    )
    assert imported["question_count"] == 100
    setup = {"chunker": {"kind": "whole_document"}, "candidates": 100}
    words = {"label": "words", "setup": {**setup, "stores": BOTH[1:]}}
    fusion = {"kind": "convex", "dense_weight": 0.5}
    both = {"label": "both", "setup": {**setup, "embedder": MODEL, "stores": BOTH, "fusion": fusion}}
    metrics = [
        {"kind": "all_evidence_any_chunk", "budget_tokens": 2000},
        {"kind": "document_recall", "k": 10},
        {"kind": "success", "k": 10},
    ]
    specification = {"name": "Hops", "question_set": "hops", "strategies": [words, both], "metrics": metrics}
    _, view, seconds = run(client, "musique", {**specification, "latency_requests": 0})
    means = {one["label"]: one["means"] for one in view["findings"]["strategies"]}
    print(f"{seconds:.0f} s", means)
    for one in means.values():
        every, some = one["all_evidence_any_chunk@2000"], one["success@10"]
        assert 0 < every < one["document_recall@10"] < some <= 1
    assert means["both"]["document_recall@10"] > means["words"]["document_recall@10"]


def json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the records of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
