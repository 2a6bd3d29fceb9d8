"""Trials for each test."""

from __future__ import annotations

import pytest

from tests.app.evaluation.promotion.trials import Trials
from tests.app.evaluation.world import World


@pytest.fixture
def trials(world: World) -> Trials:
    return Trials(world)
