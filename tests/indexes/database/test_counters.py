"""Counters add up what is committed, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexes.database.counters import STAGES, VECTORS, Counted, count, load_counters
from indexes.database.engine import Database
from tests.database import fresh_database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with fresh_database(tmp_path) as database:
        yield database


def counted(database: Database) -> dict[tuple[str, str, str], float]:
    """Return every sum by its key."""
    with database.read() as session:
        return {(one.workspace_id, one.name, one.label): one.value for one in load_counters(session)}


def test_amounts_of_one_key_add_up_and_keys_stay_apart(database: Database) -> None:
    with database.write() as session:
        count(session, "w", VECTORS, "cached", 3)
        count(session, "w", VECTORS, "cached", 4)
        count(session, "w", VECTORS, "encoded", 0.5)
        count(session, "v", VECTORS, "cached", 1)
        count(session, None, STAGES, "backup/copying", 1)
    assert counted(database) == {
        ("", STAGES, "backup/copying"): 1,
        ("v", VECTORS, "cached"): 1,
        ("w", VECTORS, "cached"): 7,
        ("w", VECTORS, "encoded"): 0.5,
    }


def test_they_come_sorted(database: Database) -> None:
    with database.write() as session:
        for workspace in ("b", "a"):
            count(session, workspace, VECTORS, "cached", 1)
    with database.read() as session:
        assert load_counters(session) == tuple(
            Counted(workspace_id=one, name=VECTORS, label="cached", value=1) for one in ("a", "b")
        )


def test_what_is_rolled_back_is_not_counted(database: Database) -> None:
    def fail() -> None:
        with database.write() as session:
            count(session, "w", VECTORS, "cached", 3)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert counted(database) == {}


def test_many_at_once_lose_nothing(database: Database) -> None:
    def add() -> None:
        for _ in range(20):
            with database.write() as session:
                count(session, "w", VECTORS, "cached", 1)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(database) == {("w", VECTORS, "cached"): 80}
