"""Bad moments: requests that meet, a disk that is full, a model that is missing or not the one that was meant."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any, NoReturn

import httpx2
import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from configs.part import JsonObject
from indexes.database.engine import Database
from ingest import models
from tests.app.api.conftest import app_of
from tests.app.api.playground import Workspace, expect, expect_problem
from tests.database import sqlite_only


def at_once(count: int, send: Callable[[int], httpx2.Response]) -> list[httpx2.Response]:
    """Return the responses to requests that are sent at the same moment."""
    barrier = Barrier(count)

    def start(number: int) -> httpx2.Response:
        barrier.wait()
        return send(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(start, range(count)))


def test_uploads_of_one_external_id_at_the_same_moment_become_versions(workspace: Workspace) -> None:
    def send(number: int) -> httpx2.Response:
        body = {"documents": [{"text": f"words of upload {number}", "external_id": "same"}]}
        return workspace.request("POST", "/documents", json=body)

    accepted = [expect(202, response) for response in at_once(6, send)]
    assert {workspace.wait(one["job"]["id"])["state"] for one in accepted} == {"succeeded"}
    (document,) = workspace.get("/documents")["items"]
    assert (document["version"], document["answering_version"], document["state"]) == (6, 6, "ready")
    versions = {one["documents"][0]["version_id"]: number for number, one in enumerate(accepted)}
    assert len(versions) == 6
    (passage,) = workspace.post("/searches", {"query": "words", "require_fresh": True})["passages"]
    assert passage["version_id"] == document["version_id"]
    assert passage["text"] == f"words of upload {versions[document['version_id']]}"
    (index,) = workspace.get("/indexes")["items"]
    assert (index["documents"], index["chunks"], index["state"]) == (1, 1, "current")


def test_the_same_bytes_at_the_same_moment_become_one_version(workspace: Workspace) -> None:
    def send(_: int) -> httpx2.Response:
        files = [("files", ("same.txt", b"the same words", "text/plain"))]
        return workspace.request("POST", "/documents/files", files=files)

    responses = at_once(6, send)
    assert sorted(response.status_code for response in responses) == [200] * 5 + [202]
    jobs = [response.json()["job"] for response in responses]
    for job in jobs:
        assert job is None or workspace.wait(job["id"])["state"] == "succeeded"
    (document,) = workspace.get("/documents")["items"]
    assert (document["version"], document["state"]) == (1, "ready")
    assert workspace.found("same words") == ["same.txt"]


def test_strategies_saved_at_the_same_moment_become_versions(workspace: Workspace) -> None:
    def send(number: int) -> httpx2.Response:
        setup = {"chunker": {"kind": "fixed", "size_tokens": 50 + number}, "stores": [{"kind": "bm25"}]}
        return workspace.request("POST", "/strategies", json={"name": "s", "strategy": {"retrieval": setup}})

    versions = [expect(201, response)["version"] for response in at_once(6, send)]
    assert sorted(versions) == [1, 2, 3, 4, 5, 6]


def test_a_workspace_id_is_given_once(client: TestClient) -> None:
    def send(_: int) -> httpx2.Response:
        return client.post("/v1/workspaces", json={"id": "wanted-by-all", "name": "A", "preset": "lexical"})

    responses = at_once(6, send)
    assert sorted(response.status_code for response in responses) == [201] + [409] * 5
    for response in responses:
        assert response.status_code == 201 or expect_problem(response, 409, "workspace_exists")


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Make every synced file fail as on a full disk; yield what gives the space back."""

    def fsync(_descriptor: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("indexes.durable_files.os.fsync", fsync)
        yield patched.undo


def test_an_upload_on_a_full_disk_is_refused(workspace: Workspace, full_disk: Callable[[], None]) -> None:
    before = workspace.state()
    files = [("files", ("a.txt", b"some words", "text/plain"))]
    problem = expect_problem(workspace.request("POST", "/documents/files", files=files), 507, "disk_full")
    assert "PLAYGROUND_DATA_FOLDER" in problem["hint"]
    assert workspace.state() == before
    full_disk()
    workspace.upload(("a.txt", b"some words", "text/plain"))
    assert workspace.found("words") == ["a.txt"]


def test_a_job_on_a_full_disk_fails_and_can_be_retried(workspace: Workspace, full_disk: Callable[[], None]) -> None:
    accepted = workspace.post("/documents", {"documents": [{"text": "some words", "external_id": "a"}]}, 202)
    job = workspace.wait(accepted["job"]["id"])
    assert (job["state"], job["error"]["code"]) == ("failed", "disk_full")
    (document,) = workspace.get("/documents")["items"]
    assert (document["state"], document["error"]["code"]) == ("failed", "disk_full")
    assert workspace.found("words") == []
    full_disk()
    retried = workspace.post(f"/documents/{document['id']}/retry", None, 202)
    assert workspace.wait(retried["id"])["state"] == "succeeded"
    assert workspace.found("words") == ["a"]


@pytest.fixture
def full_database(client: TestClient, other_service: Callable[..., TestClient]) -> Iterator[TestClient]:
    """Yield a client of the service whose database file cannot grow any more."""

    def freeze(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")

    database = Database(app_of(client).state.service.settings.sqlalchemy_url)
    event.listen(database.engine, "connect", freeze)
    full = other_service()
    app_of(full).state.service = replace(app_of(full).state.service, database=database)
    yield full
    database.close()


@sqlite_only("a file that cannot grow is SQLite's; what PostgreSQL says of a full disk is told in test_engine.py")
def test_a_database_that_cannot_grow_refuses_what_is_new(workspace: Workspace, full_database: TestClient) -> None:
    before = workspace.state()
    body = {"documents": [{"text": "some words " * 100_000}]}
    problem = expect_problem(full_database.post(workspace.path("/documents"), json=body), 507, "disk_full")
    assert "PLAYGROUND_DATA_FOLDER" in problem["hint"]
    assert workspace.state() == before
    assert full_database.get(workspace.path("")).status_code == 200


def with_model(model: str, **settings: Any) -> JsonObject:
    """Return a setup that searches with a model."""
    embedder = {"kind": "sentence_transformer", "model": model, **settings}
    return {"chunker": {"kind": "recursive"}, "embedder": embedder, "stores": [{"kind": "faiss_flat"}]}


def refused_everywhere(workspace: Workspace, setup: JsonObject, status: int, code: str) -> list[JsonObject]:
    """Return the problems of all requests that name the setup; nothing may change."""
    before = workspace.state()
    preview = {"text": "a", "chunkers": [setup["chunker"]], "embedder": setup["embedder"]}
    responses = [
        workspace.request("POST", "/strategies", json={"name": "s", "strategy": {"retrieval": setup}}),
        workspace.request("POST", "/indexes", json={"setup": setup}),
        workspace.request("POST", "/searches", json={"query": "words", "setup": setup}),
        workspace.request("POST", "/contexts", json={"question": "words", "setup": setup}),
        workspace.client.post("/v1/chunkings/preview", json=preview),
    ]
    problems = [expect_problem(response, status, code) for response in responses]
    assert workspace.state() == before
    return problems


def test_a_model_that_is_not_on_this_machine_is_named(workspace: Workspace, tmp_path: Path) -> None:
    for model in (str(tmp_path / "nosuch"), "no/such-model"):
        for problem in refused_everywhere(workspace, with_model(model), 422, "model_not_on_this_machine"):
            assert repr(model) in problem["detail"]
            assert "PLAYGROUND_MODEL_FOLDER" in problem["hint"]


def test_a_model_folder_that_is_missing_is_no_server_error(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "_settings", models.ModelSettings(model_folder=tmp_path / "nosuch"))
    refused_everywhere(workspace, with_model("some-model"), 422, "model_not_on_this_machine")


def test_a_folder_that_is_no_model_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    refused_everywhere(workspace, with_model(str(tmp_path)), 422, "not_a_model")


def test_a_hub_model_without_a_network_is_told(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> NoReturn:
        raise ConnectionError("no network")

    monkeypatch.setattr(models, "_settings", models.ModelSettings(allow_model_hub=True))
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", unreachable)
    for problem in refused_everywhere(workspace, with_model("no-such/model"), 503, "model_hub_unreachable"):
        assert "network" in problem["hint"]


def test_a_model_with_other_weights_than_expected_fails_its_job(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"not the weights that were meant")
    workspace.send({"text": "some words", "external_id": "a"})
    setup = with_model(str(tmp_path), content_sha256="0" * 64)
    started = workspace.post("/indexes", {"setup": setup}, 202)
    job = workspace.wait(started["job"]["id"])
    assert (job["state"], job["error"]["code"]) == ("failed", "wrong_weights")
    assert "0" * 64 in job["error"]["detail"]
    assert workspace.get(f"/indexes/{started['index']['id']}")["state"] == "empty"
    response = workspace.request("POST", "/searches", json={"query": "words", "setup": setup})
    expect_problem(response, 409, "index_missing")
    assert workspace.found("words") == ["a"]
