"""Kinds that order strategies as the labels do count; others do not; more labels make the prior count less."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from app.evaluation.screening.calibration import GOLD, calibrate
from app.evaluation.screening.ranking import Floats, standardised
from tests.app.evaluation.screening.test_ranking import flat

GOOD = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
SWAPPED = (0.2, 0.1, 0.3, 0.4, 0.5, 0.6, 0.8, 0.7)


def test_weights_prior_and_value_by_hand() -> None:
    gold = flat(*GOOD)
    kinds = {"same": flat(*GOOD), "near": flat(*SWAPPED), "opposite": flat(*reversed(GOOD)), "equal": flat(*[0.5] * 8)}
    found = calibrate(gold, kinds)
    correlation = 1 - 6 * 4 / (8 * 63)
    assert found.weights == pytest.approx({"same": 1, "near": correlation**4, "opposite": 0, "equal": 0})
    prior = (standardised(np.array(GOOD)) + correlation**4 * standardised(np.array(SWAPPED))) / (1 + correlation**4)
    factor = spearmanr(GOOD, prior).statistic
    assert found.prior_factor == pytest.approx(factor)
    expected = standardised(np.array(GOOD)) + factor * standardised(prior)
    assert found.combination.values == pytest.approx(expected)
    assert set(found.combination.weights) == {GOLD, "same", "near"}


@pytest.mark.parametrize(("labelled", "factor"), [(10, 1.0), (25, 1.0), (100, 0.5)])
def test_the_prior_counts_less_with_many_labels(labelled: int, factor: float) -> None:
    found = calibrate(flat(*GOOD, questions=labelled), {"same": flat(*GOOD)})
    assert found.prior_factor == pytest.approx(factor)


def test_where_no_kind_agrees_the_labels_stand_alone() -> None:
    found = calibrate(flat(*GOOD), {"opposite": flat(*reversed(GOOD)), "equal": flat(*[0.5] * 8)})
    assert found.prior_factor == 0
    assert found.combination.values == pytest.approx(standardised(np.array(GOOD)))
    assert set(found.combination.weights) == {GOLD}


def test_labels_on_which_all_are_equal_leave_nothing_to_calibrate_with() -> None:
    found = calibrate(flat(*[0.5] * 8), {"same": flat(*GOOD)})
    assert found.weights == {"same": 0}
    assert found.combination.values.tolist() == [0] * 8


@pytest.mark.parametrize(("strategies", "labelled"), [(7, 10), (8, 9)])
def test_too_few_strategies_or_labels_are_refused(strategies: int, labelled: int) -> None:
    gold = flat(*GOOD[:strategies], questions=labelled)
    with pytest.raises(ValueError, match="too few to calibrate"):
        calibrate(gold, {"same": flat(*GOOD[:strategies])})


def test_a_calibrated_order_is_nearer_the_truth_than_few_labels_alone() -> None:
    generator = np.random.default_rng(3)
    truth = np.linspace(0.4, 0.8, 12)

    def drawn(chances: Floats, questions: int) -> Floats:
        return (generator.random((len(chances), questions)) < chances[:, np.newaxis]).astype(np.float64)

    gains = []
    for _ in range(60):
        gold = drawn(truth, 15)
        kinds = {"good": drawn(truth, 200), "bad": drawn(truth[::-1], 200)}
        values = calibrate(gold, kinds).combination.values
        alone = spearmanr(gold.mean(axis=1), truth).statistic
        gains.append(spearmanr(values, truth).statistic - alone)
    assert np.mean(gains) > 3 * np.std(gains) / math.sqrt(len(gains))
