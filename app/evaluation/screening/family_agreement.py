"""Whether lookup and aboutness questions order the strategies alike: Kendall's tau, with a bootstrap interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau

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
    means = {kind: scores[kind].mean(axis=1) for kind in (*first, *second)}
    generator = np.random.default_rng(seed)
    drawn = {kind: _resampled_means(scores[kind], generator) for kind in means}
    taus = [
        _tau(_family({kind: column[:, number] for kind, column in drawn.items()}, first, second))
        for number in range(RESAMPLES)
    ]
    low, high = np.quantile(taus, (0.025, 0.975))
    return FamilyAgreement(tau=_tau(_family(means, first, second)), low=float(low), high=float(high))


def _resampled_means(scores: Floats, generator: np.random.Generator) -> Floats:
    """Return float64 [strategies, RESAMPLES]."""
    questions = scores.shape[1]
    counts = generator.multinomial(questions, np.full(questions, 1 / questions), size=RESAMPLES)
    means: Floats = scores @ counts.T / questions
    return np.round(means, 12)  # sums of the same scores in another order are equal


def _family(means: Mapping[str, Floats], first: Sequence[str], second: Sequence[str]) -> tuple[Floats, Floats]:
    return (
        np.mean([standardised(means[kind]) for kind in first], axis=0),
        np.mean([standardised(means[kind]) for kind in second], axis=0),
    )


def _tau(orders: tuple[Floats, Floats]) -> float:
    tau = float(kendalltau(*(np.round(order, 9) for order in orders)).statistic)
    return 0.0 if np.isnan(tau) else tau
