"""What a statement changes without loading it is in the audit log as if it had been loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from indexes.database.audit import MOST_CHANGES, Action, AuditRow, acting, watch_changes
from indexes.database.engine import Base, Database, now
from indexes.database.tables import Workspace
from tests.database import database_url

COUNT = 3


def _rename_twice(session: Session) -> None:
    session.get_one(Workspace, "w1").name = "first"
    session.execute(update(Workspace).where(Workspace.name == "first").values(name="second"))


WAYS: dict[str, tuple[Callable[[Session], Any], dict[str, tuple[Any, Any]]]] = {
    "deleted": (
        lambda session: session.execute(delete(Workspace).where(Workspace.name != "name 0")),
        {"w1": ({"name": "name 1", "default_strategy": "s", "default_alias": None, "deleted_at": None}, None),
         "w2": ({"name": "name 2", "default_strategy": "s", "default_alias": None, "deleted_at": None}, None)},
    ),
    "changed": (
        lambda session: session.execute(update(Workspace).where(Workspace.name == "name 1").values(name="other")),
        {"w1": ({"name": "name 1"}, {"name": "other"})},
    ),
    "changed by key": (
        lambda session: session.execute(update(Workspace), [{"id": "w0", "name": "a"}, {"id": "w2", "name": "b"}]),
        {"w0": ({"name": "name 0"}, {"name": "a"}), "w2": ({"name": "name 2"}, {"name": "b"})},
    ),
    "every row": (
        lambda session: session.execute(update(Workspace).values(default_strategy="t")),
        {f"w{number}": ({"default_strategy": "s"}, {"default_strategy": "t"}) for number in range(COUNT)},
    ),
    "what is not flushed yet": (
        _rename_twice,
        {"w1": ({"name": "name 1"}, {"name": "second"})},
    ),
    "no row": (lambda session: session.execute(delete(Workspace).where(Workspace.name == "nosuch")), {}),
}  # fmt: skip


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(database_url(tmp_path), (watch_changes,))
    Base.metadata.create_all(made.engine)
    yield made
    made.close()


def fill(database: Database, count: int) -> None:
    with database.write() as session:
        for number in range(count):
            row = Workspace(id=f"w{number}", name=f"name {number}", default_strategy="s", created_at=now())
            session.add(row)


def recorded(database: Database, work: Callable[[Session], Any]) -> list[AuditRow]:
    """Do something in an action's write unit and return what is in the log."""
    with acting(Action(who="tester", operation="test")), database.write() as session:
        work(session)
    with database.read() as session:
        return list(session.scalars(select(AuditRow)))


@pytest.mark.parametrize("way", WAYS)
def test_rows_are_described_before_and_after(database: Database, way: str) -> None:
    work, expected = WAYS[way]
    fill(database, COUNT)
    entries = recorded(database, work)
    found = {change["row"]: (change["before"], change["after"]) for entry in entries for change in entry.changes}
    assert found == {f"workspaces/{key}": values for key, values in expected.items()}
    assert len(entries) == bool(expected)


def test_many_rows_are_all_counted_and_the_first_described(database: Database) -> None:
    fill(database, MOST_CHANGES + 20)
    (entry,) = recorded(database, lambda session: session.execute(delete(Workspace)))
    assert len(entry.changes) == MOST_CHANGES
    assert entry.counts == {"workspaces": {"deleted": MOST_CHANGES + 20}}


def test_without_an_action_nothing_is_written(database: Database) -> None:
    fill(database, COUNT)
    with database.write() as session:
        session.execute(delete(Workspace))
    with database.read() as session:
        assert session.scalars(select(AuditRow)).all() == []
