"""A database that accepts connections and then says nothing: requests end in bounded time, and readiness answers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from app.api.routers import health
from app.main import create_app
from configs.errors import DatabaseUnavailableError
from configs.settings import Settings
from indexes.database import engine
from indexes.database.engine import CONNECT_SECONDS, Database
from tests.app.api.conftest import BASE_URL, app_of
from tests.app.api.playground import expect

SLACK_SECONDS = 6.0
REQUESTS = 6


@pytest.fixture
def silent_url() -> Iterator[str]:
    """Yield the URL of a socket that takes every connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        yield f"postgresql://team:secret@127.0.0.1:{listener.getsockname()[1]}/playground"


def over(client: TestClient, database: Database, threads: int) -> TestClient:
    """Return a client of a service like the running one, over another database and with so many request threads."""
    app = create_app(Settings(demo=False))
    pool = ThreadPoolExecutor(threads)
    changed = {"database": database, "pool": pool, "demo_progress": lambda: "off"}
    app.state.service = replace(app_of(client).state.service, **changed, readiness_pool=ThreadPoolExecutor(1))
    return TestClient(app, base_url=BASE_URL)


@pytest.mark.parametrize(("query", "seconds"), [("", CONNECT_SECONDS), ("?connect_timeout=2", 2)])
def test_a_unit_of_work_is_given_up_in_time(silent_url: str, query: str, seconds: int) -> None:
    database = Database(silent_url + query)
    begin = time.monotonic()
    with pytest.raises(DatabaseUnavailableError) as raised, database.read():
        pass
    assert seconds - 0.5 < time.monotonic() - begin < seconds + SLACK_SECONDS
    assert "secret" not in f"{raised.value.detail} {raised.value.hint}"


def test_a_connection_that_falls_silent_is_given_up_by_the_network() -> None:
    given: dict[str, object] = {}
    database = Database("postgresql://team@127.0.0.1/playground?keepalives_idle=99")

    def refuse(*_: object, **options: object) -> None:
        given.update(options)
        raise DatabaseUnavailableError("not now", hint="later")

    database.engine.dialect.connect = refuse  # type: ignore[method-assign, assignment]  # to see what a driver is given
    with pytest.raises(DatabaseUnavailableError, match="not now"), database.read():
        pass
    assert {"keepalives": 1, "keepalives_idle": "99", "tcp_user_timeout": 15_000}.items() <= given.items()


def test_a_pool_that_stays_empty_is_told_as_an_unavailable_database(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "POOL_SECONDS", 0.2)
    small = Database(database.url.render_as_string(hide_password=False))
    taken = [small.engine.connect() for _ in range(48)]
    with pytest.raises(DatabaseUnavailableError, match=r"became free within 0\.2 seconds"), small.read():
        pass
    for connection in taken:
        connection.close()
    with small.read():
        pass
    small.close()


def test_requests_end_with_503_and_readiness_answers_meanwhile(client: TestClient, silent_url: str) -> None:
    silent = over(client, Database(silent_url + "?connect_timeout=2"), REQUESTS)
    begin = time.monotonic()
    with ThreadPoolExecutor(REQUESTS + 1) as pool:
        requests = [pool.submit(silent.get, "/v1/workspaces") for _ in range(REQUESTS)]
        ready = pool.submit(silent.get, "/health/ready").result()
        ready_seconds = time.monotonic() - begin
        problems = [expect(503, request.result()) for request in requests]
    assert {problem["code"] for problem in problems} == {"database_unavailable"}
    assert expect(503, ready)["database"] == "the database does not answer"
    assert ready_seconds < health.CHECK_SECONDS + SLACK_SECONDS
    assert time.monotonic() - begin < 2 + 2 * SLACK_SECONDS


def test_readiness_waits_neither_for_the_request_threads_nor_for_a_check_that_hangs(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    service = app_of(client).state.service
    busy = over(client, service.database, 1)
    app_of(busy).state.service.pool.submit(release.wait)
    try:
        assert expect(200, busy.get("/health/ready"))["status"] == "ready"
        monkeypatch.setattr(health, "CHECK_SECONDS", 0.5)
        monkeypatch.setattr(health, "_object_store", lambda _: release.wait() and "ok")
        late = "no answer within 0.5 seconds"
        first, second = (expect(503, busy.get("/health/ready")) for _ in range(2))
    finally:
        release.set()
    assert (first["data_folder"], first["object_store"], first["database"]) == ("ok", late, late)
    assert (second["status"], second["data_folder"], second["demo"]) == ("not_ready", late, "unknown")
    assert len(second["advice"]) == len(health.ADVICE)
    monkeypatch.undo()
    assert expect(200, busy.get("/health/ready"))["status"] == "ready"
