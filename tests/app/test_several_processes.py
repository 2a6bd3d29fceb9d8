"""Real processes on one database: what one writes the others see, and what one leaves the others take up."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from configs.part import JsonObject
from indexes.database.engine import Database
from indexes.database.tables import ChunkRow, Job, Served, Worker
from tests.database import database_url
from tests.running_server import Client, RunningServer, running_server, running_worker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

W = "/v1/workspaces/team"
TAKEN_UP_SECONDS = 30.0
STOPPED_SECONDS = 10.0
LEXICAL = {"chunker": {"kind": "fixed", "size_tokens": 16}, "stores": [{"kind": "bm25"}]}
TREES = {"birch": "The birch has white bark.", "oak": "The oak carries acorns and has brown bark."}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database, on SQLite and on PostgreSQL."""
    return database_url(tmp_path, on_postgresql=request.param == "postgresql")


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Yield the database itself, to look behind the service."""
    database = Database(url)
    yield database
    database.close()


def answers(client: Client) -> list[Any]:
    """Return what one process answers to questions of every kind."""
    listed = client.expect("GET", f"{W}/documents")["items"]
    found = [
        client.expect("POST", f"{W}/searches", {"query": "white brown bark", "strategy": strategy, **who})["passages"]
        for strategy in (None, "mine")
        for who in ({}, {"principals": ["group:foresters"]})
    ]
    context = client.expect("POST", f"{W}/contexts", {"question": "Which bark is white?", "user_id": "ann"})
    return [
        [(one["external_id"], one["title"], one["access"], one["version"]) for one in listed],
        [[(one["external_id"], one["text"], one["title"]) for one in passages] for passages in found],
        client.expect("GET", f"{W}/strategies"),
        client.expect("GET", f"{W}/groups"),
        {**client.expect("GET", f"{W}/users/ann"), "as_of": ""},
        [client.expect("GET", W)[key] for key in ("default_strategy", "default_alias")],
        (context["strategy"], re.sub(r"-[0-9a-f]{8}\b", "", context["text"])),  # each context has tags of its own,
    ]


def send(client: Client, **texts: str) -> None:
    documents = [{"external_id": name, "text": text} for name, text in texts.items()]
    client.wait_for(client.expect("POST", f"{W}/documents", {"documents": documents})["job"]["id"])


def save_strategy(client: Client, name: str, k1: float) -> None:
    setup = {**LEXICAL, "stores": [{"kind": "bm25", "k1": k1}]}
    client.expect("POST", f"{W}/strategies", {"name": name, "strategy": {"retrieval": setup}})


def promote(client: Client, strategy: str) -> None:
    client.expect("PUT", f"{W}/aliases/bot", {})
    client.expect("PUT", f"{W}/aliases/bot/candidate", {"strategy": strategy})
    client.expect("POST", f"{W}/aliases/bot/promotions", {"override_reason": "for the test"})


def answer_by_alias(client: Client) -> None:
    promote(client, "default")
    client.expect("PATCH", W, {"default_alias": "bot"})


def prepare(client: Client) -> dict[str, str]:
    """Make a workspace with documents, two strategies and a user; return the documents' ids."""
    client.expect("POST", "/v1/workspaces", {"id": "team", "name": "Team", "preset": "model_free"})
    save_strategy(client, "mine", 1.2)
    built = client.expect("POST", f"{W}/indexes", {"strategy": "mine", "maintained": True})
    client.wait_for(built["job"]["id"])
    send(client, **TREES)
    client.expect("PUT", f"{W}/users/ann", {})
    return {one["external_id"]: one["id"] for one in client.expect("GET", f"{W}/documents")["items"]}


def writes(ids: dict[str, str]) -> dict[str, Callable[[Client], Any]]:
    """Return one write of each kind, each of which changes some answer."""
    oak, birch = f"{W}/documents/{ids['oak']}", f"{W}/documents/{ids['birch']}"
    personalisation = {"workspace_instructions": "Answer in rhymes.", "unknown_users": "refuse"}
    return {
        "a document": lambda client: send(client, alder="The alder has brown bark too."),
        "a new version": lambda client: send(client, oak="The oak has white and brown bark now."),
        "a title": lambda client: client.expect("PATCH", oak, {"title": "Quercus"}),
        "an access list": lambda client: client.expect("PATCH", oak, {"access": ["group:foresters"]}),
        "another access list": lambda client: client.expect("PATCH", oak, {"access": ["group:nobody"]}),
        "no access list": lambda client: client.expect("PATCH", oak, {"access": None}),
        "a deletion": lambda client: client.expect("DELETE", birch),
        "a strategy": lambda client: save_strategy(client, "other", 0.9),
        "a default strategy": lambda client: client.expect("PATCH", W, {"default_strategy": "mine"}),
        "a default alias": answer_by_alias,
        "a promotion": lambda client: promote(client, "mine"),
        "a rollback": lambda client: client.expect("POST", f"{W}/aliases/bot/rollbacks", {}),
        "no default alias": lambda client: client.expect("PATCH", W, {"default_alias": None}),
        "a group": lambda client: client.expect("POST", f"{W}/groups", {"name": "foresters"}),
        "user facts": lambda client: client.expect("PUT", f"{W}/users/ann/facts/city", {"value": "Berlin"}),
        "other user facts": lambda client: client.expect("PUT", f"{W}/users/ann/facts/city", {"value": "Paris"}),
        "a memory": lambda client: client.expect("POST", f"{W}/users/ann/memories", {"text": "Likes white bark."}),
        "preferences": lambda client: client.expect("PATCH", f"{W}/users/ann", {"preferences": {"language": "Latin"}}),
        "groups of a user": lambda client: client.expect("PATCH", f"{W}/users/ann", {"groups": ["foresters"]}),
        "a document of the group": lambda client: client.expect("PATCH", oak, {"access": ["group:foresters"]}),
        "no groups": lambda client: client.expect("PATCH", f"{W}/users/ann", {"groups": []}),
        "personalisation": lambda client: client.expect("PUT", f"{W}/personalisation", personalisation),
        "facts removed": lambda client: client.expect("DELETE", f"{W}/users/ann/facts/city"),
        "an opt-out": lambda client: client.expect("PATCH", f"{W}/users/ann", {"opted_out": True}),
        "a strategy removed": lambda client: client.expect("DELETE", f"{W}/strategies/other"),
    }


