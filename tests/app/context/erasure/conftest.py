"""A filled shelf for each test, copied from one that is filled once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexes import erasure
from indexes.database.engine import Database
from tests.app.context.erasure.shelf import Shelf
from tests.database import copy_folder, fresh_database, opened_database


@pytest.fixture(scope="package")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield the folder of a shelf with the secret document and others; tests copy it."""
    folder = tmp_path_factory.mktemp("filled")
    with fresh_database(folder) as database:
        Shelf(database, folder).fill()
        database.close()
        yield folder


@pytest.fixture
def database(filled: Path, tmp_path: Path) -> Iterator[Database]:
    """Yield the database of a copy of the filled shelf; like others of tests, it spares the disk."""
    copy_folder(filled, tmp_path)
    with opened_database(tmp_path) as database:
        yield database


@pytest.fixture
def shelf(database: Database, tmp_path: Path) -> Shelf:
    """Return the copy."""
    return Shelf(database, tmp_path)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let retired segments go without waiting for requests, and let small erasures have several batches."""
    monkeypatch.setattr(erasure, "REQUESTS_SECONDS", 0.0)
    monkeypatch.setattr("app.context.erasure.documents.CHUNKS_PER_BATCH", 40)
