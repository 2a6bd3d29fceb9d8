"""The schema's history: it makes exactly the tables of the code, and every step can be taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

import app
from app.installation import migrate
from indexes.database.engine import Base, Database
from tests.database import database_url


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
