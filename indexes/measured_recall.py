"""How much of the nearest an approximate search finds, measured on the vectors it searches."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]
Search = Callable[[Float32, int], tuple[Int64, Float32]]
"""Return the rows of the best scores for a vector, and those scores, both [k] at most, best first."""

RECALL_DEPTH = 10
SAMPLED_ROWS = 64
_SEED = 7


def sampled_rows(rows: int, count: int = SAMPLED_ROWS) -> Int64:
    """Return row numbers drawn without replacement, the same for the same number of rows, ascending."""
    return np.sort(np.random.default_rng(_SEED).choice(rows, min(rows, count), replace=False))


def measured_recall(rows: Iterable[int], vectors: Iterable[Float32], search: Search, search_exactly: Search) -> float:
    """Return recall@10 of `search` with the vectors of `rows` as queries; a row does not count as its own neighbour.

    What scores as well as the last of the true ten counts as found: which of equals is returned makes no difference.
    """
    found = wanted = 0
    for row, vector in zip(rows, vectors, strict=True):
        _, true_scores = search_exactly(vector, RECALL_DEPTH + 1)
        found_rows, scores = search(vector, RECALL_DEPTH + 1)
        others = len(true_scores) - 1
        near = (found_rows != row) & (scores >= true_scores[-1])
        found += min(int(np.count_nonzero(near)), others)
        wanted += others
    return found / wanted if wanted else 1.0
