"""The verdict on pairs of strategies: exactly one of four, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from app.evaluation.statistics.cluster_totals import ClusterTotals
from app.evaluation.statistics.equivalence import equivalence_intervals, is_within
from app.evaluation.statistics.holm import holm
from app.evaluation.statistics.intervals import Counts, Intervals, difference_intervals
from app.evaluation.statistics.score_table import Flags, Numbers
from app.evaluation.statistics.sign_flip import Signs, sign_flip_p

Verdict = Literal["equivalent", "better", "worse", "too_close_to_call"]
Reason = Literal["not_enough_questions", "smaller_than_margin"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgements:
    """What was found of N differences: arrays [N]; `verdicts` say how the first of a pair is to the second.

    `is_shown` tells where a difference from 0 is shown, large or small.
    """

    means: Numbers
    intervals: Intervals
    p: Numbers
    holm_p: Numbers
    equivalence_low: Numbers
    equivalence_high: Numbers
    verdicts: npt.NDArray[np.str_]
    is_shown: Flags

    @property
    def is_alarm(self) -> Flags:
        """Tell which pairs are called better or worse."""
        return np.isin(self.verdicts, ("better", "worse"))


def judge(
    differences: ClusterTotals, family: int, *, signs: Iterable[Signs], counts: Counts, margin: float, alpha: float
) -> Judgements:
    """Judge N differences, of which each `family` in turn are tested together; N is a multiple of it.

    `equivalent` where the plus-two 90 % interval lies within the margin; else `better` or `worse` where Holm's p is
    below `alpha`, the 95 % interval excludes 0 and the difference reaches the margin; else `too_close_to_call`.
    """
    means, intervals = differences.means, difference_intervals(differences, counts)
    p = sign_flip_p(differences, signs)
    holm_p = holm(p.reshape(-1, family)).ravel()
    low, high = equivalence_intervals(differences)
    is_shown = (holm_p < alpha) & ((intervals.low > 0) | (intervals.high < 0))
    is_large = is_shown & (np.abs(means) >= margin - 1e-12)
    verdicts = np.select(
        [is_within(low, high, margin), is_large & (means > 0), is_large],
        ["equivalent", "better", "worse"],
        "too_close_to_call",
    )
    return Judgements(
        means=means,
        intervals=intervals,
        p=p,
        holm_p=holm_p,
        equivalence_low=low,
        equivalence_high=high,
        verdicts=verdicts,
        is_shown=is_shown,
    )
