"""How alike two orders are, for many pairs of orders at once."""

from __future__ import annotations

import numpy as np

from app.evaluation.screening.ranking import Floats


def spearman(first: Floats, second: Floats) -> float:
    """Return Spearman's rank correlation of float64 [n] each; equal values share a rank, and 0 where all are equal."""
    one, other = (ranks - ranks.mean() for ranks in (_mean_ranks(first), _mean_ranks(second)))
    return _ratio(np.sum(one * other), np.sum(one * one), np.sum(other * other)).item()


def kendall(first: Floats, second: Floats) -> Floats:
    """Return Kendall's tau-b of each column, float64 [orders], of float64 [n, orders] each; 0 where all are equal."""
    before, after = np.triu_indices(len(first), k=1)
    one, other = (np.sign(values[after] - values[before]) for values in (first, second))
    return _ratio(np.sum(one * other, axis=0), np.sum(one * one, axis=0), np.sum(other * other, axis=0))


def _mean_ranks(values: Floats) -> Floats:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return ranks


def _ratio(together: Floats, first: Floats, second: Floats) -> Floats:
    spread = np.sqrt(first * second)
    return np.divide(together, spread, out=np.zeros_like(spread), where=spread > 0)
