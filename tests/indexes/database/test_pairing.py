"""A location finds the database of the data folder that it lies in, and of no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from configs.errors import UnavailableError
from indexes.database.engine import Database
from indexes.database.pairing import database_of, pair, part


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Database, Database]]:
    earlier, later = (Database(f"sqlite:///{tmp_path / name}.sqlite") for name in "ab")
    yield earlier, later
    for database in (earlier, later):
        database.close()


def test_each_folder_has_its_own(tmp_path: Path, two: tuple[Database, Database]) -> None:
    for name, database in zip("ab", two, strict=True):
        pair(tmp_path / name, database)
    assert [database_of(tmp_path / name / "segments" / "i" / "s" / "store") for name in "ab"] == list(two)
    for name, database in zip("ab", two, strict=True):
        part(tmp_path / name, database)
    with pytest.raises(UnavailableError, match="no database is open for segment 's'"):
        database_of(tmp_path / "a" / "segments" / "i" / "s" / "store")


def test_who_came_later_keeps_the_folder(tmp_path: Path, two: tuple[Database, Database]) -> None:
    earlier, later = two
    pair(tmp_path, earlier)
    pair(tmp_path, later)
    part(tmp_path, earlier)
    assert database_of(tmp_path / "segment" / "store") is later
    part(tmp_path, later)
    part(tmp_path, later)
