"""Health: alive as long as the process answers; ready only with a database that answers and a worker that lives."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.main import create_app
from configs.settings import Settings
from indexes.database.engine import Database, now
from indexes.database.tables import Worker
from tests.app.api.conftest import BASE_URL, app_of
from tests.app.api.playground import expect
from tests.database import ON_POSTGRESQL, database_url, fresh_database


def test_a_running_service_is_live_and_ready(client: TestClient) -> None:
    assert expect(200, client.get("/health/live")) == {"status": "live"}
    assert expect(200, client.get("/health/ready")) == {
        "status": "ready",
        "database": "ok",
        "jobs": "ok",
        "demo": "off",
    }


def over(client: TestClient, database: Database) -> TestClient:
    """Return a client of a service like the running one, over another database."""
    app = create_app(Settings(demo=False))
    app.state.service = replace(app_of(client).state.service, database=database, demo_progress=lambda: "off")
    return TestClient(app, base_url=BASE_URL)


def test_without_a_living_worker_it_is_not_ready(client: TestClient, tmp_path: Path) -> None:
    with fresh_database(tmp_path) as database:
        ready = expect(503, over(client, database).get("/health/ready"))
    assert ready == {
        "status": "not_ready",
        "database": "ok",
        "jobs": "no worker gave a sign of life",
        "demo": "off",
    }


@pytest.mark.parametrize(("seconds", "is_ready"), [(-60, False), (-1, True), (1, True), (3_600, False)])
def test_a_sign_of_life_counts_where_the_clock_is_near_it(
    client: TestClient, tmp_path: Path, seconds: int, is_ready: bool
) -> None:
    with fresh_database(tmp_path) as database:
        with database.write() as session:
            moment = now() + timedelta(seconds=seconds)
            session.add(Worker(id="w", host="elsewhere", process_id=1, heartbeat_at=moment))
        assert over(client, database).get("/health/ready").status_code == (200 if is_ready else 503)


def test_without_a_database_it_is_live_but_not_ready(client: TestClient, tmp_path: Path) -> None:
    nowhere = f"postgresql://nobody@/nothing?host={tmp_path}" if ON_POSTGRESQL else database_url(tmp_path)
    database = Database(nowhere)
    ready = expect(503, over(client, database).get("/health/ready"))
    assert (ready["status"], ready["database"]) == ("not_ready", "the database does not answer")
    assert expect(200, over(client, database).get("/health/live")) == {"status": "live"}
    database.close()
