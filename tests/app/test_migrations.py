"""The schema's history: it makes exactly the tables of the code, and every step can be taken back."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, MetaData, Table, insert, inspect, select, text
from sqlalchemy import types as sqltypes

import app
from app.installation import migrate, schema_revision
from indexes.database.engine import Base, Database
from tests.database import ON_POSTGRESQL, database_url


@pytest.fixture
def url(tmp_path: Path) -> str:
    return database_url(tmp_path)


def configuration(url: str) -> Config:
    made = Config()
    made.set_main_option("script_location", str(Path(app.__file__).parent / "migrations"))
    made.attributes["url"] = url
    return made


def differences(url: str) -> list[Any]:
    database = Database(url)
    with database.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": False}), Base.metadata)
    database.close()
    return list(found)


def test_the_history_makes_the_tables_of_the_code(url: str) -> None:
    migrate(url)
    assert differences(url) == []


def test_migrating_twice_changes_nothing(url: str) -> None:
    migrate(url)
    migrate(url)
    assert differences(url) == []


def test_every_step_can_be_taken_back(url: str) -> None:
    migrate(url)
    command.downgrade(configuration(url), "base")
    database = Database(url)
    assert set(inspect(database.engine).get_table_names()) <= {"alembic_version"}
    database.close()
    migrate(url)
    assert differences(url) == []


def value_of(column: Column[Any], parents: dict[str, dict[str, Any]]) -> Any:
    """Return a value for a column, its parent's where it is a foreign key."""
    for key in column.foreign_keys:
        return parents[key.column.table.name][key.column.name]
    samples: list[tuple[type, Any]] = [
        (sqltypes.JSON, [f"{column.name} é"]),
        (sqltypes.Boolean, True),
        (sqltypes.DateTime, datetime(2026, 1, 2, 3, 4, 5)),
        (sqltypes.Date, date(2026, 1, 2)),
        (sqltypes.Float, 0.5),
        (sqltypes.Integer, 7),
        (sqltypes.LargeBinary, b"\x00\xff"),
        (sqltypes.String, f"{column.name} é"),
    ]
    return next(value for kind, value in samples if isinstance(column.type, kind))


def filled(url: str) -> dict[str, dict[str, Any]]:
    """Put a row into every table and return the rows by table."""
    database = Database(url)
    tables = MetaData()
    tables.reflect(database.engine)
    rows: dict[str, dict[str, Any]] = {}
    with database.engine.begin() as connection:
        for table in tables.sorted_tables:
            if table.name != "alembic_version":
                rows[table.name] = {column.name: value_of(column, rows) for column in table.columns}
                connection.execute(insert(table), rows[table.name])
    database.close()
    return rows


def earlier_revisions() -> list[str]:
    """Return every revision before the present one, oldest first."""
    scripts = ScriptDirectory.from_config(configuration(""))
    return [script.revision for script in scripts.walk_revisions()][:0:-1]


def test_every_migration_is_an_earlier_release_but_the_last() -> None:
    files = (Path(app.__file__).parent / "migrations" / "versions").glob("0*.py")
    assert [*earlier_revisions(), schema_revision()] == sorted(file.name[:4] for file in files)


@pytest.mark.parametrize("revision", earlier_revisions())
def test_a_database_of_an_earlier_release_keeps_every_row(url: str, revision: str) -> None:
    command.upgrade(configuration(url), revision)
    before = filled(url)
    assert "documents" in before
    migrate(url)
    assert differences(url) == []
    database = Database(url)
    with database.engine.connect() as connection:
        if not ON_POSTGRESQL:
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        for name, row in before.items():
            table = Table(name, MetaData(), autoload_with=connection)
            (kept,) = connection.execute(select(table)).mappings().all()
            assert {column: kept[column] for column in row} == row, name
    with database.read() as session:
        for mapper in Base.registry.mappers:
            assert len(session.scalars(select(mapper)).all()) == (mapper.local_table.name in before)  # type: ignore[attr-defined]  # a table's
    database.close()
