"""Cross-fitting: nothing to correct where one is always best, a fair yield where choice is luck, order, folds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.statistics.cluster_totals import ClusterTotals, cluster_totals
from app.evaluation.statistics.cross_fit import FOLDS, REPEATS, cross_fitted
from app.evaluation.statistics.simulation import separate


def slow_cross_fit(scores: ClusterTotals, seed: int) -> float:
    folds = min(FOLDS, scores.clusters)
    random = np.random.default_rng([seed, 3])
    fold_of = random.permuted(np.tile(np.arange(scores.clusters) % folds, (REPEATS, 1)), axis=1)
    gained = 0.0
    for repeat in fold_of:
        for fold in range(folds):
            is_out = repeat == fold
            means = scores.sums[:, ~is_out].sum(axis=1) / scores.sizes[~is_out].sum()
            gained += scores.sums[int(np.argmax(means))][is_out].sum()
    return float(gained / (REPEATS * scores.sizes.sum()))


def test_one_that_is_always_best_yields_its_mean() -> None:
    scores = np.array([np.linspace(0.5, 0.9, 30), np.linspace(0.1, 0.4, 30)])
    assert cross_fitted(separate(scores), seed=1) == pytest.approx(0.7)


def test_luck_is_not_paid_twice() -> None:
    random = np.random.default_rng(3)
    worlds = [random.random((20, 60)) for _ in range(40)]
    found = [cross_fitted(separate(scores), seed=1) for scores in worlds]
    naive = [scores.mean(axis=1).max() for scores in worlds]
    assert np.mean(np.array(found, dtype=np.float64)) == pytest.approx(0.5, abs=0.02)
    assert np.mean(naive) > 0.55


@given(st.integers(0, 500), st.integers(2, 25))
def test_the_vectorised_yield_is_that_of_a_loop(seed: int, clusters: int) -> None:
    random = np.random.default_rng(seed)
    numbers = np.concatenate([np.arange(clusters), random.integers(0, clusters, 15)])
    totals = cluster_totals(random.random((3, len(numbers))), numbers)
    assert cross_fitted(totals, seed=seed) == pytest.approx(slow_cross_fit(totals, seed))


def test_strategies_that_tie_count_alike_in_any_order() -> None:
    random = np.random.default_rng(4)
    best = random.random(40)
    other = np.roll(best, 1)
    one = cross_fitted(separate(np.array([best, other, best * 0.1])), seed=2)
    two = cross_fitted(separate(np.array([best * 0.1, other, best])), seed=2)
    assert one == pytest.approx(two)


def test_a_single_cluster_cannot_be_split() -> None:
    assert cross_fitted(ClusterTotals(sums=np.ones((2, 1)), sizes=np.array([3.0])), seed=1) is None


def test_the_seed_decides_the_folds() -> None:
    scores = separate(np.random.default_rng(5).random((6, 30)))
    assert cross_fitted(scores, seed=1) == cross_fitted(scores, seed=1)
    assert cross_fitted(scores, seed=1) != cross_fitted(scores, seed=2)
