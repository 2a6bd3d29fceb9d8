"""Intervals of means over clustered questions: bootstrap where enough clusters differ, plus-two where few do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri, stdtrit

from app.evaluation.statistics.cluster_totals import ClusterTotals
from app.evaluation.statistics.score_table import Flags, Integers, Numbers

Counts = npt.NDArray[np.int32]

FEWEST_NON_ZERO = 10
"""With fewer non-zero clusters a resample often holds none of them, and the bootstrap is blind."""
_BATCH = 1_000
_VALUES_AT_ONCE = 20_000_000
_TIE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """Intervals of N means: `low`, `high` [N], and whether each is plus-two rather than BCa."""

    low: Numbers
    high: Numbers
    is_plus_two: Flags


def draw_resamples(clusters: int, resamples: int, seed: int) -> Counts:
    """Return how often each cluster stands in each resample, int32 [resamples, clusters]; rows add up to `clusters`."""
    random = np.random.default_rng([seed, 2])
    counts = np.empty((resamples, clusters), dtype=np.int32)
    for start in range(0, resamples, _BATCH):
        rows = min(_BATCH, resamples - start)
        drawn = random.integers(0, clusters, size=(rows, clusters)) + clusters * np.arange(rows)[:, np.newaxis]
        counts[start : start + rows] = np.bincount(drawn.ravel(), minlength=rows * clusters).reshape(rows, clusters)
    return counts


def difference_intervals(differences: ClusterTotals, counts: Counts, level: float = 0.95) -> Intervals:
    """Return the intervals of mean differences within [-1, 1], one for each row.

    BCa over clusters, and plus-two where fewer than 10 clusters differ or all differ by the same.
    """
    is_few = (differences.non_zero < FEWEST_NON_ZERO) | (differences.standard_errors == 0)
    return _intervals(differences, counts, level, is_few, (-1.0, 1.0))


def score_intervals(scores: ClusterTotals, counts: Counts, level: float = 0.95) -> Intervals:
    """Return the intervals of mean scores within [0, 1], one for each row.

    BCa over clusters, and plus-two where fewer than 10 clusters differ from 0, or from 1, or all score the same.
    """
    below_one = np.count_nonzero(scores.sums != scores.sizes, axis=1)
    is_few = (np.minimum(scores.non_zero, below_one) < FEWEST_NON_ZERO) | (scores.standard_errors == 0)
    return _intervals(scores, counts, level, is_few, (0.0, 1.0))


def plus_two(totals: ClusterTotals, level: float, bounds: tuple[float, float] = (-1.0, 1.0)) -> tuple[Numbers, Numbers]:
    """Return the lower and upper ends [N] of the interval with one more cluster at each bound of the values.

    The two are as large as the mean cluster. Student's t with the clusters' degrees of freedom, cut at the bounds;
    adding one of each follows Agresti and Caffo, The American Statistician 54 (4), 2000.
    """
    clusters, size = totals.clusters + 2, totals.sizes.mean()
    questions = totals.sizes.sum() + 2 * size
    means = (totals.sums.sum(axis=1) + size * sum(bounds)) / questions
    squares = ((totals.sums - totals.sizes * means[:, np.newaxis]) ** 2).sum(axis=1)
    squares += sum((size * (bound - means)) ** 2 for bound in bounds)
    errors = np.sqrt(squares * clusters / (clusters - 1)) / questions
    half = errors * float(stdtrit(clusters - 1, (1 + level) / 2))
    return np.maximum(means - half, bounds[0]), np.minimum(means + half, bounds[1])


def bca(totals: ClusterTotals, counts: Counts, level: float) -> tuple[Numbers, Numbers]:
    """Return the lower and upper ends [N] of the bias-corrected and accelerated bootstrap interval over clusters.

    Efron, Journal of the American Statistical Association 82 (397), 1987; a resample that ties with the mean counts
    half, the acceleration comes from leaving each cluster out. Needs two clusters and a standard error above 0.
    """
    means = _resampled_means(totals, counts)
    observed = totals.means[:, np.newaxis]
    share = ((means < observed - _TIE).mean(axis=1) + (means <= observed + _TIE).mean(axis=1)) / 2
    edge = 0.5 / len(counts)
    bias = ndtri(np.clip(share, edge, 1 - edge))[:, np.newaxis]
    shifted = bias + ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    places = ndtr(bias + shifted / (1 - _acceleration(totals)[:, np.newaxis] * shifted)) * (len(counts) - 1)
    means.sort(axis=1)
    below: Integers = np.floor(places).astype(np.int64)
    above = np.minimum(below + 1, len(counts) - 1)
    low_values, high_values = (np.take_along_axis(means, index, axis=1) for index in (below, above))
    ends = low_values + (places - below) * (high_values - low_values)
    return ends[:, 0], ends[:, 1]


def _intervals(
    totals: ClusterTotals, counts: Counts, level: float, is_few: Flags, bounds: tuple[float, float]
) -> Intervals:
    low, high = plus_two(totals, level, bounds)
    many = np.flatnonzero(~is_few)
    at_once = max(1, _VALUES_AT_ONCE // len(counts))
    for start in range(0, len(many), at_once):
        chosen = many[start : start + at_once]
        low[chosen], high[chosen] = bca(totals.rows(chosen), counts, level)
    return Intervals(low=low, high=high, is_plus_two=is_few)


def _resampled_means(totals: ClusterTotals, counts: Counts) -> Numbers:
    """Return the mean of each row in each resample, [N, resamples]."""
    found = np.empty((len(totals.sums), len(counts)))
    for start in range(0, len(counts), _BATCH):
        times = counts[start : start + _BATCH].astype(np.float64).T
        found[:, start : start + _BATCH] = (totals.sums @ times) / (totals.sizes @ times)
    return found


def _acceleration(totals: ClusterTotals) -> Numbers:
    without = (totals.sums.sum(axis=1, keepdims=True) - totals.sums) / (totals.sizes.sum() - totals.sizes)
    deviations = without.mean(axis=1, keepdims=True) - without
    cubes, squares = (deviations**3).sum(axis=1), (deviations**2).sum(axis=1)
    return np.asarray(cubes / (6 * squares**1.5))
