"""Worlds for tests: an empty one each, and one that is shared because no test changes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.evaluation.forest import forest_in
from tests.app.evaluation.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


@pytest.fixture(scope="session")
def forest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = forest_in(tmp_path_factory.mktemp("forest"))
    yield world
    world.close()
