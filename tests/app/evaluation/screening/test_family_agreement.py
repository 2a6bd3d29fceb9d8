"""Tau between the families, and an interval that is wide where questions are few or noisy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from app.evaluation.screening.family_agreement import agreement
from app.evaluation.screening.ranking import Floats

TRUTH = np.linspace(0.2, 0.9, 8)


def answered(truth: Floats, questions: int, seed: int) -> Floats:
    """Return answers that are right with each strategy's probability."""
    generator = np.random.default_rng(seed)
    return (generator.random((len(truth), questions)) < truth[:, np.newaxis]).astype(np.float64)


def test_families_that_order_alike_are_shown_to_agree() -> None:
    scores = {"a": answered(TRUTH, 300, 1), "b": answered(TRUTH, 300, 2), "c": answered(TRUTH, 300, 3)}
    found = agreement(scores, ["a"], ["b", "c"], seed=4)
    assert found.tau > 0.9
    assert 0.3 < found.low <= found.tau <= found.high <= 1
    assert found.is_shown


def test_opposite_orders_do_not_agree() -> None:
    scores = {"a": answered(TRUTH, 300, 1), "b": answered(TRUTH[::-1], 300, 2)}
    found = agreement(scores, ["a"], ["b"], seed=4)
    assert found.tau == pytest.approx(-1, abs=0.15)
    assert not found.is_shown


def test_few_questions_show_nothing_even_where_orders_agree() -> None:
    near = np.linspace(0.45, 0.6, 8)
    few = agreement({"a": answered(near, 10, 1), "b": answered(near, 10, 2)}, ["a"], ["b"], seed=4)
    assert few.high - few.low > 0.5
    assert not few.is_shown


def test_an_order_in_which_all_are_equal_agrees_with_none() -> None:
    scores = {"a": np.full((5, 20), 0.1), "b": answered(TRUTH[:5], 20, 2)}
    found = agreement(scores, ["a"], ["b"], seed=4)
    assert (found.tau, found.low, found.high) == (0, 0, 0)


def test_tau_is_that_of_the_means_and_the_seed_decides_the_interval() -> None:
    scores = {"a": answered(TRUTH, 30, 5), "b": answered(TRUTH, 30, 6)}
    first, same, other = (agreement(scores, ["a"], ["b"], seed=seed) for seed in (1, 1, 2))
    assert first == same
    assert (
        first.tau
        == other.tau
        == pytest.approx(kendalltau(scores["a"].mean(axis=1), scores["b"].mean(axis=1)).statistic)
    )
