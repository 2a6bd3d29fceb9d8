"""Commands that only read leave the schema as they find it, and say what brings it up to date."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from app.command_line import main
from app.installation import migrate, schema_revision
from indexes.database.engine import Database
from tests.app.test_migrations import configuration
from tests.database import database_url

READING = {
    "gate": ["gate", "--workspace", "w", "--alias", "a", "--experiment", "e"],
    "keys list": ["keys", "list"],
    "export": ["export", "w", "exported.zip"],
}
STATUS = {"gate": 2, "keys list": 1, "export": 1}


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = database_url(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLAYGROUND_DATA_FOLDER", str(tmp_path / "data"))
    monkeypatch.setenv("PLAYGROUND_DATABASE_URL", url)
    return url


def revision(url: str) -> str | None:
    database = Database(url)
    with database.read() as session:
        found = MigrationContext.configure(session.connection()).get_current_revision()
    database.close()
    return found


@pytest.mark.parametrize("name", READING)
def test_an_older_schema_stays_and_the_hint_names_the_way(
    url: str, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    migrate(url)
    command.downgrade(configuration(url), "0012")
    assert main(READING[name]) == STATUS[name]
    said, hint = capsys.readouterr().err.splitlines()
    assert said.startswith("schema_not_current: the database's schema is 0012, ")
    assert schema_revision() in said
    assert "start the service" in hint
    assert revision(url) == "0012"


@pytest.mark.parametrize("name", READING)
def test_a_newer_schema_asks_for_the_newer_release(url: str, capsys: pytest.CaptureFixture[str], name: str) -> None:
    migrate(url)
    database = Database(url)
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    assert main(READING[name]) == STATUS[name]
    assert "a newer release wrote the database" in capsys.readouterr().err
    assert revision(url) == "9999"


@pytest.mark.parametrize("name", READING)
def test_where_nothing_is_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLAYGROUND_DATA_FOLDER", str(tmp_path / "data"))
    monkeypatch.delenv("PLAYGROUND_DATABASE_URL", raising=False)
    assert main(READING[name]) == STATUS[name]
    assert capsys.readouterr().err.startswith("schema_not_current: the database's schema is not there yet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", READING)
def test_the_present_schema_is_read(url: str, capsys: pytest.CaptureFixture[str], name: str) -> None:
    migrate(url)
    assert main(READING[name]) == (0 if name == "keys list" else STATUS[name])
    assert "schema" not in capsys.readouterr().err
    assert not Path("data").exists(), "not even a data folder is made"
