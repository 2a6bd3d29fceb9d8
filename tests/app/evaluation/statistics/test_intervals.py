"""Intervals: plus-two by formula, BCa against scipy's, which of them is used where, and what moves them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap, t

from app.evaluation.statistics.cluster_totals import ClusterTotals, cluster_totals
from app.evaluation.statistics.intervals import bca, difference_intervals, draw_resamples, plus_two, score_intervals
from app.evaluation.statistics.score_table import Numbers
from app.evaluation.statistics.simulation import separate

COUNTS = draw_resamples(40, 4_000, seed=1)


def some(kind: str, rows: int = 1, questions: int = 40) -> Numbers:
    random = np.random.default_rng(9)
    if kind == "skewed":
        return random.exponential(0.1, (rows, questions))
    return random.normal(0.05, 0.2, (rows, questions)) * (random.random((rows, questions)) < 0.6)


def test_resamples_hold_as_many_clusters_as_there_are() -> None:
    counts = draw_resamples(30, 2_500, seed=3)
    assert counts.shape == (2_500, 30)
    assert (counts.sum(axis=1) == 30).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(30), abs=0.1)
    assert counts.var() == pytest.approx(1 - 1 / 30, rel=0.05)
    assert np.array_equal(counts, draw_resamples(30, 2_500, seed=3))


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_plus_two_by_formula(level: float) -> None:
    values = some("zeros")
    extended = np.array([*values[0], 1.0, -1.0])
    half = t.ppf((1 + level) / 2, len(extended) - 1) * extended.std(ddof=1) / np.sqrt(len(extended))
    low, high = plus_two(separate(values), level)
    assert (low[0], high[0]) == pytest.approx((extended.mean() - half, extended.mean() + half))


def test_plus_two_adds_clusters_of_the_mean_size() -> None:
    totals = ClusterTotals(sums=np.array([[1.0, -0.5, 2.0]]), sizes=np.array([2.0, 3.0, 4.0]))
    extended = ClusterTotals(sums=np.array([[1.0, -0.5, 2.0, 3.0, -3.0]]), sizes=np.array([2.0, 3.0, 4.0, 3.0, 3.0]))
    half = t.ppf(0.95, 4) * extended.standard_errors[0]
    low, high = plus_two(totals, 0.9)
    assert (low[0], high[0]) == pytest.approx((max(-1, extended.means[0] - half), min(1, extended.means[0] + half)))


def test_plus_two_of_all_zero_differences_by_hand() -> None:
    low, high = plus_two(separate(np.zeros((1, 98))), 0.9)
    assert high[0] == pytest.approx(1.6604 * np.sqrt(2 / 99 / 100), rel=1e-3)
    assert low[0] == -high[0]


@pytest.mark.parametrize("kind", ["skewed", "zeros"])
def test_bca_is_scipys(kind: str) -> None:
    values = some(kind)
    low, high = bca(separate(values), COUNTS, 0.95)
    theirs = bootstrap((values[0],), np.mean, n_resamples=20_000, rng=np.random.default_rng(3)).confidence_interval
    width = theirs.high - theirs.low
    assert low[0] == pytest.approx(theirs.low, abs=0.05 * width)
    assert high[0] == pytest.approx(theirs.high, abs=0.05 * width)


def test_bca_moves_the_percentile_interval_to_the_long_tail() -> None:
    totals = separate(some("skewed"))
    low, high = bca(totals, COUNTS, 0.95)
    plain = np.quantile(COUNTS @ totals.sums[0] / 40, [0.025, 0.975])
    assert low[0] > plain[0]
    assert high[0] > plain[1]


def test_unequal_clusters_are_drawn_whole() -> None:
    random = np.random.default_rng(2)
    clusters = np.repeat(np.arange(40), 5)
    values = random.normal(0, 0.2, 40)[clusters] + random.normal(0, 0.05, 200)
    by_cluster = difference_intervals(cluster_totals(values[np.newaxis], clusters), COUNTS)
    by_question = difference_intervals(separate(values[np.newaxis]), draw_resamples(200, 4_000, seed=1))
    assert by_cluster.high[0] - by_cluster.low[0] > 1.7 * (by_question.high[0] - by_question.low[0])


@pytest.mark.parametrize(("differing", "is_plus_two"), [(0, True), (9, True), (10, False)])
def test_few_differing_clusters_take_the_plus_two_interval(differing: int, is_plus_two: bool) -> None:
    values = np.zeros((1, 40))
    values[0, :differing] = np.linspace(0.1, 0.9, differing)
    found = difference_intervals(separate(values), COUNTS)
    assert found.is_plus_two.tolist() == [is_plus_two]
    assert (found.low[0] == plus_two(separate(values), 0.95)[0][0]) == is_plus_two


def test_differences_that_are_all_the_same_take_the_plus_two_interval() -> None:
    found = difference_intervals(separate(np.full((1, 40), 0.1)), COUNTS)
    assert found.is_plus_two.tolist() == [True]
    assert found.low[0] < 0.1 < found.high[0]


@pytest.mark.parametrize(("score", "end"), [(0.0, 0.0), (1.0, 1.0)])
def test_a_perfect_or_hopeless_score_has_an_interval_within_its_bounds(score: float, end: float) -> None:
    found = score_intervals(separate(np.full((1, 40), score)), COUNTS)
    assert found.is_plus_two.tolist() == [True]
    assert 0 <= found.low[0] < found.high[0] <= 1
    assert end in (found.low[0], found.high[0])


def test_many_rows_are_as_each_alone() -> None:
    values = some("zeros", rows=6)
    together = difference_intervals(separate(values), COUNTS)
    for row in range(6):
        alone = difference_intervals(separate(values[row : row + 1]), COUNTS)
        assert (together.low[row], together.high[row]) == pytest.approx((alone.low[0], alone.high[0]), abs=1e-12)


@given(st.integers(0, 10_000), st.integers(0, 40))
def test_swapping_the_pair_mirrors_the_interval(seed: int, differing: int) -> None:
    values = np.zeros((1, 40))
    values[0, :differing] = np.random.default_rng(seed).uniform(-1, 1, differing)
    found = difference_intervals(separate(np.concatenate([values, -values])), COUNTS)
    assert (found.low[0], found.high[0]) == pytest.approx((-found.high[1], -found.low[1]), abs=1e-9)
    assert found.low[0] <= found.high[0]
