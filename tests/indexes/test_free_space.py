"""Scrubbing: nothing that was deleted stands in the file or its WAL, readers go on, and who blocks it is told."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from configs.errors import UnavailableError
from indexes import free_space
from indexes.free_space import scrub

CANARY = b"CANARYzanzibar"


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=OFF")
    return connection


def fill(connection: sqlite3.Connection, draw: random.Random) -> None:
    """Insert, grow and delete rows of many sizes, so that pages split; every 37th holds the canary, and goes."""
    connection.execute("CREATE TABLE rows (id TEXT PRIMARY KEY, words TEXT)")
    connection.execute("BEGIN")
    for number in range(1_500):
        words = f"{draw.random()} " * draw.randint(1, 40)
        planted = CANARY.decode() if number % 37 == 0 else ""
        connection.execute("INSERT INTO rows VALUES (?, ?)", (f"{number}", planted + words))
        if draw.random() < 0.3:
            grown = ("y" * draw.randint(1, 3_000), f"{draw.randint(0, number)}")
            connection.execute("UPDATE rows SET words = words || ? WHERE id = ?", grown)
    connection.execute("COMMIT")
    connection.execute("DELETE FROM rows WHERE words LIKE ?", (f"{CANARY.decode()}%",))


@pytest.mark.parametrize("seed", range(3))
def test_nothing_deleted_is_left_in_file_or_wal(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "a.sqlite"
    with closing(connect(path)) as connection:
        fill(connection, random.Random(seed))
        rows = connection.execute("SELECT * FROM rows ORDER BY id").fetchall()
        assert any(CANARY in file.read_bytes() for file in tmp_path.iterdir())
        scrub(path)
        assert [file.name for file in tmp_path.iterdir() if CANARY in file.read_bytes()] == []
        assert (tmp_path / "a.sqlite-wal").stat().st_size == 0
        assert connection.execute("SELECT * FROM rows ORDER BY id").fetchall() == rows


@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "BEGIN"])
def test_who_blocks_it_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    monkeypatch.setattr(free_space, "LOCK_SECONDS", 0.05)
    monkeypatch.setattr(free_space, "CHECKPOINT_SECONDS", 0.05)
    path = tmp_path / "a.sqlite"
    with closing(connect(path)) as connection, closing(connect(path)) as other:
        fill(connection, random.Random(1))
        other.execute(statement)
        other.execute("SELECT count(*) FROM rows").fetchone()
        with pytest.raises(UnavailableError) as refused:
            scrub(path)
        assert refused.value.code == "database_busy"
        other.execute("ROLLBACK")
        scrub(path)
    assert CANARY not in path.read_bytes()
