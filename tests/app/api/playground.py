"""A workspace of a service that runs in this process, and short ways to talk to it."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.api.description import MEDIA_TYPE
from app.api.problems import LONGEST_INPUT_SHOWN
from configs.part import JsonObject
from ingest.embedders import Vectors
from ingest.embedders.hashing import Hashing

JOB_SECONDS = 60.0
POLL_SECONDS = 0.01
FINAL = ("succeeded", "failed", "cancelled")


class Workspace:
    """One workspace; paths given to its methods continue `/v1/workspaces/{id}`."""

    def __init__(self, client: TestClient, preset: str = "model_free") -> None:
        self.client = client
        created = client.post("/v1/workspaces", json={"name": "Test", "preset": preset})
        assert created.status_code == 201, created.text
        self.id: str = created.json()["id"]
        self._seen: tuple[int, str] | None = None

    def path(self, tail: str) -> str:
        """Return the whole path."""
        return f"/v1/workspaces/{self.id}{tail}"

    def request(self, method: str, tail: str = "", **content: Any) -> httpx2.Response:
        """Send one request."""
        return self.client.request(method, self.path(tail), **content)

    def get(self, tail: str = "", **parameters: Any) -> Any:
        """Return the JSON of a GET that must answer 200."""
        return expect(200, self.request("GET", tail, params=parameters))

    def post(self, tail: str, body: Any, status: int = 200) -> Any:
        """Return the JSON of a POST that must answer `status`."""
        return expect(status, self.request("POST", tail, json=body))

    def send(self, *documents: JsonObject, job_state: str = "succeeded") -> list[JsonObject]:
        """Send documents, wait for their job, and return what became of each."""
        accepted = self.post("/documents", {"documents": list(documents)}, 202)
        assert self.wait(accepted["job"]["id"])["state"] == job_state
        return list(accepted["documents"])

    def upload(self, *files: tuple[str, bytes, str], status: int = 202, **fields: str) -> Any:
        """Upload files of (name, bytes, media type), wait for their job where there is one, and return the answer."""
        parts = [("files", file) for file in files]
        accepted = expect(status, self.request("POST", "/documents/files", files=parts, data=fields))
        if accepted["job"] is not None:
            self.wait(accepted["job"]["id"])
        return accepted

    def wait(self, job_id: str) -> JsonObject:
        """Return the job once it has ended; the service is asked for it once it has in the database."""
        file = self._file()
        wait_for(lambda: (file is None or file.has_ended(job_id)) and self.job(job_id)["state"] in FINAL)
        return self.job(job_id)

    def job(self, job_id: str) -> JsonObject:
        """Return the job as it is now."""
        job: JsonObject = expect(200, self.client.get(f"/v1/jobs/{job_id}"))
        return job

    def jobs(self) -> list[JsonObject]:
        """Return the workspace's jobs."""
        return list(expect(200, self.client.get("/v1/jobs", params={"workspace_id": self.id}))["items"])

    def build(self, **body: Any) -> JsonObject:
        """Build an index and return it as it is then."""
        started = self.post("/indexes", body, 202)
        assert self.wait(started["job"]["id"])["state"] == "succeeded"
        index: JsonObject = self.get(f"/indexes/{started['index']['id']}")
        return index

    def found(self, query: str, **body: Any) -> list[str]:
        """Return the external ids of what a search finds, best first."""
        answer = self.post("/searches", {"query": query, **body})
        return [passage["external_id"] for passage in answer["passages"]]

    def state(self) -> str:
        """Return everything the workspace shows of itself, to compare it before and after.

        It is asked for anew where anything was committed since the last time; it all comes from the database.
        """
        file = self._file()
        commits = 0 if file is None else file.commits()
        if self._seen is None or not commits or self._seen[0] != commits:
            seen = [
                self.get(tail) for tail in ("", "/documents", "/strategies", "/indexes", "/question-sets", "/aliases")
            ]
            self._seen = (commits, json.dumps([*seen, self.jobs()], sort_keys=True))
        return self._seen[1]

    def _file(self) -> DatabaseFile | None:
        """Return the file of the service's database, where it has one and the client tells."""
        return getattr(cast("FastAPI", self.client.app).state, "database_file", None)


class DatabaseFile:
    """The SQLite file of a running service, read beside it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def commits(self) -> int:
        """Return a number that changes with every commit."""
        (number,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(number)

    def has_ended(self, job_id: str) -> bool:
        """Tell whether nothing more comes of the job, as of one that is not there."""
        row = self._connection.execute("SELECT state FROM jobs WHERE id = ?", (job_id,)).fetchone()
        return row is None or row[0] in FINAL


def wait_for(is_so: Callable[[], bool]) -> None:
    """Return once `is_so` says yes."""
    deadline = time.monotonic() + JOB_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not become so"
        time.sleep(POLL_SECONDS)


def expect(status: int, response: httpx2.Response) -> Any:
    """Return the JSON of a response that must have `status`."""
    assert response.status_code == status, f"{response.request.method} {response.request.url}: {response.text[:2000]}"
    return response.json() if response.content else None


def expect_problem(response: httpx2.Response, status: int, code: str) -> JsonObject:
    """Return the problem document of a response, after checking what every problem promises."""
    assert response.status_code == status, f"{response.status_code} instead of {status}: {response.text[:2000]}"
    assert response.headers["content-type"] == MEDIA_TYPE
    assert response.content.isascii()
    problem: JsonObject = response.json()
    assert (problem["status"], problem["code"]) == (status, code), problem
    assert problem["detail"]
    assert problem["hint"]
    assert "Traceback" not in response.text
    assert 'File "' not in response.text
    assert all(len(str(error.get("input", ""))) <= LONGEST_INPUT_SHOWN for error in problem.get("errors", []))
    return problem


def lexical(size_tokens: int = 64, **settings: Any) -> JsonObject:
    """Return a setup that is no preset's: BM25 over fixed chunks."""
    return {"chunker": {"kind": "fixed", "size_tokens": size_tokens}, "stores": [{"kind": "bm25"}], **settings}


class Gate:
    """Holds jobs that embed a text with its word, until it is opened; no earlier test left vectors of such texts."""

    def __init__(self, patched: pytest.MonkeyPatch) -> None:
        self.word = f"held{secrets.token_hex(6)}"
        self._open = threading.Event()
        self._reached = threading.Semaphore(0)
        encode = Hashing.encode

        def gated(embedder: Hashing, texts: Sequence[str]) -> Vectors:
            if any(self.word in text for text in texts):
                self.pass_through()
            return encode(embedder, texts)

        patched.setattr(Hashing, "encode", gated)

    def pass_through(self) -> None:
        """Come to the gate, and wait there while it is shut."""
        self._reached.release()
        assert self._open.wait(JOB_SECONDS)

    def wait_until_reached(self, times: int = 1) -> None:
        """Return once so many jobs stand at the gate."""
        for _ in range(times):
            assert self._reached.acquire(timeout=JOB_SECONDS), "no job came to the gate"

    def open(self) -> None:
        """Let everything pass from now on."""
        self._open.set()
