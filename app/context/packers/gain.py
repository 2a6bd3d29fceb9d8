"""What sending an item is worth, as numbers of 0 or more made of scores."""

from __future__ import annotations

from collections.abc import Sequence

from app.context.packers import PackItem


def gains_of(items: Sequence[PackItem]) -> list[float]:
    """Return the scores, counted from the lowest one where that is negative."""
    lowest = min((item.score for item in items), default=0.0)
    return [item.score - min(0.0, lowest) for item in items]


def relevance_of(items: Sequence[PackItem]) -> list[float]:
    """Return the scores, stretched so that the highest is 1 and the lowest 0; all 1 where they do not differ."""
    scores = [item.score for item in items]
    if not scores or max(scores) == min(scores):
        return [1.0] * len(scores)
    lowest, width = min(scores), max(scores) - min(scores)
    return [(score - lowest) / width for score in scores]


def reciprocal_ranks_of(items: Sequence[PackItem]) -> list[float]:
    """Return 1 / (1 + how many items have a better score) for items that come best first."""
    gains: list[float] = []
    for number, item in enumerate(items):
        ties = number and items[number - 1].score == item.score
        gains.append(gains[-1] if ties else 1 / (1 + number))
    return gains
