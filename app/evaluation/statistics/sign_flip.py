"""The paired randomisation test: how often chance alone, flipping clusters' signs, gives so large a difference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from app.evaluation.statistics.cluster_totals import ClusterTotals
from app.evaluation.statistics.score_table import Numbers

Signs = npt.NDArray[np.int8]

EXACT_CLUSTERS = 12
"""With at most so many non-zero cluster differences all patterns of signs are counted."""
FEWEST_DRAWS = 10_000
DRAWS_PER_PAIR = 100
_BATCH = 1_000
_TIE = 1e-9


def draws_needed(pairs: int, look: int = 1) -> int:
    """Return how many patterns of signs are drawn, so that the smallest p survives Holm over `pairs` at this look.

    A hundred for each pair, and as the significance level falls with the square of the look, times that square.
    """
    return max(FEWEST_DRAWS, DRAWS_PER_PAIR * pairs * look**2)


def draw_signs(clusters: int, draws: int, seed: int) -> Iterator[Signs]:
    """Yield `draws` random patterns of -1 and +1 in batches, int8 [at most 1,000, clusters]; a seed gives the same."""
    random = np.random.default_rng([seed, 1])
    for done in range(0, draws, _BATCH):
        size = (min(_BATCH, draws - done), clusters)
        yield 2 * random.integers(0, 2, size=size, dtype=np.int8) - np.int8(1)


def sign_flip_p(differences: ClusterTotals, signs: Iterable[Signs]) -> Numbers:
    """Return the two-sided p of each difference, [N] in (0, 1]; all differences meet the same `signs`.

    Add-one estimate, never 0: Phipson and Smyth, Statistical Applications in Genetics and Molecular Biology 9 (1),
    2010. Exact where few clusters differ; 1 where none does.
    """
    found: Numbers = np.ones(len(differences.sums))
    is_exact = differences.non_zero <= EXACT_CLUSTERS
    for row in np.flatnonzero(is_exact):
        found[row] = _exact_p(differences.sums[row])
    sampled = np.flatnonzero(~is_exact)
    if len(sampled):
        found[sampled] = _sampled_p(differences.sums[sampled], signs)
    return found


def _exact_p(sums: Numbers) -> float:
    flipped = np.abs(_patterns(np.count_nonzero(sums)) @ sums[sums != 0])
    return float(np.mean(flipped >= abs(sums.sum()) - _TIE))


@lru_cache(maxsize=EXACT_CLUSTERS + 1)
def _patterns(clusters: int) -> Numbers:
    """Return all patterns with one of the signs fixed; the others are their mirror images."""
    count = 2 ** max(0, clusters - 1)
    bits = (np.arange(count)[:, np.newaxis] >> np.arange(clusters)) & 1
    return np.asarray(1 - 2 * bits, dtype=np.float64)


def _sampled_p(sums: Numbers, signs: Iterable[Signs]) -> Numbers:
    least = np.abs(sums.sum(axis=1)) - _TIE
    reached = np.zeros(len(sums), dtype=np.int64)
    drawn = 0
    for batch in signs:
        flipped = batch.astype(np.float64) @ sums.T
        reached += np.count_nonzero(np.abs(flipped, out=flipped) >= least, axis=0)
        drawn += len(batch)
    return np.asarray((1 + reached) / (1 + drawn), dtype=np.float64)
