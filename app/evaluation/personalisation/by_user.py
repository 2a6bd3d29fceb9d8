"""Means whose unit is the user: estimates with intervals, and comparisons with a verdict."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, cast

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from app.evaluation.statistics.cluster_totals import ClusterTotals, cluster_totals
from app.evaluation.statistics.intervals import (
    Counts,
    Intervals,
    difference_intervals,
    draw_resamples,
    score_intervals,
)
from app.evaluation.statistics.power import detectable, more_to_detect
from app.evaluation.statistics.score_table import Integers, Numbers, numbered
from app.evaluation.statistics.sign_flip import Signs, draw_signs, draws_needed
from app.evaluation.statistics.verdict import judge

FEWEST_USERS = 10
"""With fewer users there is no verdict: they say too little of other users."""

Arm = Literal["own", "anonymous", "nearest_placebo", "placebo_within", "placebo_across"]
UserVerdict = Literal["better", "worse", "equivalent", "too_close_to_call", "not_enough_users", "not_asked"]
UserReason = Literal["smaller_than_margin", "not_enough_evidence"]


class Estimate(BaseModel):
    """A mean over questions with its 95 % interval over users."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float = Field(description="lower end of the 95 % interval over users")
    high: float = Field(description="upper end of the 95 % interval over users")
    interval_method: Literal["bca", "plus_two"] = Field(description="plus_two: few users differ, or all alike")
    users: int
    questions: int


class Comparison(BaseModel):
    """How one arm is to another, with users as clusters; differences are the first's score less the second's."""

    model_config = ConfigDict(frozen=True)

    first: Arm
    second: Arm
    difference: Estimate | None = Field(description="null where no question has both scores")
    mean_of_users: float | None = Field(description="the same with every user counting alike; described, not tested")
    p: float | None = Field(description="paired sign-flip randomisation over users; null where there is no verdict")
    verdict: UserVerdict = Field(
        description="not_enough_users: under 10; not_asked: the gain over anonymous was not shown, so nothing follows"
    )
    reason: UserReason | None = Field(description="why it is too close to call; null for other verdicts")
    equivalence_low: float | None = Field(description="lower end of the plus-two 90 % interval")
    equivalence_high: float | None = Field(description="upper end of the plus-two 90 % interval")
    users_above: int = Field(description="users to whose questions the first gives more")
    users_level: int
    users_below: int = Field(description="users to whose questions the first gives less")
    detectable: float | None = Field(description="difference that so many users show with a power of .8")
    users_to_detect: int | None = Field(
        description="how many more users would show a difference as large as the margin; null unless too close to call"
    )


class Draws:
    """The random draws of one analysis: equal numbers of users meet equal resamples and signs."""

    def __init__(self, resamples: int, seed: int, look: int) -> None:
        self._resamples, self._seed, self._look = resamples, seed, look
        self._counts: dict[int, Counts] = {}

    def counts(self, users: int) -> Counts:
        """Return how often each user stands in each resample."""
        if users not in self._counts:
            self._counts[users] = draw_resamples(users, self._resamples, self._seed)
        return self._counts[users]

    def signs(self, users: int) -> Iterable[Signs]:
        """Return the patterns of signs."""
        return draw_signs(users, draws_needed(1, self._look), self._seed)


def user_totals(values: Numbers, users: Integers) -> ClusterTotals | None:
    """Add `values` [Q] up by user, without the questions where they are NaN; None where all are."""
    rows = np.flatnonzero(~np.isnan(values))
    if not len(rows):
        return None
    return cluster_totals(values[np.newaxis, rows], numbered(users[rows].tolist()))


def estimate(values: Numbers, users: Integers, draws: Draws, *, is_difference: bool) -> Estimate | None:
    """Return the mean of `values` [Q], shares within [0, 1] or differences within [-1, 1]; None where all are NaN."""
    totals = user_totals(values, users)
    if totals is None:
        return None
    intervals = (difference_intervals if is_difference else score_intervals)(totals, draws.counts(totals.clusters))
    return _estimate(totals, intervals)


