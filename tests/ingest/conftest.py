"""Fixtures of the ingest tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexes.database.engine import Database
from tests.ingest.library import Library


@pytest.fixture
def library(database: Database, tmp_path: Path) -> Library:
    """Return an empty workspace in the test's folder."""
    return Library(database, tmp_path)
