"""One rule for rounding scores and for the order of ties, so that every store ranks alike on every machine."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SCORE_DECIMALS = 6
"""Scores are rounded to this before they are compared, so that the processor's thread count never reorders ties."""


def rounded(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return scores as they are compared and shown; a negative zero becomes zero."""
    return np.round(scores, SCORE_DECIMALS).astype(np.float32) + np.float32(0.0)


def best(
    rows: npt.NDArray[np.int64], scores: npt.NDArray[np.float64], k: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return the k best of `rows` (distinct, any order) by (rounded score descending, row ascending), k >= 1."""
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    if len(rows) > k:
        threshold = float(np.partition(scores, len(scores) - k)[len(scores) - k])
        slack = 2 * 10.0**-SCORE_DECIMALS + abs(threshold) * 2.0**-22  # what rounding, then float32, may make equal
        near = np.flatnonzero(scores >= threshold - slack)
        rows, scores = rows[near], scores[near]
    final = rounded(scores)
    order = np.lexsort((rows, -final))[:k]
    return rows[order], final[order]
