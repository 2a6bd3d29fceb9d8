"""What all tests of the application share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.database import sparing_the_disk


@pytest.fixture(scope="package", autouse=True)
def no_waiting_for_the_disk() -> Iterator[None]:
    """Spare the disk; tests of what is synced, and in which order, stand beside indexes/durable_files.py."""
    with sparing_the_disk():
        yield
