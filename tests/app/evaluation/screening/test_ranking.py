"""Half is kept, with whoever is within one standard error of it; the numbers are those of the formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.screening.ranking import Combination, Floats, decide, standardised


def flat(*means: float, questions: int = 10) -> Floats:
    """Return scores that have no spread over questions."""
    return np.repeat(np.array(means)[:, np.newaxis], questions, axis=1)


def single(scores: Floats) -> Combination:
    """Return a combination of one kind."""
    return Combination(scores={"kind": scores}, weights={"kind": 1.0})


def test_standardised_means_by_hand() -> None:
    assert standardised(np.array([1.0, 2.0, 3.0])) == pytest.approx([-math.sqrt(1.5), 0, math.sqrt(1.5)])
    assert standardised(np.array([0.1 + 0.2, 0.3, 0.3])).tolist() == [0, 0, 0]


def test_a_combination_adds_weighted_standardised_means() -> None:
    scores = {"a": flat(0.0, 1.0), "b": flat(0.9, 0.1), "c": flat(0.5, 0.5)}
    combination = Combination(scores=scores, weights={"a": 0.5, "b": 0.25, "c": 0.25})
    assert combination.values == pytest.approx([-0.25, 0.25])
    assert combination.standard_error(0, 1) == 0


def test_the_standard_error_by_hand() -> None:
    scores = np.array([[0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
    spread = (0.5 - 0.25) / 2
    differences = np.array([0.0, 1.0, 0.0, 0.0])
    expected = 2.0 / spread * math.sqrt(float(differences.var(ddof=1)) / 4)
    combination = Combination(scores={"kind": scores}, weights={"kind": 2.0})
    assert combination.standard_error(0, 1) == pytest.approx(expected)


def test_the_standard_error_is_the_spread_of_differences_over_samples() -> None:
    generator = np.random.default_rng(7)
    truth = np.array([0.3, 0.5, 0.6, 0.9])
    draws = [single((generator.random((4, 80)) < truth[:, np.newaxis]).astype(np.float64)) for _ in range(400)]
    observed = float(np.std([draw.values[0] - draw.values[1] for draw in draws]))
    claimed = float(np.mean([draw.standard_error(0, 1) for draw in draws]))
    assert claimed == pytest.approx(observed, rel=0.2)


@pytest.mark.parametrize(
    ("means", "kept"),
    [
        ((0.9, 0.8, 0.2, 0.1), [True, True, False, False]),
        ((0.1, 0.5, 0.3, 0.9, 0.7), [False, True, False, True, True]),
        ((0.5, 0.5, 0.5, 0.5), [True] * 4),
        ((0.1, 0.5, 0.9), [True] * 3),
        ((0.9, 0.5, 0.5, 0.5, 0.1, 0.1), [True, True, True, True, False, False]),
    ],
)
def test_half_is_kept(means: tuple[float, ...], kept: list[bool]) -> None:
    assert [decision != "dropped" for decision in decide(single(flat(*means)))] == kept


def test_under_four_strategies_nothing_is_dropped_and_the_reason_is_told() -> None:
    assert decide(single(flat(0.1, 0.9, 0.5))) == ["too_few_strategies"] * 3


def test_whoever_is_within_one_standard_error_of_the_cut_is_kept() -> None:
    noisy = np.tile([0.0, 1.0], 5)
    scores = np.stack([np.full(10, 0.9), np.full(10, 0.6), noisy, np.full(10, 0.5), np.full(10, 0.1)])
    scores = np.concatenate([scores, np.full((1, 10), 0.95)])
    decisions = decide(single(scores))
    assert decisions == ["upper_half", "upper_half", "within_one_standard_error", "dropped", "dropped", "upper_half"]
    assert scores[2].mean() == scores[3].mean()


@given(
    st.lists(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=6, max_size=6), min_size=4, max_size=9),
    st.integers(0, 99),
)
def test_decisions_follow_the_strategies_whatever_their_order(rows: list[list[float]], seed: int) -> None:
    scores = np.array(rows)
    order = np.random.default_rng(seed).permutation(len(rows))
    decisions, shuffled = decide(single(scores)), decide(single(scores[order]))
    upper = [decision == "upper_half" for decision in decisions]
    assert sum(upper) >= len(rows) / 2
    assert [shuffled[place] == "upper_half" for place in np.argsort(order)] == upper
    lowest_kept = min(scores[number].mean() for number, is_upper in enumerate(upper) if is_upper)
    assert all(scores[number].mean() <= lowest_kept + 1e-9 for number, is_upper in enumerate(upper) if not is_upper)