def compare(
    first: Arm, second: Arm, values: Numbers, users: Integers, draws: Draws, *, margin: float, alpha: float
) -> Comparison:
    """Judge the differences `values` [Q], NaN where there are none, by the rules for pairs of strategies.

    `users` [Q] number the clusters.
    """
    totals = user_totals(values, users)
    if totals is None:
        return _unknown(first, second)
    found = judge(
        totals, 1, signs=draws.signs(totals.clusters), counts=draws.counts(totals.clusters), margin=margin, alpha=alpha
    )
    is_enough = totals.clusters >= FEWEST_USERS
    verdict = cast(UserVerdict, str(found.verdicts[0]) if is_enough else "not_enough_users")
    is_open, error = verdict == "too_close_to_call", float(totals.standard_errors[0])
    seen = float(detectable(totals.standard_errors, alpha)[0])
    sums = totals.sums[0]
    reason: UserReason = "smaller_than_margin" if found.is_shown[0] else "not_enough_evidence"
    return Comparison(
        first=first,
        second=second,
        difference=_estimate(totals, found.intervals),
        mean_of_users=float((sums / totals.sizes).mean()),
        p=float(found.p[0]) if is_enough else None,
        verdict=verdict,
        reason=reason if is_open else None,
        equivalence_low=float(found.equivalence_low[0]),
        equivalence_high=float(found.equivalence_high[0]),
        users_above=int(np.count_nonzero(sums > 0)),
        users_level=int(np.count_nonzero(sums == 0)),
        users_below=int(np.count_nonzero(sums < 0)),
        detectable=seen if math.isfinite(seen) else None,
        users_to_detect=more_to_detect(error, totals.clusters, margin, alpha, 1) if is_open else None,
    )


def stricter(one: Comparison, other: Comparison) -> Comparison:
    """Return `one` with no more than `other` allows: the same comparison by two kinds of clusters.

    A verdict stands where both give it, intervals hold both, p is the larger.
    """
    if one.difference is None or other.difference is None or "not_enough_users" in (one.verdict, other.verdict):
        nothing = {"verdict": "not_enough_users", "p": None, "reason": None, "users_to_detect": None}
        return one.model_copy(update=nothing)
    low, high = min(one.difference.low, other.difference.low), max(one.difference.high, other.difference.high)
    is_open = one.verdict != other.verdict or one.verdict == "too_close_to_call"
    is_small = is_open and {one.reason, other.reason} <= {"smaller_than_margin", None}
    reason = "smaller_than_margin" if is_small else "not_enough_evidence"
    return one.model_copy(
        update={
            "difference": one.difference.model_copy(update={"low": low, "high": high}),
            "p": max(_there(one.p, other.p), default=None),
            "verdict": "too_close_to_call" if is_open else one.verdict,
            "reason": reason if is_open else None,
            "equivalence_low": min(_there(one.equivalence_low, other.equivalence_low), default=None),
            "equivalence_high": max(_there(one.equivalence_high, other.equivalence_high), default=None),
            "detectable": max(_there(one.detectable, other.detectable), default=None),
            "users_to_detect": max(_there(one.users_to_detect, other.users_to_detect), default=None),
        }
    )


def _there(*values: float | None) -> list[float]:
    return [value for value in values if value is not None]


def _estimate(totals: ClusterTotals, intervals: Intervals) -> Estimate:
    return Estimate(
        value=float(totals.means[0]),
        low=float(intervals.low[0]),
        high=float(intervals.high[0]),
        interval_method="plus_two" if intervals.is_plus_two[0] else "bca",
        users=totals.clusters,
        questions=totals.questions,
    )


def _unknown(first: Arm, second: Arm) -> Comparison:
    return Comparison(
        first=first,
        second=second,
        difference=None,
        mean_of_users=None,
        p=None,
        verdict="not_enough_users",
        reason=None,
        equivalence_low=None,
        equivalence_high=None,
        users_above=0,
        users_level=0,
        users_below=0,
        detectable=None,
        users_to_detect=None,
    )
