"""The knee of curves drawn by hand, and laws."""

from __future__ import annotations

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.knee import knee_of

BUDGETS = (500, 1_000, 2_000, 4_000)
SCORES = st.lists(st.integers(0, 100).map(lambda value: value / 100), min_size=4, max_size=4)


def curve(*scores: float) -> dict[int, float]:
    return dict(zip(BUDGETS, scores, strict=True))


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ((0.2, 0.7, 0.8, 0.8), 1_000),
        ((0.2, 0.5, 0.79, 0.8), 2_000),
        ((0.0, 0.2, 1.0, 1.0), 2_000),
        ((0.1, 0.9, 0.5, 0.6), 1_000),
        ((0.0, 0.5, 0.9, 0.6), 2_000),
    ],
)
def test_the_knee_is_farthest_above_the_chord(scores: tuple[float, ...], expected: int) -> None:
    assert knee_of(curve(*scores)) == expected


@pytest.mark.parametrize(
    "scores", [(0.1, 0.2, 0.3, 0.4), (0.0, 0.0, 0.1, 0.9), (0.5, 0.5, 0.5, 0.5), (0.8, 0.9, 0.7, 0.2)]
)
def test_a_curve_that_is_straight_hollow_flat_or_falling_has_no_knee(scores: tuple[float, ...]) -> None:
    assert knee_of(curve(*scores)) is None


def test_the_smaller_of_two_budgets_equally_far_is_the_knee() -> None:
    assert knee_of(curve(0.0, 0.5, 0.5 + 1 / 3, 1.0)) == 1_000


def test_two_budgets_have_no_knee() -> None:
    assert knee_of({500: 0.1, 1_000: 0.9}) is None
    assert knee_of({}) is None


def test_budgets_are_weighed_by_their_logarithm() -> None:
    """On a linear scale 4,000 would lie farther above the chord: 0.9 - 3/15 against 0.66 - 1/15."""
    assert knee_of({1_000: 0.0, 2_000: 0.66, 4_000: 0.9, 16_000: 1.0}) == 2_000


@given(SCORES)
def test_it_is_the_highest_of_the_heights(scores: list[float]) -> None:
    gain = scores[-1] - scores[0]
    heights = {
        budget: (score - scores[0]) / gain - log2(budget / 500) / 3 if gain > 0 else 0.0
        for budget, score in curve(*scores).items()
    }
    best = max(heights.values())
    knee = knee_of(curve(*scores))
    assert (knee is None) == (best < 1e-9)
    assert knee is None or heights[knee] == pytest.approx(best)


@given(SCORES, st.floats(0.01, 10), st.floats(-5, 5))
def test_neither_the_scale_of_scores_nor_their_order_matters(scores: list[float], factor: float, shift: float) -> None:
    scaled = [(budget, factor * score + shift) for budget, score in curve(*scores).items()]
    assert knee_of(dict(reversed(scaled))) == knee_of(curve(*scores))
