"""What the questions can show, and how many more would be needed: always from the margin, never from what was seen."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtri

from app.evaluation.statistics.score_table import Numbers

POWER = 0.8
MOST_QUESTIONS = 5_000
"""Beyond so many more questions a pair is not worth deciding by labels."""


def detectable(standard_errors: Numbers, alpha: float, comparisons: int = 1) -> Numbers:
    """Return the differences [N] that are found with a chance of .8 among so many comparisons.

    At a level of .05 and one comparison that is 2.80 standard errors; at the level of a look it is more.
    """
    return np.asarray(_factor(alpha, comparisons) * standard_errors)


def more_to_detect(standard_error: float, questions: int, margin: float, alpha: float, comparisons: int) -> int | None:
    """Return how many more questions would tell a difference as large as the margin from none, with a power of .8.

    Clusters are thought to stay as they are; None where a single cluster says nothing of the spread.
    """
    return _more(_factor(alpha, comparisons), standard_error, questions, margin)


def more_to_show_equivalence(standard_error: float, questions: int, margin: float) -> int | None:
    """Return how many more questions would show equivalence with a power of .8 where there is no difference.

    Two one-sided tests at .05, both of which must succeed: 2.93 standard errors within the margin.
    """
    return _more(float(ndtri(0.95) + ndtri(1 - (1 - POWER) / 2)), standard_error, questions, margin)


def _factor(alpha: float, comparisons: int) -> float:
    return float(ndtri(1 - alpha / (2 * comparisons)) + ndtri(POWER))


def _more(factor: float, standard_error: float, questions: int, margin: float) -> int | None:
    if math.isinf(standard_error):
        return None
    needed = questions * (factor * standard_error / margin) ** 2
    return max(0, math.ceil(needed - 1e-9) - questions)
