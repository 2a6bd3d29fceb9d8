"""What choosing the best scorer yields: the choice is made on some questions and scored on others."""

from __future__ import annotations

import numpy as np

from app.evaluation.statistics.cluster_totals import ClusterTotals

FOLDS = 5
REPEATS = 20
_TIE = 1e-12


def cross_fitted(scores: ClusterTotals, seed: int) -> float | None:
    """Return the mean score of what is chosen on four fifths of the clusters, read on the last fifth, 20 times over.

    `scores` holds one row for each strategy. Strategies that tie for the best count alike, so their order does not
    matter. With fewer than five clusters each is a fold of its own; None for a single one.
    """
    folds = min(FOLDS, scores.clusters)
    if folds < 2:
        return None
    random = np.random.default_rng([seed, 3])
    fold_of = random.permuted(np.tile(np.arange(scores.clusters) % folds, (REPEATS, 1)), axis=1)
    is_in = (fold_of[:, np.newaxis, :] == np.arange(folds)[:, np.newaxis]).astype(np.float64)
    held_out, sizes = is_in @ scores.sums.T, is_in @ scores.sizes
    others = scores.sums.sum(axis=1) - held_out
    chosen_from = others / (scores.sizes.sum() - sizes)[:, :, np.newaxis]
    is_best = chosen_from >= chosen_from.max(axis=2, keepdims=True) - _TIE
    yields = (held_out * is_best).sum(axis=2) / is_best.sum(axis=2)
    return float(yields.sum() / (REPEATS * scores.sizes.sum()))
