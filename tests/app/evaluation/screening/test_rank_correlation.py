"""Both correlations are those of SciPy, ties and all, for every pair of orders at once."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import kendalltau, spearmanr

from app.evaluation.screening.rank_correlation import kendall, spearman
from app.evaluation.screening.ranking import Floats

SIZES = st.tuples(st.integers(2, 9), st.integers(1, 4))
PAIRS = SIZES.flatmap(lambda shape: st.tuples(*[arrays(np.float64, shape, elements=st.integers(-3, 3))] * 2))
"""Two float64 [n, orders] with many ties."""


def by_scipy(correlation: object, first: Floats, second: Floats) -> float:
    """Return what SciPy says, 0 where it says nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that an order has all equal
        found = float(correlation(first, second).statistic)  # type: ignore[operator]  # a function of SciPy
    return 0.0 if np.isnan(found) else found


@given(PAIRS)
def test_they_are_those_of_scipy(pair: tuple[Floats, Floats]) -> None:
    first, second = pair
    columns = range(first.shape[1])
    expected = [by_scipy(kendalltau, first[:, number], second[:, number]) for number in columns]
    assert kendall(first, second) == pytest.approx(np.array(expected))
    for number in columns:
        one, other = first[:, number], second[:, number]
        assert spearman(one, other) == pytest.approx(by_scipy(spearmanr, one, other))


def test_by_hand() -> None:
    first, second = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 4.0, 3.0])
    assert spearman(first, second) == pytest.approx(1 - 6 * 2 / (4 * 15))
    both = np.stack([second, first[::-1]], axis=1)
    assert kendall(np.stack([first, first], axis=1), both).tolist() == pytest.approx([4 / 6, -1.0])
