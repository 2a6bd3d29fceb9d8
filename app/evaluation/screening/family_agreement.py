"""Whether lookup and aboutness questions order the strategies alike: Kendall's tau, with a bootstrap interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.evaluation.screening.rank_correlation import kendall
from app.evaluation.screening.ranking import Floats, standardised

RESAMPLES = 1_000
LEAST_TAU = 0.3
"""Families whose interval reaches down to this are not shown to agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyAgreement:
    """Kendall's tau-b between the families' orders, and its 95 % percentile interval over questions."""

    tau: float
    low: float
    high: float

    @property
    def is_shown(self) -> bool:
        """Tell whether the whole interval lies above LEAST_TAU."""
        return self.low > LEAST_TAU


def agreement(
    scores: Mapping[str, Floats], first: Sequence[str], second: Sequence[str], *, seed: int
) -> FamilyAgreement:
    """Return how far two families of kinds agree; `scores` are float64 [strategies, questions] for each kind.

    Questions are drawn again within their kind. An order in which all are equal agrees with none: tau is 0.
    """
    means = {kind: scores[kind].mean(axis=1, keepdims=True) for kind in (*first, *second)}
    generator = np.random.default_rng(seed)
    drawn = {kind: _resampled_means(scores[kind], generator) for kind in means}
    low, high = np.quantile(_taus(drawn, first, second), (0.025, 0.975))
    return FamilyAgreement(tau=float(_taus(means, first, second)[0]), low=float(low), high=float(high))


def _resampled_means(scores: Floats, generator: np.random.Generator) -> Floats:
    """Return float64 [strategies, RESAMPLES]."""
    questions = scores.shape[1]
    counts = generator.multinomial(questions, np.full(questions, 1 / questions), size=RESAMPLES)
    means: Floats = scores @ counts.T / questions
    return np.round(means, 12)  # sums of the same scores in another order are equal


def _taus(means: Mapping[str, Floats], first: Sequence[str], second: Sequence[str]) -> Floats:
    """Return the families' tau in each resample, float64 [resamples], of means [strategies, resamples] of each kind."""
    families = (np.mean([standardised(means[kind]) for kind in kinds], axis=0) for kinds in (first, second))
    one, other = (np.round(values, 9) for values in families)
    return kendall(one, other)
