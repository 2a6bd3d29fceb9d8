"""The budget beyond which more tokens buy little."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

DIGITS = 9
"""Heights over the chord that agree in so many decimals are equal, so that rounding makes no knee."""


def knee_of(curve: Mapping[int, float]) -> int | None:
    """Return the budget at which the curve lies farthest above its chord, budgets on a logarithmic scale.

    `curve` has the score at each budget in tokens, 1 or more. Budgets and scores are scaled to [0, 1] from the first
    point to the last, and the knee is where their difference is largest, the smallest such budget: Satopää, Albrecht,
    Irwin and Raghavan, "Finding a 'Kneedle' in a Haystack", ICDCS Workshops 2011, without smoothing. None where
    there is no knee: fewer than three budgets, no gain from the first to the last, or no budget above the chord.
    """
    budgets = sorted(curve)
    if len(budgets) < 3:
        return None
    logarithms = np.log(budgets)
    scores = np.array([curve[budget] for budget in budgets])
    gain = scores[-1] - scores[0]
    if gain <= 0:
        return None
    heights = (scores - scores[0]) / gain - (logarithms - logarithms[0]) / (logarithms[-1] - logarithms[0])
    rounded = np.round(heights, DIGITS)
    highest = int(np.argmax(rounded))
    return budgets[highest] if rounded[highest] > 0 else None
