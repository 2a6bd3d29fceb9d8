"""What every test shares: how many examples a property is tried on, and a database of its own."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from indexes.database.engine import Database
from tests.database import fresh_database

settings.register_profile("fast", max_examples=25, deadline=None)
settings.register_profile("ci", max_examples=25, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=500, deadline=None)  # pytest --hypothesis-profile=thorough
settings.load_profile("ci" if os.environ.get("CI") else "fast")


def pytest_collection_finish() -> None:
    """Let no garbage collection look again at what was imported and collected, which stays to the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Yield an empty database in the test's folder."""
    with fresh_database(tmp_path) as database:
        yield database
