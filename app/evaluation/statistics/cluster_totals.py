"""Values added up by cluster: clusters are what is drawn and flipped, means are over questions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.evaluation.statistics.score_table import Integers, Numbers

DECIMALS = 12
"""Sums are rounded to these, so that differences that cancel are exactly 0 and equal sums are ties."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterTotals:
    """N quantities, each added up within C clusters: `sums` [N, C], and `sizes` [C] in questions.

    A mean is the ratio of two sums, the values' and the sizes', so that every question counts the same whatever the
    size of its cluster; standard errors, resamples and jackknife are those of that ratio.
    """

    sums: Numbers
    sizes: Numbers

    @property
    def questions(self) -> int:
        """Return the number of questions."""
        return int(self.sizes.sum())

    @property
    def clusters(self) -> int:
        """Return the number of clusters."""
        return len(self.sizes)

    @property
    def means(self) -> Numbers:
        """Return the means over questions, [N]."""
        return np.asarray(self.sums.sum(axis=1) / self.sizes.sum())

    @property
    def standard_errors(self) -> Numbers:
        """Return the standard errors of the means, [N]; infinite for a single cluster, which tells nothing of them.

        Linearised ratio estimator (Cochran, Sampling Techniques, 3rd ed. 1977, section 9A.2 with a sampling fraction
        of 0); with one question to a cluster it is the standard deviation over the root of n.
        """
        if self.clusters == 1:
            return np.full(len(self.sums), np.inf)
        residuals = self.sums - self.sizes * self.means[:, np.newaxis]
        squares = (residuals**2).sum(axis=1) * self.clusters / (self.clusters - 1)
        return np.asarray(np.round(np.sqrt(squares) / self.sizes.sum(), DECIMALS))

    @property
    def non_zero(self) -> Integers:
        """Return in how many clusters each quantity is not 0, [N]."""
        return np.asarray(np.count_nonzero(self.sums, axis=1))

    def differences(self, first: Integers, second: Integers) -> ClusterTotals:
        """Return the quantities numbered `first` less those numbered `second`, pair by pair."""
        return ClusterTotals(sums=np.round(self.sums[first] - self.sums[second], DECIMALS), sizes=self.sizes)

    def rows(self, chosen: Integers | slice) -> ClusterTotals:
        """Return some of the quantities."""
        return ClusterTotals(sums=self.sums[chosen], sizes=self.sizes)


def cluster_totals(values: Numbers, clusters: Integers) -> ClusterTotals:
    """Add `values` [N, Q] up by the cluster numbers [Q], which have no gap."""
    order = np.argsort(clusters, kind="stable")
    starts = np.searchsorted(clusters[order], np.arange(clusters.max() + 1))
    sums: Numbers = np.asarray(np.add.reduceat(values[:, order], starts, axis=1), dtype=np.float64)
    return ClusterTotals(sums=np.round(sums, DECIMALS), sizes=np.bincount(clusters).astype(np.float64))
