"""From users' scores to what is said of personalisation."""

from __future__ import annotations

from typing import cast

import numpy as np

from app.evaluation.personalisation.by_user import Arm, Comparison, Draws, Estimate, compare, estimate, stricter
from app.evaluation.personalisation.conclusion import Conclusion, Verdicts, conclude
from app.evaluation.personalisation.result import (
    Changes,
    Comparisons,
    Harm,
    HarmAndHelp,
    PersonalisationFindings,
    PersonalisationPlan,
)
from app.evaluation.personalisation.sentences import conclusion_sentence
from app.evaluation.personalisation.table import PersonalisationTable, PlaceboScores
from app.evaluation.personalisation.worst_decile import worst_decile
from app.evaluation.statistics.holm import level_at_look
from app.evaluation.statistics.score_table import Flags, Integers, Numbers, numbered
from app.evaluation.statistics.strategy_score import MOST_FAILURES

FEWEST_QUESTION_CLUSTERS = 20
_DECIMALS = 12


def find_personalisation(table: PersonalisationTable, plan: PersonalisationPlan) -> PersonalisationFindings:
    """Return the findings; they are made of table and plan alone, and the order of the rows does not matter."""
    table = table.in_order()
    users, draws = table.user_numbers, Draws(plan.resamples, plan.seed, plan.look)
    alpha = level_at_look(plan.alpha, plan.look)
    comparisons = _comparisons(table, users, draws, margin=plan.margin, alpha=alpha)
    failures = int(np.count_nonzero(table.failed))
    reason = _too_many_failures(failures, len(users))
    conclusion = _conclusion(comparisons, reason)
    placebo_helps = "better" in (comparisons.within_gain.verdict, comparisons.across_gain.verdict)
    return PersonalisationFindings(
        metric=plan.metric,
        conclusion=conclusion,
        conclusion_sentence=conclusion_sentence(conclusion, comparisons, plan.metric, reason),
        comparisons=comparisons,
        placebo_reading="workspace_or_group_effect" if placebo_helps else None,
        harm=_harm(table, users, draws, plan.harm_threshold),
        changes=_changes(table, users, draws),
        worst_decile=worst_decile(table.gain, users, numbered(table.clusters), plan.seed),
        users=int(users.max()) + 1,
        questions=len(users),
        failures=failures,
        no_conclusion_reason=reason,
        scope_note=_scope(table),
        draws_within=len(table.within.scores),
        draws_across=len(table.across.scores),
        margin=plan.margin,
        look=plan.look,
        alpha_used=alpha,
    )


def _comparisons(
    table: PersonalisationTable, users: Integers, draws: Draws, *, margin: float, alpha: float
) -> Comparisons:
    within, across = table.within.means, table.across.means
    nearest = table.nearest(within, across)

    def judged(first: Arm, second: Arm, values: Numbers, clusters: Integers = users) -> Comparison:
        return compare(first, second, np.round(values, _DECIMALS), clusters, draws, margin=margin, alpha=alpha)

    def judged_placebo(arm: Arm, placebo: PlaceboScores, means: Numbers) -> Comparison:
        """Judge by user and by donor: a few good profiles that are lent to all must not pass for an effect."""
        cells, donors = (placebo.scores - table.anonymous).ravel(), placebo.donors(table.users).ravel()
        by_user = judged(arm, "anonymous", means - table.anonymous)
        return stricter(by_user, judged(arm, "anonymous", cells, donors))

    gain = judged("own", "anonymous", table.gain)
    return Comparisons(
        gain=gain,
        own_over_nearest=_after(gain, judged("own", "nearest_placebo", table.own - nearest)),
        own_over_within=_after(gain, judged("own", "placebo_within", table.own - within)),
        own_over_across=_after(gain, judged("own", "placebo_across", table.own - across)),
        within_gain=_after(gain, judged_placebo("placebo_within", table.within, within)),
        across_gain=_after(gain, judged_placebo("placebo_across", table.across, across)),
    )


