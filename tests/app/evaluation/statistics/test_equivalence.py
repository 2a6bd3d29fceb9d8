"""Equivalence: within the margin or not, and how many questions it takes at least."""

from __future__ import annotations

import numpy as np
import pytest

from app.evaluation.statistics.equivalence import equivalence_intervals, is_within
from app.evaluation.statistics.simulation import separate


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(-0.01, 0.01, True), (-0.02, 0.01, False), (-0.01, 0.02, False), (0.005, 0.015, True), (0.03, 0.04, False)],
)
def test_an_interval_lies_inside_the_margin(low: float, high: float, expected: bool) -> None:
    assert is_within(np.array([low]), np.array([high]), 0.02).tolist() == [expected]


def test_equal_scores_on_few_questions_are_not_shown_to_be_equivalent() -> None:
    fewest = next(
        questions
        for questions in range(2, 300)
        if is_within(*equivalence_intervals(separate(np.zeros((1, questions)))), 0.02)[0]
    )
    assert fewest == 141


def test_the_interval_is_the_plus_two_one_of_90_percent_and_half_a_cluster_wider() -> None:
    values = np.array([[0.5, *[0.0] * 97]])
    extended = np.array([*values[0], 1.0, -1.0])
    low, high = equivalence_intervals(separate(values))
    assert (high[0] + low[0]) / 2 == pytest.approx(extended.mean())
    assert (high[0] - low[0]) / 2 == pytest.approx(1.6604 * extended.std(ddof=1) / 10 + 0.5 / 100, rel=1e-4)
