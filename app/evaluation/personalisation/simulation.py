"""Users and profiles of which the truth is known: what helps is the user's own, the group's, anybody's, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from app.evaluation.personalisation.conclusion import Verdicts, Words, conclude
from app.evaluation.personalisation.derangements import Derangements, across_groups, derangements, within_groups
from app.evaluation.statistics.cluster_totals import ClusterTotals
from app.evaluation.statistics.score_table import Flags, Numbers
from app.evaluation.statistics.simulation import judged, verdicts_of

HARM_THRESHOLD = 0.1
_REPETITIONS_AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a profile does to the score of a question, in parts that add up.

    `private` where it is the user's own, `group` where its owner shares the user's group, `workspace` always. By
    chance: `worth` spreads the profiles, `fit` the pairs of user and profile, `noise` the questions; a profile changes
    only a share `changed` of the questions.
    """

    private: float = 0.0
    group: float = 0.0
    workspace: float = 0.0
    worth: float = 0.0
    fit: float = 0.15
    noise: float = 0.2
    changed: float = 1.0
    users: int = 30
    questions: int = 10
    group_size: int = 5

    @property
    def groups(self) -> list[tuple[str]]:
        """Return the group of each user."""
        return [(str(user // self.group_size),) for user in range(self.users)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gains:
    """Gains over anonymous, [repetitions, users, questions]; the placebos' are means over their draws.

    `within_by_donor` and `across_by_donor` add the same gains up by whose profile it is. `harmed_nearest`: the share
    of the groupmates' profiles that harm the question.
    """

    own: Numbers
    within: Numbers
    across: Numbers
    within_by_donor: ClusterTotals
    across_by_donor: ClusterTotals
    harmed_nearest: Numbers

    @property
    def harmed(self) -> Numbers:
        """Return where the own profile harms, as 0 and 1."""
        return np.asarray(self.own < -HARM_THRESHOLD, dtype=np.float64)


def simulated(world: World, repetitions: int, random: np.random.Generator) -> Gains:
    """Draw the gains; all repetitions share the derangements."""
    users = [str(user) for user in range(world.users)]
    within, across = (
        _lending(derangements(users, seed=1, may_lend=may_lend))
        for may_lend in (within_groups(world.groups), across_groups(world.groups))
    )
    parts = [
        _gains(effects, within, across) for effects in _effects(world, repetitions, random, within_groups(world.groups))
    ]
    return Gains(
        own=np.concatenate([part.own for part in parts]),
        within=np.concatenate([part.within for part in parts]),
        across=np.concatenate([part.across for part in parts]),
        within_by_donor=_joined([part.within_by_donor for part in parts]),
        across_by_donor=_joined([part.across_by_donor for part in parts]),
        harmed_nearest=np.concatenate([part.harmed_nearest for part in parts]),
    )


def by_user(gains: Numbers) -> ClusterTotals:
    """Return totals [N, users] of gains [N, users, questions]."""
    sizes = np.full(gains.shape[1], float(gains.shape[2]))
    return ClusterTotals(sums=np.round(gains.sum(axis=2), 12), sizes=sizes)


def verdicts(totals: ClusterTotals) -> Words:
    """Return the verdicts [N] on N gains."""
    return np.array(verdicts_of(judged(totals)))


def verdicts_on(gains: Gains) -> Verdicts:
    """Return the verdicts that a conclusion rests on; every user has groupmates, so they are the nearest placebo."""
    return Verdicts(
        gain=verdicts(by_user(gains.own)),
        own_over_nearest=verdicts(by_user(gains.own - gains.within)),
        own_over_across=verdicts(by_user(gains.own - gains.across)),
        within_gain=_where_both(verdicts(by_user(gains.within)), verdicts(gains.within_by_donor)),
        across_gain=_where_both(verdicts(by_user(gains.across)), verdicts(gains.across_by_donor)),
    )


def conclusions(world: World, repetitions: int, random: np.random.Generator) -> Words:
    """Return what is concluded in each repetition."""
    return conclude(verdicts_on(simulated(world, repetitions, random)))


def _effects(world: World, repetitions: int, random: np.random.Generator, is_mate: Flags) -> Iterator[Numbers]:
    """Yield batches of what every profile does to every question, [batch, users, questions, profiles]."""
    is_own = np.eye(world.users)
    truth = world.private * is_own + world.group * (is_own + is_mate) + world.workspace
    for start in range(0, repetitions, _REPETITIONS_AT_ONCE):
        batch = min(_REPETITIONS_AT_ONCE, repetitions - start)
        fit = random.standard_normal((batch, world.users, 1, world.users)) * world.fit
        worth = random.standard_normal((batch, 1, 1, world.users)) * world.worth
        effects = random.standard_normal((batch, world.users, world.questions, world.users))
        effects *= world.noise
        effects += truth[:, np.newaxis] + fit + worth
        if world.changed < 1:
            effects *= random.random(effects.shape) < world.changed
        yield np.clip(effects, -1, 1, out=effects)


def _gains(effects: Numbers, within: Numbers, across: Numbers) -> Gains:
    is_harmed = (effects < -HARM_THRESHOLD).astype(np.float64)
    return Gains(
        own=np.moveaxis(np.diagonal(effects, axis1=1, axis2=3), 1, 2).copy(),
        within=_mean_of_lent(effects, within),
        across=_mean_of_lent(effects, across),
        within_by_donor=_by_donor(effects, within),
        across_by_donor=_by_donor(effects, across),
        harmed_nearest=_mean_of_lent(is_harmed, within),
    )


def _mean_of_lent(values: Numbers, lending: Numbers) -> Numbers:
    return np.asarray((values @ lending[:, :, np.newaxis])[..., 0])


def _by_donor(effects: Numbers, lending: Numbers) -> ClusterTotals:
    sums = (effects.sum(axis=2) * lending).sum(axis=1)
    return ClusterTotals(sums=np.round(sums, 12), sizes=lending.sum(axis=0) * effects.shape[2])


def _joined(parts: list[ClusterTotals]) -> ClusterTotals:
    return ClusterTotals(sums=np.concatenate([part.sums for part in parts]), sizes=parts[0].sizes)


def _where_both(one: Words, other: Words) -> Words:
    return np.where(one == other, one, "too_close_to_call")


def _lending(drawn: Derangements) -> Numbers:
    """Return how large a share of the draws each profile (column) is lent to each user (row)."""
    size = len(drawn.users)
    shares: Numbers = np.zeros((size, size))
    for donors in drawn.donors:
        shares[np.arange(size), donors] += 1 / len(drawn.donors)
    return shares
