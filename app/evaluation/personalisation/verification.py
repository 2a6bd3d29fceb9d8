"""Whether the statistics of personalisation keep what they promise: rules 22 to 24, measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from app.evaluation.personalisation.conclusion import Words, conclude
from app.evaluation.personalisation.simulation import (
    Gains,
    World,
    by_user,
    conclusions,
    simulated,
    verdicts,
    verdicts_on,
)
from app.evaluation.personalisation.worst_decile import decile_mean, worst_decile
from app.evaluation.statistics.check import Check
from app.evaluation.statistics.intervals import difference_intervals, score_intervals
from app.evaluation.statistics.simulation import alarms_of, judged, separate, shared_draws

PLANTED = 0.12
EFFECTS = ("personal_effect", "group_effect", "workspace_effect")


def no_signal(repetitions: int, seed: int) -> Iterator[Check]:
    """Rule 22: how often an effect is claimed where profiles only add noise that a user's questions share."""
    random = np.random.default_rng([seed, 22])
    gains = simulated(World(), repetitions, random)
    found = verdicts_on(gains)
    yield Check(rule=22, what="no signal, 30 users: better or worse", measured=_alarms(found.gain), at_most=0.06)
    by_question = alarms_of(judged(separate(gains.own.reshape(repetitions, -1))))
    what = "the same by question instead of by user (for comparison)"
    yield Check(rule=22, what=what, measured=float(by_question.mean()))
    said = conclude(found)
    yield Check(rule=22, what="no signal: a personal effect", measured=_share(said, "personal_effect"), at_most=0.05)
    yield Check(rule=22, what="no signal: any effect", measured=_share(said, *EFFECTS), at_most=0.05)
    for what, world in (
        ("10 users", World(users=10)),
        ("30 users, 45 % of the questions changed", World(changed=0.45)),
        ("30 users, profiles of unlike worth", World(worth=0.1)),
    ):
        alarms = _alarms(verdicts(by_user(simulated(world, repetitions, random).own)))
        yield Check(rule=22, what=f"no signal, {what}: better or worse", measured=alarms, at_most=0.06)


def planted_signals(repetitions: int, seed: int) -> Iterator[Check]:
    """Rule 23: whether a signal is found, and called whose it is."""
    random = np.random.default_rng([seed, 23])
    said = conclusions(World(private=PLANTED), repetitions, random)
    yield _found("private", "personal_effect", said)
    wrong = _share(said, "group_effect", "workspace_effect")
    yield Check(rule=23, what="private signal: a group's or workspace's effect", measured=wrong, at_most=0.05)
    found = verdicts_on(simulated(World(private=PLANTED, worth=0.1), repetitions, random))
    helps = float(np.mean((found.within_gain == "better") | (found.across_gain == "better")))
    what = "private signal, profiles of unlike worth: a placebo helps"
    yield Check(rule=23, what=what, measured=helps, at_most=0.06)
    gains = simulated(World(group=PLANTED), repetitions, random)
    found = verdicts_on(gains)
    said = conclude(found)
    yield _found("group", "group_effect", said)
    yield Check(rule=23, what="group signal: a personal effect", measured=_share(said, "personal_effect"), at_most=0.05)
    helps = float(np.mean(found.within_gain == "better"))
    yield Check(rule=23, what="group signal: the placebo within groups helps (for comparison)", measured=helps)
    said = conclusions(World(workspace=PLANTED), repetitions, random)
    yield _found("workspace", "workspace_effect", said)
    wrong = _share(said, "personal_effect", "group_effect")
    yield Check(rule=23, what="workspace signal: a personal or a group effect", measured=wrong, at_most=0.05)
    said = conclusions(World(workspace=PLANTED, worth=0.1), repetitions, random)
    personal = _share(said, "personal_effect")
    what = "workspace signal, profiles of unlike worth: a personal effect"
    yield Check(rule=23, what=what, measured=personal, at_most=0.05)
    said = conclusions(World(private=-PLANTED), repetitions, random)
    yield _found("harmful", "harmful", said)


def harm(repetitions: int, seed: int) -> Iterator[Check]:
    """Rule 24: the share of questions harmed, by user, and beyond what any profile harms."""
    random = np.random.default_rng([seed, 24])
    gains = simulated(World(), repetitions, random)
    truth = float(gains.harmed.mean())
    yield Check(rule=24, what="pure noise: share of questions harmed (for comparison)", measured=truth)
    yield Check(rule=24, what="coverage of the share harmed, 30 users", measured=_covers(gains, truth), at_least=0.9)
    by_question = score_intervals(separate(gains.harmed.reshape(repetitions, -1)), shared_draws(300)[1])
    held = float(np.mean((by_question.low <= truth) & (truth <= by_question.high)))
    yield Check(rule=24, what="the same by question instead of by user (for comparison)", measured=held)
    beyond = by_user(gains.harmed - gains.harmed_nearest)
    intervals = difference_intervals(beyond, shared_draws(beyond.clusters)[1])
    measured = float(np.mean((intervals.low > 0) | (intervals.high < 0)))
    yield Check(rule=24, what="pure noise: harm beyond the placebo's, or below", measured=measured, at_most=0.1)


def worst_tenth(repetitions: int, seed: int) -> Iterator[Check]:
    """Rule 24: by how much the gain of the tenth of 50 users who gain least is off."""
    random = np.random.default_rng([seed, 25])
    users, clusters = np.repeat(np.arange(50), 10), np.arange(500)
    for what, spread in (("users alike", 0.0), ("users unlike", 0.1)):
        truth = random.normal(0.05, spread, (repetitions, 50))
        gains = np.repeat(truth, 10, axis=1) + random.normal(0, 0.2, (repetitions, 500))
        found = [worst_decile(gain, users, clusters, seed=number) for number, gain in enumerate(gains)]
        worst = float(decile_mean(truth, truth).mean())
        fitted = float(np.mean([one.gain for one in found])) - worst
        naive = float(np.mean([one.naive_gain for one in found])) - worst
        is_alike = spread == 0
        yield Check(
            rule=24,
            what=f"worst tenth cross-fitted, {what}: off the true one{'' if is_alike else ' (for comparison)'}",
            measured=fitted,
            at_least=-0.005 if is_alike else None,
            at_most=0.005 if is_alike else None,
        )
        yield Check(rule=24, what=f"worst tenth naive, {what}: off the true one (for comparison)", measured=naive)


GROUPS: tuple[Callable[[int, int], Iterator[Check]], ...] = (no_signal, planted_signals, harm, worst_tenth)


def _found(signal: str, conclusion: str, said: Words) -> Check:
    words = conclusion.replace("_", " ")
    what = f"{signal} signal of {PLANTED:g}, 30 users with 10 questions: {words}"
    return Check(rule=23, what=what, measured=_share(said, conclusion), at_least=0.8)


def _share(said: Words, *wanted: str) -> float:
    return float(np.isin(said, wanted).mean())


def _alarms(found: Words) -> float:
    return _share(found, "better", "worse")


def _covers(gains: Gains, truth: float) -> float:
    totals = by_user(gains.harmed)
    found = score_intervals(totals, shared_draws(totals.clusters)[1])
    return float(np.mean((found.low <= truth) & (truth <= found.high)))
