"""The simulated worlds hold what they claim; their figures are checked with those of all statistics."""

from __future__ import annotations

import numpy as np
import pytest

from app.evaluation.personalisation.simulation import World, by_user, simulated
from app.evaluation.personalisation.verification import GROUPS
from app.evaluation.statistics.verification import GROUPS as ALL


def test_the_program_runs_them_all() -> None:
    assert set(GROUPS) <= set(ALL)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        (World(private=0.1), (0.1, 0.0, 0.0)),
        (World(group=0.1), (0.1, 0.1, 0.0)),
        (World(workspace=0.1), (0.1, 0.1, 0.1)),
        (World(private=0.1, changed=0.5), (0.05, 0.0, 0.0)),
    ],
)
def test_profiles_do_what_the_world_says(world: World, expected: tuple[float, float, float]) -> None:
    gains = simulated(world, 200, np.random.default_rng(1))
    found = (gains.own.mean(), gains.within.mean(), gains.across.mean())
    assert found == pytest.approx(expected, abs=0.01)


def test_gains_of_one_user_hang_together_and_donors_add_up_to_the_same() -> None:
    gains = simulated(World(), 300, np.random.default_rng(2))
    assert gains.own.shape == (300, 30, 10)
    spread = by_user(gains.own).sums.var() / 10**2
    assert spread == pytest.approx(0.15**2 + 0.2**2 / 10, rel=0.1)
    for means, totals in ((gains.within, gains.within_by_donor), (gains.across, gains.across_by_donor)):
        assert totals.sums.sum(axis=1) == pytest.approx(means.sum(axis=(1, 2)))
        assert totals.sizes == pytest.approx(np.full(30, 10.0))
