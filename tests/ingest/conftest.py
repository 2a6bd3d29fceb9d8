"""Fixtures of the ingest tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexes.database.engine import Database
from tests.contracts.store_worlds import unsynced
from tests.ingest.library import Library


@pytest.fixture
def library(database: Database, tmp_path: Path) -> Iterator[Library]:
    """Yield an empty workspace in the test's folder, which spares the disk."""
    with unsynced():
        yield Library(database, tmp_path)
