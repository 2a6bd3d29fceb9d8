"""What items are worth, made of their scores."""

from __future__ import annotations

import pytest

from app.context.packers.gain import gains_of, reciprocal_ranks_of, relevance_of
from tests.app.context.packers.example_items import item


@pytest.mark.parametrize(
    ("scores", "gains", "relevance", "reciprocal_ranks"),
    [
        ([], [], [], []),
        ([0.5], [0.5], [1.0], [1.0]),
        ([3.0, 2.0, 1.0], [3.0, 2.0, 1.0], [1.0, 0.5, 0.0], [1.0, 1 / 2, 1 / 3]),
        ([2.0, 2.0, 0.0, -2.0], [4.0, 4.0, 2.0, 0.0], [1.0, 1.0, 0.5, 0.0], [1.0, 1.0, 1 / 3, 1 / 4]),
        ([-1.0, -1.0], [0.0, 0.0], [1.0, 1.0], [1.0, 1.0]),
    ],
)
def test_by_hand(
    scores: list[float], gains: list[float], relevance: list[float], reciprocal_ranks: list[float]
) -> None:
    items = [item(1, score) for score in scores]
    assert gains_of(items) == gains
    assert relevance_of(items) == relevance
    assert reciprocal_ranks_of(items) == reciprocal_ranks
