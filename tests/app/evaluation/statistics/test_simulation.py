"""The simulated worlds hold the truth that they claim, and share their draws."""

from __future__ import annotations

import numpy as np
import pytest

from app.evaluation.statistics.simulation import (
    RESAMPLES,
    Shape,
    alarms_of,
    arm_scores,
    clustered,
    judged,
    pairs_of,
    permuted_arms,
    rare,
    separate,
    shaped,
    shared_draws,
    verdicts_of,
)
from app.evaluation.statistics.verification import SHAPES

SIZE = (400, 200)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mean", [0.0, 0.03, -0.02])
def test_differences_have_their_true_mean_and_deviation(shape: Shape, mean: float) -> None:
    values = shaped(shape, SIZE, np.random.default_rng(1), mean=mean)
    assert values.shape == SIZE
    assert values.mean() == pytest.approx(mean, abs=4 * 0.1 / np.sqrt(values.size))
    assert values.std() == pytest.approx(0.1, rel=0.05)


def test_shapes_are_what_they_are_called() -> None:
    random = np.random.default_rng(2)
    assert (shaped("zeros", SIZE, random) == 0).mean() == pytest.approx(0.55, abs=0.01)
    skewed = shaped("skewed", SIZE, random)
    assert ((skewed - skewed.mean()) ** 3).mean() / skewed.std() ** 3 == pytest.approx(1.87, abs=0.1)
    assert np.abs(skewed).max() <= 1


def test_rare_differences_are_one_on_their_share() -> None:
    values = rare(SIZE, np.random.default_rng(3), 0.02)
    assert set(np.unique(values)) == {0.0, 1.0}
    assert values.mean() == pytest.approx(0.02, abs=0.002)


def test_clustered_differences_have_their_correlation() -> None:
    totals = clustered(4_000, np.random.default_rng(4))
    assert totals.clusters == 30
    expected = 0.2**2 * (totals.sizes * 0.9 + totals.sizes**2 * 0.1)
    assert totals.sums.var(axis=0) == pytest.approx(expected, rel=0.15)
    assert totals.sums.mean() == pytest.approx(0, abs=0.02)


def test_permuted_arms_keep_each_clusters_scores() -> None:
    totals = permuted_arms(50, np.random.default_rng(5), arms=3, clusters=20)
    by_repetition = totals.sums.reshape(50, 3, 20)
    first_second, first_third, second_third = (by_repetition[:, row] for row in range(3))
    assert first_second + second_third == pytest.approx(first_third)
    spreads = np.sort(np.abs(by_repetition), axis=1)
    assert np.array_equal(spreads, np.broadcast_to(spreads[0], spreads.shape))
    assert (by_repetition[0] != by_repetition[1]).any()


def test_arms_have_their_means_and_share_what_is_hard() -> None:
    means = np.array([0.4, 0.6])
    scores = arm_scores(300, np.random.default_rng(6), means)
    assert scores.mean(axis=(0, 2)) == pytest.approx(means, abs=0.01)
    correlation = np.corrcoef((scores[:, 0] - 0.4).ravel(), (scores[:, 1] - 0.6).ravel())[0, 1]
    assert correlation == pytest.approx(0.5, abs=0.03)


def test_all_pairs_are_named_once() -> None:
    first, second = pairs_of(4)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]


def test_repetitions_share_their_draws() -> None:
    signs, counts = shared_draws(25)
    assert sum(len(batch) for batch in signs) == len(counts) == RESAMPLES
    assert shared_draws(25)[1] is counts


def test_batches_of_families_are_judged_as_one() -> None:
    values = np.random.default_rng(7).normal(0.03, 0.1, (4_002, 40))
    found = judged(separate(values), family=3)
    assert [len(batch.p) for batch in found] == [3_999, 3]
    assert len(verdicts_of(found)) == 4_002
    alarms = alarms_of(found, family=3)
    named = np.isin(verdicts_of(found), ("better", "worse")).reshape(-1, 3).any(axis=1)
    assert np.array_equal(alarms, named)
    assert 0 < alarms.mean() < 1
