"""A world with an alias for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.context.aliases.bots import Bots
from tests.app.evaluation.world import World


@pytest.fixture
def bots(tmp_path: Path) -> Iterator[Bots]:
    world = World(tmp_path)
    yield Bots(world)
    world.close()
