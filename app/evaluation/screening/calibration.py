"""A few labelled questions tell how far each kind of pseudo-question may be trusted here.

The exponent and the prior's factor were chosen once, by hand, on three data sets: an aid to screening, no evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.evaluation.screening.rank_correlation import spearman
from app.evaluation.screening.ranking import Combination, Floats, standardised

FEWEST_LABELLED = 10
FEWEST_CALIBRATED_STRATEGIES = 8
GOLD = "gold"
"""The labelled questions' name beside the kinds."""

_EXPONENT = 4
_FULL_TRUST_QUESTIONS = 25
"""With more labelled questions than these, the prior counts less and less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """score = z(gold) + `prior_factor` · z(prior), with the prior the mean of z(kind) by `weights` (which need not add
    up to 1; all 0 where no kind orders the strategies as the labels do).
    """

    weights: Mapping[str, float]
    prior_factor: float
    combination: Combination


def calibrate(gold: Floats, kinds: Mapping[str, Floats]) -> Calibration:
    """Return the calibrated combination; scores are float64 [strategies, questions] for the labels and for each kind.

    w = max(0, Spearman(gold means, kind means))⁴ and the prior's factor is Spearman(gold means, prior), within 0 and
    1, times √min(1, 25 / labelled questions). Raises ValueError for fewer strategies or questions than are needed.
    """
    strategies, labelled = gold.shape
    if strategies < FEWEST_CALIBRATED_STRATEGIES or labelled < FEWEST_LABELLED:
        raise ValueError(f"{strategies} strategies and {labelled} labelled questions are too few to calibrate")
    gold_means = gold.mean(axis=1)
    means = {kind: scores.mean(axis=1) for kind, scores in kinds.items()}
    weights = {kind: max(0.0, _correlation(gold_means, means[kind])) ** _EXPONENT for kind in kinds}
    total = sum(weights.values())
    if not total:
        return Calibration(weights=weights, prior_factor=0.0, combination=_combination(gold, kinds, {}))
    prior = np.sum([weights[kind] * standardised(means[kind]) for kind in kinds], axis=0) / total
    factor = float(np.clip(_correlation(gold_means, prior), 0, 1)) * min(1.0, _FULL_TRUST_QUESTIONS / labelled) ** 0.5
    spread = float(prior.std())
    shares = {kind: factor * weights[kind] / (total * spread) for kind in kinds} if spread else {}
    return Calibration(weights=weights, prior_factor=factor, combination=_combination(gold, kinds, shares))


def _combination(gold: Floats, kinds: Mapping[str, Floats], shares: Mapping[str, float]) -> Combination:
    used = {kind: share for kind, share in shares.items() if share}
    return Combination(scores={GOLD: gold, **{kind: kinds[kind] for kind in used}}, weights={GOLD: 1.0, **used})


def _correlation(first: Floats, second: Floats) -> float:
    """Return Spearman's rank correlation, 0 where one order has all equal."""
    return spearman(np.round(first, 12), np.round(second, 12))
