"""The best way to join neighbours: a dynamic programme over their similarity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

REWARD_DECIMALS = 9
"""Totals are levelled to so many decimals, so that the order of floating-point sums decides no tie."""


def best_segmentation(vectors: npt.NDArray[np.float32], earliest: Sequence[int]) -> list[int]:
    """Return the ends (exclusive, ascending) of the segments with the largest total reward.

    The reward of a segment is the sum of (similarity - mean) over its pairs of rows, where similarity is the inner
    product of two rows of `vectors`, float32 [rows, dimensions], and the mean is that of all pairs of different rows. A
    segment that ends with row i begins with row `earliest[i]` or later; `earliest` does not fall. Of equal totals the
    one with longer last segments is taken. Time is O(rows x longest segment x dimensions), memory O(rows x dimensions).
    """
    count = len(vectors)
    wide = vectors.astype(np.float64)
    sums = np.concatenate([np.zeros((1, wide.shape[1])), np.cumsum(wide, axis=0)])
    mean = mean_similarity(wide)
    best = np.full(count + 1, -np.inf)
    best[0] = 0.0
    begins = np.zeros(count + 1, dtype=np.int64)
    for end in range(1, count + 1):
        first = earliest[end - 1]
        right_of_each = sums[end] - sums[first + 1 : end + 1]
        pairs = np.arange(end - first - 1, -1, -1)
        gains = np.einsum("ij,ij->i", wide[first:end], right_of_each) - mean * pairs
        rewards = np.cumsum(gains[::-1])[::-1]
        totals = np.round(best[first:end] + rewards, REWARD_DECIMALS)
        chosen = int(np.argmax(totals))
        best[end], begins[end] = totals[chosen], first + chosen
    ends = [count] if count else []
    while ends and begins[ends[-1]] > 0:
        ends.append(int(begins[ends[-1]]))
    return ends[::-1]


def mean_similarity(vectors: npt.NDArray[np.float64]) -> float:
    """Return the mean inner product of two different rows, 0 where there are not two; no matrix is made."""
    count = len(vectors)
    if count < 2:
        return 0.0
    total = vectors.sum(axis=0)
    of_all = float(total @ total) - float(np.einsum("ij,ij->", vectors, vectors))
    return of_all / (count * (count - 1))
