"""Holm's adjustment and the level of a look: by hand, against the definition, over many families."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.statistics.holm import holm, level_at_look

FAMILIES = st.lists(st.floats(0.0001, 1), min_size=1, max_size=12)


def test_holm_by_hand() -> None:
    found = holm(np.array([0.01, 0.04, 0.03, 0.005]))
    assert found == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_families_are_adjusted_apart() -> None:
    assert holm(np.array([[0.01, 0.9], [0.02, 0.01]])) == pytest.approx(np.array([[0.02, 0.9], [0.02, 0.02]]))


def test_one_comparison_stays_as_it_is() -> None:
    assert holm(np.array([0.2])).tolist() == [0.2]


@given(FAMILIES)
def test_what_holm_rejects_is_what_the_step_down_rejects(p: list[float]) -> None:
    adjusted = holm(np.array(p))
    for level in (0.01, 0.05, 0.2):
        rejected: set[int] = set()
        for step, row in enumerate(sorted(range(len(p)), key=p.__getitem__)):
            if p[row] * (len(p) - step) >= level:
                break
            rejected.add(row)
        assert set(np.flatnonzero(adjusted < level)) == rejected


@given(FAMILIES)
def test_adjusted_values_are_no_smaller_and_at_most_one(p: list[float]) -> None:
    adjusted = holm(np.array(p))
    assert (adjusted >= np.array(p)).all()
    assert (adjusted <= np.minimum(1, len(p) * np.array(p)) + (len(p) - 1)).all()
    assert (adjusted <= 1).all()


def test_all_looks_together_spend_the_level() -> None:
    spent = [level_at_look(0.05, look) for look in range(1, 2_000)]
    assert spent[0] == pytest.approx(0.0304, abs=1e-4)
    assert spent[1] == pytest.approx(0.0076, abs=1e-4)
    assert sum(spent) == pytest.approx(0.05, rel=1e-3)
    assert sum(spent) < 0.05