def test_what_one_process_writes_the_next_request_to_another_sees(tmp_path: Path, url: str) -> None:
    with (  # each with a seed of hashes of its own
        running_server(tmp_path, database_url=url) as first,
        running_server(tmp_path, database_url=url, is_warm=False) as second,
    ):
        writer, reader = first.client(), second.client()
        ids = prepare(writer)
        for name, write in writes(ids).items():
            before = answers(reader)
            write(writer)
            seen = answers(reader)
            assert seen != before, f"{name} changes no answer"
            assert seen == answers(writer), f"{name} is not seen"
            writer, reader = reader, writer


def notes(count: int, first: int = 0) -> list[JsonObject]:
    return [
        {"external_id": f"note-{number}", "text": f"Note {number} says this. " + "More is said of it. " * 200}
        for number in range(first, first + count)
    ]


def test_a_killed_worker_leaves_its_jobs_to_another(tmp_path: Path, url: str, database: Database) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(running_workerless(tmp_path, url))
        client = server.client()
        status, ready = client.request("GET", "/health/ready")
        assert (status, ready["jobs"]) == (503, "no worker gave a sign of life")
        client.expect("POST", "/v1/workspaces", {"id": "team", "name": "Team", "preset": "model_free"})
        jobs = [
            client.expect("POST", f"{W}/documents", {"documents": notes(150, first)})["job"]["id"]
            for first in range(0, 600, 150)
        ]
        workers = [stack.enter_context(running_worker(tmp_path, database_url=url)) for _ in range(2)]
        holders = held_by(database, jobs, {worker.pid for worker in workers})
        doomed = next(worker for worker in workers if worker.pid in holders)
        doomed.send_signal(signal.SIGKILL)
        doomed.wait()
        killed_at = time.monotonic()
        held = holders[doomed.pid]
        while any(lease_of(database, job_id) == lease for job_id, lease in held.items()):
            assert time.monotonic() - killed_at < TAKEN_UP_SECONDS, "nobody took the jobs up"
            time.sleep(0.1)
        for job_id in jobs:
            client.wait_for(job_id)
        assert client.request("GET", "/health/ready")[0] == 200
    assert_nothing_is_doubled(database, 600)


@contextmanager
def running_workerless(folder: Path, url: str) -> Iterator[RunningServer]:
    """Yield a server that runs no jobs; it lives, and is not ready."""
    server = RunningServer(folder, database_url=url, worker="false")
    try:
        server.wait_until_alive()
        yield server
    finally:
        server.stop()


def held_by(database: Database, jobs: list[str], process_ids: set[int]) -> dict[int, dict[str, int]]:
    """Wait until some job runs; return for each process the jobs it holds, with their leases."""
    columns = select(Worker.process_id, Job.id, Job.lease).join(Job, Job.worker_id == Worker.id)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with database.read() as session:
            rows = session.execute(columns.where(Job.id.in_(jobs), Job.state == "running", Job.done > 0)).all()
        held: dict[int, dict[str, int]] = {}
        for process_id, job_id, lease in rows:
            held.setdefault(process_id, {})[job_id] = lease
        if held.keys() & process_ids:
            return held
        time.sleep(0.02)
    raise AssertionError("no job began")


def lease_of(database: Database, job_id: str) -> int:
    with database.read() as session:
        return session.get_one(Job, job_id).lease


def assert_nothing_is_doubled(database: Database, documents: int) -> None:
    """Every document is served once, with each of its chunks once."""
    with database.read() as session:
        served = session.execute(select(Served.document_id, Served.version_id, Served.row_count)).all()
        chunks = dict(session.execute(select(ChunkRow.version_id, func.count()).group_by(ChunkRow.version_id)).all())
    assert len(served) == len({row.document_id for row in served}) == documents
    assert all(row.row_count == chunks[row.version_id] > 0 for row in served)


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_process_stops_in_time_and_loses_nothing(tmp_path: Path, url: str, database: Database, command: str) -> None:
    with running_workerless(tmp_path, url) as server:
        client = server.client()
        client.expect("POST", "/v1/workspaces", {"id": "team", "name": "Team", "preset": "model_free"})
        job_id = client.expect("POST", f"{W}/documents", {"documents": notes(400)})["job"]["id"]
        with ExitStack() as stack:
            if command == "serve":
                process = stack.enter_context(running_server(tmp_path, database_url=url)).process
            else:
                process = stack.enter_context(running_worker(tmp_path, database_url=url))
            held_by(database, [job_id], {process.pid})
            asked_at = time.monotonic()
            process.terminate()
            process.wait(30)
            assert time.monotonic() - asked_at < STOPPED_SECONDS
        with database.read() as session:
            assert session.get_one(Job, job_id).state in ("queued", "succeeded")
            assert session.scalar(select(func.count()).select_from(Worker)) == 0
        with running_worker(tmp_path, database_url=url):
            client.wait_for(job_id)
    assert_nothing_is_doubled(database, 400)
