"""A database that is locked for long or read-only, and a disk that refuses: clear answers, and no restart."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any, NoReturn

import httpx2
import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from app.api.problems import RETRY_AFTER_SECONDS
from indexes.database.engine import Database
from tests.app.api.conftest import app_of
from tests.app.api.playground import Workspace, expect, expect_problem, lexical
from tests.database import sqlite_only

pytestmark = sqlite_only("files are SQLite's; a PostgreSQL that is gone is met in tests/app/test_database_gone.py")


def expect_passing(response: httpx2.Response, status: int, code: str) -> None:
    """Expect a problem that says when to ask again."""
    expect_problem(response, status, code)
    assert int(response.headers["retry-after"]) == RETRY_AFTER_SECONDS


@contextmanager
def over_database(client: TestClient, other: TestClient, pragma: str) -> Iterator[None]:
    """Let the other service use the database of the first over connections with a setting of their own."""
    database = Database(app_of(client).state.service.settings.sqlalchemy_url)
    event.listen(database.engine, "connect", lambda connection, _: connection.execute(pragma))
    app_of(other).state.service = replace(app_of(other).state.service, database=database)
    yield
    database.close()


WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/documents", {"documents": [{"text": "some words"}]}),
    ("PUT", "/users/ann", {}),
    ("POST", "/strategies", {"name": "s", "strategy": {"retrieval": lexical()}}),
    ("PUT", "/aliases/bot", {}),
    ("DELETE", "", None),
]


@pytest.fixture
def locked(client: TestClient) -> Iterator[sqlite3.Connection]:
    """Yield a connection that holds the database's write lock until it is rolled back."""
    path = app_of(client).state.service.database.url.database
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


def test_writes_to_a_locked_database_are_refused_and_reads_go_on(
    workspace: Workspace, other_service: Any, locked: sqlite3.Connection
) -> None:
    other = other_service()
    with over_database(workspace.client, other, "PRAGMA busy_timeout = 50"):
        for method, tail, body in WRITES:
            expect_passing(other.request(method, workspace.path(tail), json=body), 503, "database_unavailable")
        expect(200, other.get(workspace.path("")))
        locked.execute("ROLLBACK")
        expect(201, other.put(workspace.path("/users/ann"), json={}))


def test_a_read_only_database_refuses_what_is_new_and_shows_what_is_there(
    workspace: Workspace, other_service: Any
) -> None:
    workspace.send({"text": "some words", "external_id": "a"})
    before = workspace.state()
    other = other_service()
    with over_database(workspace.client, other, "PRAGMA query_only = 1"):
        for method, tail, body in WRITES:
            expect_passing(other.request(method, workspace.path(tail), json=body), 507, "read_only_disk")
        expect(200, other.get(workspace.path("/documents")))
    assert workspace.state() == before


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "disk_full"), (errno.EROFS, "read_only_disk"), (errno.EIO, "storage_failed")]
)
def test_a_disk_that_refuses_an_upload_is_told_and_asked_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def refuse(_descriptor: int) -> NoReturn:
        raise OSError(number, os.strerror(number))

    before = workspace.state()
    files = [("files", ("a.txt", b"some words", "text/plain"))]
    with monkeypatch.context() as patched:
        patched.setattr("indexes.durable_files.os.fsync", refuse)
        expect_passing(workspace.request("POST", "/documents/files", files=files), 507, code)
    assert workspace.state() == before
    workspace.upload(("a.txt", b"some words", "text/plain"))
    assert workspace.found("words") == ["a.txt"]
