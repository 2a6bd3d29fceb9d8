"""Erasing through the API: strings of every kind are planted, erased, and looked for in every byte of the data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr
from sqlalchemy import select
from starlette.testclient import TestClient

from app.context.erasure.creation import NewErasure, create_erasure
from app.context.erasure.documents import find_documents
from app.evaluation.erased_evidence import evidence_owner
from app.main import create_app
from configs.part import JsonObject
from configs.settings import Settings
from indexes import erasure, workers
from indexes.database.engine import Database
from indexes.database.tables import ChunkRow, Document, Vector, Version
from tests.app.api.playground import Gate, Workspace, expect_problem, lexical
from tests.database import database_url

HYBRID: JsonObject = {
    "chunker": {"kind": "fixed", "size_tokens": 32},
    "embedder": {"kind": "hashing", "dimensions": 64},
    "stores": [{"kind": "faiss_flat"}, {"kind": "bm25"}],
    "fusion": {"kind": "convex"},
}
DENSE: JsonObject = {**HYBRID, "stores": [{"kind": "faiss_flat"}], "fusion": None}
SHARED = "The birch has white bark. Its sap tastes sweet in spring, and children drink it from cups of bark."
WORDS = lexical(24)
KEY = {"Idempotency-Key": "of an unrelated request"}
CANARIES = (
    "zanzitext", "zanzifirst", "zanzititle", "zanzikey", "zanzivalue", "zanzitag", "zanzifile", "zanziname",
    "zanziupload", "zanziquote", "zanziquestion",
)  # fmt: skip


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], TestClient]:
    """Return a function that makes a client of a service over the test's folder; entering it starts the service."""
    monkeypatch.setattr(workers, "POLLING_SECONDS", 0.02)
    monkeypatch.setattr(workers, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(erasure, "REQUESTS_SECONDS", 0.0)
    settings = Settings(data_folder=tmp_path, demo=False, api_key=SecretStr(""), database_url=database_url(tmp_path))

    def make() -> TestClient:
        return TestClient(create_app(settings), base_url="http://127.0.0.1")

    return make


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Yield a gate for jobs, opened at the end at the latest."""
    gate = Gate(monkeypatch)
    yield gate
    gate.open()


def files_with(folder: Path, needle: bytes) -> list[str]:
    """Return the files below a folder that hold the bytes, or have them in their name."""
    named = [path for path in folder.rglob("*") if needle.decode("latin-1") in path.name]
    held = [path for path in folder.rglob("*") if path.is_file() and needle in path.read_bytes()]
    return sorted({path.relative_to(folder).as_posix() for path in (*named, *held)})


def found(folder: Path) -> dict[str, list[str]]:
    """Return the canaries that are found, with the files."""
    where = {ocelot: files_with(folder, ocelot.encode()) for ocelot in CANARIES}
    return {ocelot: files for ocelot, files in where.items() if files}


def vectors_of(folder: Path, external_ids: tuple[str, ...]) -> list[bytes]:
    """Return the cached vectors of the documents' own texts, as they lie in files; zeros are nobody's."""
    database = Database(database_url(folder))
    statement = (
        select(Vector.vector)
        .join(ChunkRow, ChunkRow.indexed_sha256 == Vector.indexed_sha256)
        .join(Version, Version.id == ChunkRow.version_id)
        .join(Document, Document.id == Version.document_id)
    )
    with database.read() as session:
        own = set(session.scalars(statement.where(Document.external_id.in_(external_ids))))
        others = set(session.scalars(statement.where(Document.external_id.not_in(external_ids))))
    database.close()
    return [vector for vector in own - others if np.frombuffer(vector, dtype="<f4").any()]


def plant(workspace: Workspace) -> tuple[str, str]:
    """Send a document with strings of every kind in two versions, a file, and others; return the ids of both."""
    said = {"title": "zanzititle", "tags": ["zanzitag"], "metadata": {"zanzikey": "zanzivalue"}}
    first = {"text": f"zanzifirst begins. {SHARED}", "external_id": "zanziname", **said}
    text = f"# Zanzi\n\nAll of zanzitext is secret. {SHARED} The zanziquote is here. {'More is said of it. ' * 20}"
    answer = workspace.request("POST", "/documents", json={"documents": [first]}, headers={"Idempotency-Key": "one"})
    assert workspace.wait(answer.json()["job"]["id"])["state"] == "succeeded"
    (second,) = workspace.send({"text": text, "external_id": "zanziname", **said})
    workspace.upload(("zanzifile.txt", b"The zanziupload of bytes. " * 30, "text/plain"))
    listed = {one["external_id"]: one["id"] for one in workspace.get("/documents")["items"]}
    workspace.send(*others())
    return second["document_id"], listed["zanzifile.txt"]


def others() -> list[JsonObject]:
    """Return documents that stay; one has words of the others as well."""
    texts = [SHARED, "The oak carries acorns. Ships were built of it.", "The willow drinks much water."]
    return [{"text": text, "external_id": f"tree-{number}", "tags": ["tree"]} for number, text in enumerate(texts)]


def use(workspace: Workspace, document_id: str) -> dict[str, str]:
    """Let everything rest on the document that can: sets, contexts, an experiment, a screening, kept answers."""
    workspace.build(setup=HYBRID, maintained=True)
    workspace.build(setup=WORDS)
    questions = [
        {"question": "What is secret?", "evidence": [{"document_id": document_id, "quote": "The zanziquote is here"}]},
        {"question": "What tastes sweet?", "evidence": [{"external_id": "tree-0", "quote": "Its sap tastes sweet"}]},
        {"question": "What of the oak?", "evidence": [{"external_id": "tree-1", "quote": "The oak carries acorns"}]},
    ]
    workspace.post("/question-sets", {"name": "s", "questions": questions}, 201)
    only = {"all": [{"field": "zanzikey", "equal": "zanzivalue"}]}
    asked = {"question": "Where is the zanziquestion?", "setup": HYBRID, "filter": only}
    strategies = [{"label": "both", "setup": HYBRID}, {"label": "words", "setup": WORDS}]
    body = {"name": "e", "question_set": "s", "strategies": strategies, "latency_requests": 0}
    started = workspace.post("/experiments", body, 202)
    assert workspace.wait(started["job"]["id"])["state"] == "succeeded"
    screening = workspace.post("/screenings", {"strategies": strategies, "settings": {"questions_per_kind": 10}}, 202)
    assert workspace.wait(screening["id"])["state"] == "succeeded"
    return {
        "context": workspace.post("/contexts", asked, 201)["id"],
        "other": workspace.post("/contexts", {"question": "acorns", "setup": WORDS}, 201)["id"],
        "experiment": started["experiment"]["id"],
        "screening": screening["id"],
    }


def erase(workspace: Workspace, **target: str) -> JsonObject:
    """Erase, and return the receipt once it is there."""
    started = workspace.post("/erasures", target, 202)
    job = workspace.wait(started["job"]["id"])
    assert job["state"] == "succeeded", job
    receipt: JsonObject = workspace.get(f"/erasures/{started['erasure']['id']}")
    return receipt


def answers(workspace: Workspace) -> list[Any]:
    """Return what searches find, with scores, whatever the ids of documents; those of fused lists depend on them."""
    asked = [(query, setup) for query in ("sweet sap", "oak acorns", "zanzitext") for setup in (WORDS, DENSE)]
    found = [workspace.post("/searches", {"query": query, "setup": setup, "k": 50}) for query, setup in asked]
    return [
        sorted((one["external_id"], one["start"], one["end"], round(one["score"], 5)) for one in answer["passages"])
        for answer in found
    ]


def rebuilt(client: TestClient) -> Workspace:
    """Return a workspace that never had the documents."""
    workspace = Workspace(client)
    workspace.send(*others())
    workspace.build(setup=HYBRID)
    workspace.build(setup=WORDS)
    return workspace


def check_what_is_left(workspace: Workspace, made: dict[str, str]) -> None:
    """Check that contexts, experiments, reports, exports and screenings say what they lost and still answer."""
    expect_problem(workspace.request("GET", f"/contexts/{made['context']}"), 410, "content_erased")
    assert workspace.get(f"/contexts/{made['other']}")["citations"]
    cells = workspace.get(f"/experiments/{made['experiment']}/cells")["items"]
    erased = [cell for cell in cells if cell["state"] == "erased"]
    assert erased
    assert all(cell["ranked"] == [] and cell["scores"] for cell in erased)
    assert all(not one["spans"] for cell in erased for one in cell["sent"].values())
    experiment = workspace.get(f"/experiments/{made['experiment']}")
    assert experiment["findings"]["erased_cells"] == len(erased)
    report = workspace.request("GET", f"/experiments/{made['experiment']}/report", params={"format": "markdown"})
    assert f"{len(erased)} cells rested on documents that were erased since" in report.text
    for file_format in ("csv", "trec"):
        address = f"/experiments/{made['experiment']}/export"
        assert workspace.request("GET", address, params={"format": file_format}).status_code == 200
    assert workspace.job(made["screening"])["result"]["erased"]
    assert workspace.get("/question-sets/s/staleness")["deleted"] == 1
    body = {"name": "again", "question_set": "s", "strategies": [{"setup": WORDS}, {"strategy": "default"}]}
    assert workspace.post("/experiments/dry-runs", body)["questions"] == 2


@pytest.mark.slow
def test_nothing_planted_is_found_in_any_byte(serve: Callable[[], TestClient], tmp_path: Path) -> None:
    with serve() as client:
        workspace = Workspace(client)
        document_id, file_id = plant(workspace)
        made = use(workspace, document_id)
        unrelated = client.post("/v1/workspaces", json={"name": "n", "preset": "model_free"}, headers=KEY).json()["id"]
    vectors = vectors_of(tmp_path, ("zanziname", "zanzifile.txt"))
    assert vectors
    assert all(files_with(tmp_path, one) for one in vectors)
    assert set(found(tmp_path)) == set(CANARIES)
    with serve() as client:
        workspace.client = client
        receipt = erase(workspace, external_id="zanziname", request="ticket 1")
        assert receipt["removed"]["documents"] == 1
        assert receipt["removed"]["kept_answers"] == 1
        assert erase(workspace, document_id=file_id)["removed"]["uploads"] == 1
        assert erase(workspace, external_id="zanziname")["removed"] == {}
        again = client.post("/v1/workspaces", json={"name": "n", "preset": "model_free"}, headers=KEY)
        assert again.json()["id"] == unrelated
        check_what_is_left(workspace, made)
        assert answers(workspace) == answers(rebuilt(client))
    assert found(tmp_path) == {}
    assert [one for one in vectors if files_with(tmp_path, one)] == []


def test_an_experiment_still_to_run_on_it_fails(serve: Callable[[], TestClient], gate: Gate) -> None:
    with serve() as client:
        workspace = Workspace(client)
        workspace.send({"text": "zanzitext", "external_id": "z"}, *others())
        question = {"question": "What tastes sweet?", "evidence": [{"external_id": "tree-0", "quote": "tastes sweet"}]}
        workspace.post("/question-sets", {"name": "s", "questions": [question]}, 201)
        threads = [Workspace(client) for _ in range(2)]
        held = [one.post("/documents", {"documents": [{"text": gate.word}]}, 202)["job"]["id"] for one in threads]
        gate.wait_until_reached(2)
        strategies = [{"strategy": "default"}, {"setup": WORDS}]
        body = {"name": "e", "question_set": "s", "strategies": strategies, "latency_requests": 0}
        experiment = workspace.post("/experiments", body, 202)["job"]["id"]
        database: Database = client.app.state.service.database  # type: ignore[attr-defined]  # the application
        with database.write() as session:
            asked = create_erasure(session, workspace.id, NewErasure(external_id="z"))
            documents = find_documents(session, workspace.id, asked.scope["document_ids"])
            evidence_owner(Path()).detach_documents(session, documents)
        gate.open()
        assert workspace.wait(asked.job_id)["state"] == "succeeded"
        assert (workspace.job(experiment)["state"], workspace.job(experiment)["error"]["code"]) == (
            "failed", "content_erased",
        )  # fmt: skip
        assert all(workspace.wait(job_id)["state"] == "succeeded" for job_id in held)
