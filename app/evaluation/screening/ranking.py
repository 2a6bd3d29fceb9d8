"""Which strategies are worth keeping: standardised means of several kinds of questions, and half of the field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Decision = Literal["upper_half", "within_one_standard_error", "too_few_strategies", "not_measured", "dropped"]

FEWEST_STRATEGIES = 4
"""Among fewer nothing is dropped."""

_EQUAL = 1e-12
"""Means whose spread is less differ by rounding alone."""


def standardised(means: Floats) -> Floats:
    """Return how many standard deviations each mean lies above their mean, 0 where all agree: float64 [strategies], or
    [strategies, resamples], each of which is standardised by itself.
    """
    spread = means.std(axis=0)
    standard: Floats = np.divide(means - means.mean(axis=0), spread, out=np.zeros_like(means), where=spread > _EQUAL)
    return standard


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """A weighted sum of standardised means. `scores` are float64 [strategies, questions] for each source of them."""

    scores: Mapping[str, Floats]
    weights: Mapping[str, float]

    @property
    def values(self) -> Floats:
        """Return float64 [strategies]."""
        terms = [weight * standardised(self.scores[name].mean(axis=1)) for name, weight in self.weights.items()]
        total: Floats = np.sum(terms, axis=0)
        return total

    def standard_error(self, first: int, second: int) -> float:
        """Return the standard error of the difference between two strategies' values over questions of these kinds.

        Questions are paired; the spread between strategies, by which means are standardised, is taken as given.
        """
        variance = 0.0
        for name, weight in self.weights.items():
            scores = self.scores[name]
            spread = float(scores.mean(axis=1).std())
            if spread > _EQUAL:
                differences = scores[first] - scores[second]
                variance += (weight / spread) ** 2 * float(differences.var(ddof=1)) / len(differences)
        return math.sqrt(variance)


def decide(combination: Combination) -> list[Decision]:
    """Return for each strategy why it is kept, or `dropped`.

    The upper half is kept (of an odd number the larger one, of equal values all), and whoever lies below the last of
    it by no more than one standard error of that difference.
    """
    values = combination.values
    if len(values) < FEWEST_STRATEGIES:
        return ["too_few_strategies"] * len(values)
    last = int(np.argsort(-values, kind="stable")[math.ceil(len(values) / 2) - 1])
    return [_decision(combination, number, last, float(values[last] - values[number])) for number in range(len(values))]


def _decision(combination: Combination, number: int, last: int, behind: float) -> Decision:
    if behind <= _EQUAL:
        return "upper_half"
    return "within_one_standard_error" if behind <= combination.standard_error(number, last) else "dropped"
