"""A laboratory for each test."""

from __future__ import annotations

import pytest

from tests.app.evaluation.experiments.laboratory import Laboratory
from tests.app.evaluation.world import World


@pytest.fixture
def laboratory(world: World) -> Laboratory:
    return Laboratory(world)
