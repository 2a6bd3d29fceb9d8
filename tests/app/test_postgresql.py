"""The whole service on a real PostgreSQL: what it stores and how, and one round through everything with a restart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.installation import migrate
from indexes.database.engine import Base, Database
from tests.app.test_killed_experiment import findings, prepare, start
from tests.database import database_url
from tests.running_server import Client, running_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

W = "/v1/workspaces/lab"
QUERY = {"query": "retrieval", "k": 20}


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return the URL of an empty database."""
    return database_url(tmp_path, on_postgresql=True)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Yield the database with every table."""
    migrate(url)
    database = Database(url)
    yield database
    database.close()


def test_texts_are_ordered_by_code_point_and_json_stays_as_it_was_written(database: Database) -> None:
    columns = text(
        "SELECT table_name || '.' || column_name, data_type, collation_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name = ANY(:tables)"
    )
    with database.read() as session:
        found = session.execute(columns, {"tables": list(Base.metadata.tables)}).all()
    texts = {name: collation for name, kind, collation in found if kind in ("text", "character varying")}
    assert {name for name, collation in texts.items() if collation != "C"} == set()
    assert {"workspaces.id", "documents.external_id", "versions.text"} <= texts.keys()
    kinds = {kind for _, kind, _ in found}
    assert ("json" in kinds, "jsonb" in kinds) == (True, False)
    assert {kind for name, kind, _ in found if name.endswith(".size_bytes")} == {"bigint"}


def shown(client: Client, context_id: str) -> list[Any]:
    """Return what a search finds, what a context was, and what is listed."""
    passages = client.expect("POST", f"{W}/searches", QUERY)["passages"]
    return [
        [(one["external_id"], one["text"]) for one in passages],
        sorted(one["external_id"] for one in client.expect("GET", f"{W}/documents?limit=200")["items"]),
        client.expect("GET", f"{W}/contexts/{context_id}?user_id=ann")["text"],
    ]


def test_a_service_on_postgresql_does_everything_and_goes_on_after_a_kill(
    tmp_path: Path, url: str, database: Database
) -> None:
    with running_server(tmp_path, database_url=url) as server:
        client = server.client()
        prepare(client)
        client.expect("PUT", f"{W}/users/ann", {})
        client.expect("PUT", f"{W}/users/ann/facts/city", {"value": "Ouagadougou"})
        started = start(client)
        findings(client, started)
        erasure = client.expect("POST", f"{W}/erasures", {"external_id": "doc-3"})
        client.wait_for(erasure["job"]["id"])
        found = client.expect("GET", f"{W}/experiments/{started['experiment']['id']}")["findings"]
        context = client.expect("POST", f"{W}/contexts", {"question": "What is retrieval?", "user_id": "ann"})
        before = shown(client, context["id"])
        found_texts, listed, replayed = before
        assert found_texts
        assert "doc-3" not in {name for name, _ in found_texts} | set(listed)
        assert replayed == context["text"]
        assert "Ouagadougou" in replayed
        server.kill()
    with running_server(tmp_path, database_url=url) as server:
        client = server.client()
        assert shown(client, context["id"]) == before
        assert client.expect("GET", f"{W}/experiments/{started['experiment']['id']}")["findings"] == found
    with database.read() as session:
        where = session.execute(text("SELECT schemaname FROM pg_tables WHERE tablename = 'workflow_status'")).scalars()
        assert list(where) == ["dbos"]
    assert not list(tmp_path.glob("*.sqlite*"))
