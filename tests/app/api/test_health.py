"""Health: alive as long as the process answers; ready only with a database that answers and a worker that lives."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from app.main import create_app
from configs.errors import UnavailableError
from configs.settings import Settings
from indexes.database.engine import Database, now
from indexes.database.tables import IndexRow, Worker, Workspace
from tests.app.api.conftest import BASE_URL, app_of
from tests.app.api.playground import expect
from tests.database import ON_POSTGRESQL, database_url, fresh_database


def test_a_running_service_is_live_and_ready(client: TestClient) -> None:
    assert expect(200, client.get("/health/live")) == {"status": "live"}
    assert expect(200, client.get("/health/ready")) == {
        "status": "ready",
        "database": "ok",
        "schema_revision": "ok",
        "data_folder": "ok",
        "object_store": "ok",
        "model": "ok",
        "jobs": "ok",
        "demo": "off",
        "advice": [],
    }


def over(client: TestClient, database: Database) -> TestClient:
    """Return a client of a service like the running one, over another database."""
    app = create_app(Settings(demo=False))
    app.state.service = replace(app_of(client).state.service, database=database, demo_progress=lambda: "off")
    return TestClient(app, base_url=BASE_URL)


def test_without_a_living_worker_it_is_not_ready(client: TestClient, tmp_path: Path) -> None:
    with fresh_database(tmp_path) as database:
        revise(database, app_of(client).state.service.schema_revision)
        ready = expect(503, over(client, database).get("/health/ready"))
    assert faults(ready) == {"jobs": "no worker gave a sign of life"}


def test_a_schema_of_another_release_is_named(client: TestClient, tmp_path: Path) -> None:
    with fresh_database(tmp_path) as database:
        revise(database, "9999")
        ready = expect(503, over(client, database).get("/health/ready"))
    expected = app_of(client).state.service.schema_revision
    assert faults(ready)["schema_revision"] == f"it is 9999, this release's is {expected}"


def test_a_model_that_is_gone_is_named(client: TestClient, tmp_path: Path) -> None:
    with fresh_database(tmp_path) as database:
        revise(database, app_of(client).state.service.schema_revision)
        with database.write() as session:
            session.add(Workspace(id="w", name="w"))
            session.flush()
            for number, model in enumerate(("all-MiniLM-L6-v2", "at an endpoint", "gone/model", None)):
                recipe = {"embedder": model and {"kind": "sentence_transformer", "model": model}}
                if model == "at an endpoint":  # no file of this machine
                    recipe["embedder"] = {"kind": "openai_compatible", "model": model}
                name = f"f{number}"
                session.add(
                    IndexRow(id=f"i{number}", workspace_id="w", fingerprint=name, recipe=recipe, maintained=True)
                )
        ready = expect(503, over(client, database).get("/health/ready"))
        with database.write() as session:
            session.get_one(Workspace, "w").deleted_at = now()
        without = expect(503, over(client, database).get("/health/ready"))
    assert faults(ready)["model"] == "the model 'gone/model' is not on this machine"
    assert "model" not in faults(without)


def test_a_data_folder_that_is_gone_is_named(client: TestClient, tmp_path: Path) -> None:
    service = app_of(client).state.service
    moved = over(client, service.database)
    settings = service.settings.model_copy(update={"data_folder": tmp_path / "gone"})
    app_of(moved).state.service = replace(service, settings=settings)
    ready = expect(503, moved.get("/health/ready"))
    assert faults(ready) == {"data_folder": "it cannot be written (No such file or directory)"}


def faults(ready: dict[str, Any]) -> dict[str, str]:
    """Return the checks that are not ok; each has its advice, and the status says so."""
    checks = {name: state for name, state in ready.items() if name not in ("status", "demo", "advice")}
    found = {name: state for name, state in checks.items() if state != "ok"}
    assert ready["status"] == "not_ready"
    assert {line.partition(":")[0] for line in ready["advice"]} == {k for k, v in found.items() if v != "unknown"}
    return found


def revise(database: Database, revision: str) -> None:
    """Say that the schema is of this revision; the tables of a test's database are made without migrations."""
    with database.write() as session:
        session.execute(text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32))"))
        session.execute(text("DELETE FROM alembic_version"))
        session.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})


@pytest.mark.parametrize(("seconds", "is_ready"), [(-60, False), (-1, True), (1, True), (3_600, False)])
def test_a_sign_of_life_counts_where_the_clock_is_near_it(
    client: TestClient, tmp_path: Path, seconds: int, is_ready: bool
) -> None:
    with fresh_database(tmp_path) as database:
        with database.write() as session:
            moment = now() + timedelta(seconds=seconds)
            session.add(Worker(id="w", host="elsewhere", process_id=1, heartbeat_at=moment))
        revise(database, app_of(client).state.service.schema_revision)
        assert over(client, database).get("/health/ready").status_code == (200 if is_ready else 503)


def test_without_a_database_it_is_live_but_not_ready(client: TestClient, tmp_path: Path) -> None:
    nowhere = f"postgresql://nobody@/nothing?host={tmp_path}" if ON_POSTGRESQL else database_url(tmp_path)
    database = Database(nowhere)
    ready = expect(503, over(client, database).get("/health/ready"))
    assert (ready["status"], ready["database"]) == ("not_ready", "the database does not answer")
    assert expect(200, over(client, database).get("/health/live")) == {"status": "live"}
    database.close()


def test_a_bucket_that_does_not_answer_is_named(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        """A bucket nobody reaches."""

        def check(self) -> None:
            raise UnavailableError("it is silent", hint="wait", code="object_store_unavailable")

    monkeypatch.setattr("app.api.routers.health.shared_files", lambda _: Silent())
    ready = expect(503, client.get("/health/ready"))
    assert faults(ready) == {"object_store": "it is silent"}
    assert "PLAYGROUND_OBJECT_STORE" in ready["advice"][0]
