"""Many comparisons at once: p values that hold for a whole family, and a level that holds for several looks."""

from __future__ import annotations

import math

import numpy as np

from app.evaluation.statistics.score_table import Numbers


def holm(p: Numbers) -> Numbers:
    """Return the adjusted p values of families along the last axis; rejecting those below a level keeps its rate.

    Step-down: Holm, Scandinavian Journal of Statistics 6 (2), 1979.
    """
    family = p.shape[-1]
    order = np.argsort(p, axis=-1, kind="stable")
    scaled = np.take_along_axis(p, order, axis=-1) * np.arange(family, 0, -1)
    adjusted = np.minimum(np.maximum.accumulate(scaled, axis=-1), 1.0)
    found = np.empty_like(adjusted)
    np.put_along_axis(found, order, adjusted, axis=-1)
    return found


def level_at_look(alpha: float, look: int) -> float:
    """Return the level at which the `look`-th run, counted from 1, is tested: all runs together spend `alpha`."""
    return alpha * 6 / (math.pi * look) ** 2