def _after(gain: Comparison, following: Comparison) -> Comparison:
    """Return the comparison without a verdict unless the gain has one: what is not there has no source."""
    if gain.verdict in ("better", "worse") or following.verdict == "not_enough_users":
        return following
    return following.model_copy(update={"verdict": "not_asked", "p": None, "reason": None, "users_to_detect": None})


def _conclusion(comparisons: Comparisons, no_conclusion_reason: str | None) -> Conclusion:
    found = conclude(
        Verdicts(
            gain=np.array([comparisons.gain.verdict]),
            own_over_nearest=np.array([comparisons.own_over_nearest.verdict]),
            own_over_across=np.array([comparisons.own_over_across.verdict]),
            within_gain=np.array([comparisons.within_gain.verdict]),
            across_gain=np.array([comparisons.across_gain.verdict]),
        )
    )[0]
    if no_conclusion_reason is not None and found != "not_enough_users":
        return "no_effect_shown"
    return cast(Conclusion, str(found))


def _harm(table: PersonalisationTable, users: Integers, draws: Draws, threshold: float) -> Harm:
    harmed, helped = _beyond(table.gain, threshold)
    within, across = (_placebo_shares(placebo, table, threshold) for placebo in (table.within, table.across))
    nearest_harmed, nearest_helped = table.nearest(within[0], across[0]), table.nearest(within[1], across[1])
    is_there = ~np.isnan(nearest_harmed)
    own = _harm_and_help(harmed, helped, users, draws)
    assert own is not None  # every table has rows
    return Harm(
        threshold=threshold,
        own=own,
        placebo_within=_harm_and_help(*within, users, draws),
        placebo_across=_harm_and_help(*across, users, draws),
        own_at_placebo_questions=_harm_and_help(
            np.where(is_there, harmed, np.nan), np.where(is_there, helped, np.nan), users, draws
        ),
        harm_beyond_placebo=estimate(harmed - nearest_harmed, users, draws, is_difference=True),
        help_beyond_placebo=estimate(helped - nearest_helped, users, draws, is_difference=True),
    )


def _placebo_shares(placebo: PlaceboScores, table: PersonalisationTable, threshold: float) -> tuple[Numbers, Numbers]:
    """Return in what share of the draws each question is harmed, and helped; NaN where nobody lent."""
    gains: Numbers = np.asarray(np.round(placebo.scores - table.anonymous, _DECIMALS))
    harmed, helped = _beyond(gains, threshold)
    return placebo.mean_of(harmed), placebo.mean_of(helped)


def _beyond(gains: Numbers, threshold: float) -> tuple[Numbers, Numbers]:
    """Return where more than the threshold is lost, and where more is gained, as 0 and 1."""
    is_harmed: Flags = gains < -threshold
    is_helped: Flags = gains > threshold
    return is_harmed.astype(np.float64), is_helped.astype(np.float64)


def _harm_and_help(harmed: Numbers, helped: Numbers, users: Integers, draws: Draws) -> HarmAndHelp | None:
    harm = estimate(harmed, users, draws, is_difference=False)
    gained = estimate(helped, users, draws, is_difference=False)
    return None if harm is None or gained is None else HarmAndHelp(harm=harm, help=gained)


def _changes(table: PersonalisationTable, users: Integers, draws: Draws) -> Changes:
    share = estimate(table.changed.astype(np.float64), users, draws, is_difference=False)
    assert share is not None  # every table has rows
    gain: Estimate | None = estimate(np.where(table.changed, table.gain, np.nan), users, draws, is_difference=True)
    return Changes(share=share, gain_among_changed=gain)


def _too_many_failures(failures: int, questions: int) -> str | None:
    if failures <= MOST_FAILURES * questions:
        return None
    return (
        f"{failures} of {questions} questions failed, more than {MOST_FAILURES:.0%}: nothing is concluded; mend the "
        "cause and run again"
    )


def _scope(table: PersonalisationTable) -> str | None:
    clusters = len(set(table.clusters))
    if clusters >= FEWEST_QUESTION_CLUSTERS:
        return None
    return f"holds for new users who ask these {clusters} independent questions, not for new questions"
