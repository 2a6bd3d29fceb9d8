"""The users who gain least: chosen on one half of their questions, scored on the other."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from app.evaluation.statistics.cluster_totals import cluster_totals
from app.evaluation.statistics.score_table import Flags, Integers, Numbers

FEWEST_DECILE_USERS = 20
FEWEST_QUESTIONS = 5
SPLITS = 20
_TIE = 1e-12


class WorstDecile(BaseModel):
    """The mean gain of the tenth of the users who gain least; described, not tested."""

    model_config = ConfigDict(frozen=True)

    is_shown: bool = Field(description="false: not enough users (20 with 5 independent questions each)")
    users: int = Field(description="with 5 independent questions or more")
    decile_users: int = Field(description="how many of them are the tenth; 0 where it is not shown")
    gain: float | None = Field(
        description="cross-fitted: chosen on one half of their questions, scored on the other; unbiased for the users "
        "so chosen, and milder than the true tenth where users differ"
    )
    naive_gain: float | None = Field(
        description="chosen and scored on the same questions: worse than the true tenth, as chance chooses too"
    )


def worst_decile(gain: Numbers, users: Integers, clusters: Integers, seed: int) -> WorstDecile:
    """Return the worst decile of `gain` [Q]; `clusters` number questions that count once for a user and stay together.

    The halves are drawn 20 times and each serves once to choose and once to score. Every user counts alike.
    """
    sums, sizes, owners = _units(gain, users, clusters)
    units = np.bincount(owners)
    is_enough = units >= FEWEST_QUESTIONS
    found = int(np.count_nonzero(is_enough))
    if found < FEWEST_DECILE_USERS:
        return WorstDecile(is_shown=False, users=found, decile_users=0, gain=None, naive_gain=None)
    chosen = is_enough[owners]
    starts = np.concatenate([[0], np.cumsum(units[is_enough])[:-1]])
    sums, sizes = sums[chosen], sizes[chosen]
    means = np.add.reduceat(sums, starts) / np.add.reduceat(sizes, starts)
    one, other = _halves(sums, sizes, starts, seed)
    fitted = np.concatenate([decile_mean(one, other), decile_mean(other, one)])
    return WorstDecile(
        is_shown=True,
        users=found,
        decile_users=found // 10,
        gain=float(fitted.mean()),
        naive_gain=float(decile_mean(means, means)),
    )


def decile_mean(chosen_by: Numbers, scored_by: Numbers) -> Numbers:
    """Return the mean of `scored_by` [..., U] over the tenth of the users who are lowest in `chosen_by` [..., U].

    Users who tie for the last places share them.
    """
    places = chosen_by.shape[-1] // 10
    last = np.partition(chosen_by, places - 1, axis=-1)[..., places - 1 : places]
    is_below, is_tied = chosen_by < last - _TIE, np.abs(chosen_by - last) <= _TIE
    left = places - is_below.sum(axis=-1, keepdims=True)
    weights = is_below + is_tied * (left / is_tied.sum(axis=-1, keepdims=True))
    return np.asarray((weights * scored_by).sum(axis=-1) / places)


def _units(gain: Numbers, users: Integers, clusters: Integers) -> tuple[Numbers, Numbers, Integers]:
    """Return sums and sizes of each user's clusters, and whose they are, all in the order of the users."""
    width = int(clusters.max()) + 1
    pairs, unit = np.unique(users * width + clusters, return_inverse=True)
    totals = cluster_totals(gain[np.newaxis], unit)
    return totals.sums[0], totals.sizes, np.asarray(pairs // width, dtype=np.int64)


def _halves(sums: Numbers, sizes: Numbers, starts: Integers, seed: int) -> tuple[Numbers, Numbers]:
    """Return the users' means on either half of their units, [splits, users] each."""
    units = np.diff(np.append(starts, len(sums)))
    owners = np.repeat(np.arange(len(units)), units)
    keys = np.random.default_rng([seed, 24]).random((SPLITS, len(sums)))
    order = np.argsort(owners + keys, axis=1)
    is_one: Flags = np.arange(len(sums)) - starts[owners] < (units // 2)[owners]
    halves = [
        np.add.reduceat(sums[order] * is_in, starts, axis=1) / np.add.reduceat(sizes[order] * is_in, starts, axis=1)
        for is_in in (is_one, ~is_one)
    ]
    return halves[0], halves[1]
