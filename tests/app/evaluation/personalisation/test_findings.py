"""Planted effects are called by their names, and the figures are those that the scores add up to."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from app.evaluation.personalisation.findings import find_personalisation
from app.evaluation.personalisation.result import PersonalisationFindings, PersonalisationPlan
from app.evaluation.personalisation.sentences import sentences
from app.evaluation.personalisation.table import PersonalisationTable
from tests.app.evaluation.personalisation.scores import (
    PLAN,
    Effect,
    anybodys,
    groups_of,
    harmful,
    nothing,
    private,
    rows_of,
    shared,
    table_of,
)


@pytest.mark.parametrize(
    ("effect", "group_size", "conclusion", "reading"),
    [
        (private, 5, "personal_effect", None),
        (private, 0, "personal_effect", None),
        (private, 30, "personal_effect", None),
        (shared, 5, "group_effect", "workspace_or_group_effect"),
        (anybodys, 5, "workspace_effect", "workspace_or_group_effect"),
        (anybodys, 0, "workspace_effect", "workspace_or_group_effect"),
        (anybodys, 30, "group_effect", "workspace_or_group_effect"),
        (nothing, 5, "no_effect_shown", None),
        (harmful, 5, "harmful", None),
    ],
)
def test_a_planted_effect_is_called_by_its_name(
    effect: Effect, group_size: int, conclusion: str, reading: str | None
) -> None:
    found = find_personalisation(table_of(effect, groups=groups_of(30, group_size)), PLAN)
    assert found.conclusion == conclusion
    assert found.placebo_reading == reading


def test_nine_users_get_figures_and_no_verdict() -> None:
    found = find_personalisation(table_of(private, users=9, groups=groups_of(9, 3)), PLAN)
    assert found.conclusion == "not_enough_users"
    assert found.comparisons.gain.p is None
    assert found.comparisons.gain.difference is not None
    assert found.comparisons.gain.difference.value == pytest.approx(0.2, abs=0.03)


def test_a_few_users_with_groupmates_do_not_hide_the_private_effect_of_the_others() -> None:
    groups = [("team",)] * 4 + [()] * 26
    found = find_personalisation(table_of(private, groups=groups), PLAN)
    assert found.conclusion == "personal_effect"
    assert found.comparisons.own_over_within.verdict == "not_enough_users"
    assert found.comparisons.own_over_nearest.difference is not None
    assert found.comparisons.own_over_nearest.difference.users == 30


def test_without_a_gain_nothing_is_asked_of_the_placebos() -> None:
    comparisons = find_personalisation(table_of(nothing), PLAN).comparisons
    following = (comparisons.own_over_nearest, comparisons.within_gain, comparisons.across_gain)
    assert {one.verdict for one in following} == {"not_asked"}
    assert {one.p for one in following} == {None}


def test_one_good_profile_that_is_lent_to_all_is_no_effect_of_the_workspace() -> None:
    """By user every placebo is a little better; by donor it is one profile that is."""
    found = find_personalisation(
        table_of(lambda user, owner: 0.2 * (user == owner) + 0.9 * (owner == 7), noise=0.01, users=30), PLAN
    )
    assert found.conclusion == "personal_effect"
    assert found.comparisons.across_gain.verdict == "too_close_to_call"
    assert found.placebo_reading is None


def by_hand() -> PersonalisationTable:
    """Return ten users with two questions: one loses a tenth, the other nothing or .3."""
    table = table_of(nothing, users=10, questions=2, noise=0.0)
    anonymous = np.full(20, 0.5)
    own = np.where(np.arange(20) % 2 == 0, 0.4, np.where(np.arange(20) < 8, 0.2, 0.5))
    placebo = np.where(np.arange(20) < 2, 0.8, 0.5)
    return replace(
        table,
        own=own,
        anonymous=anonymous,
        changed=own != anonymous,
        within=replace(table.within, scores=np.tile(placebo, (len(table.within.scores), 1))),
        across=replace(table.across, scores=np.tile(anonymous, (len(table.across.scores), 1))),
    )


def test_harm_help_and_change_by_hand() -> None:
    found = find_personalisation(by_hand(), PLAN)
    harm = found.harm
    assert harm.own.harm.value == pytest.approx(4 / 20)  # a loss of exactly .1 is none of more than .1
    assert harm.own.help.value == 0
    assert harm.placebo_within is not None
    assert harm.placebo_within.help.value == pytest.approx(2 / 20)
    assert harm.placebo_within.harm.value == 0
    assert harm.harm_beyond_placebo is not None
    assert harm.harm_beyond_placebo.value == pytest.approx(4 / 20)
    assert harm.help_beyond_placebo is not None
    assert harm.help_beyond_placebo.value == pytest.approx(-2 / 20)
    assert found.changes.share.value == pytest.approx(14 / 20)
    assert found.changes.gain_among_changed is not None
    assert found.changes.gain_among_changed.value == pytest.approx((10 * -0.1 + 4 * -0.3) / 14)
    assert found.changes.share.low < 0.7 < found.changes.share.high


def test_the_threshold_of_harm_is_a_setting() -> None:
    plan = PersonalisationPlan(metric="recall", seed=5, resamples=500, harm_threshold=0.05)
    assert find_personalisation(by_hand(), plan).harm.own.harm.value == pytest.approx(14 / 20)


def test_a_profile_that_changes_nothing_gives_zeros() -> None:
    table = table_of(nothing, noise=0.0)
    found = find_personalisation(table, PLAN)
    assert found.comparisons.gain.p == 1
    assert found.comparisons.gain.verdict not in ("better", "worse")
    assert found.conclusion == "no_effect_shown"
    assert (found.changes.share.value, found.changes.gain_among_changed) == (0, None)


def test_the_order_of_the_rows_does_not_matter() -> None:
    table = table_of(shared)
    order = np.random.default_rng(8).permutation(len(table.users)).tolist()
    shuffled = replace(
        table,
        users=tuple(table.users[row] for row in order),
        groups=tuple(table.groups[row] for row in order),
        questions=tuple(table.questions[row] for row in order),
        clusters=tuple(table.clusters[row] for row in order),
        own=table.own[order],
        anonymous=table.anonymous[order],
        changed=table.changed[order],
        failed=table.failed[order],
        within=replace(table.within, scores=table.within.scores[:, order]),
        across=replace(table.across, scores=table.across.scores[:, order]),
    )
    assert find_personalisation(shuffled, PLAN) == find_personalisation(table, PLAN)


def test_too_many_failures_leave_no_conclusion() -> None:
    found = find_personalisation(table_of(private, failed=4), PLAN)
    assert found.conclusion == "no_effect_shown"
    assert found.no_conclusion_reason is not None
    assert "4 of 180" in found.conclusion_sentence
    assert find_personalisation(table_of(private, failed=3), PLAN).conclusion == "personal_effect"


def test_a_later_look_is_held_to_a_lower_level() -> None:
    plan = PersonalisationPlan(metric="recall", seed=5, resamples=500, look=2)
    found = find_personalisation(table_of(private), plan)
    assert found.alpha_used == pytest.approx(0.05 * 6 / (np.pi * 2) ** 2)
    assert found.conclusion == "personal_effect"


def test_few_independent_questions_bound_what_is_said() -> None:
    table = table_of(private)
    assert find_personalisation(table, PLAN).scope_note is None
    found = find_personalisation(replace(table, clusters=table.questions), PLAN)
    assert found.scope_note is not None
    assert "these 6 independent questions" in found.scope_note


def test_findings_survive_json() -> None:
    found = find_personalisation(table_of(shared), PLAN)
    text = found.model_dump_json()
    assert "NaN" not in text
    assert PersonalisationFindings.model_validate(json.loads(text)) == found
    assert sentences(PersonalisationFindings.model_validate_json(text)) == sentences(found)


def test_a_group_effect_is_none_of_a_person_where_groupmates_decide_nothing() -> None:
    """Of each pair, one lends a profile and asks nothing that counts."""
    pairs = [(str(user // 2),) for user in range(60)]
    whole = table_of(lambda user, owner: 0.2 * (user // 2 == owner // 2), users=60, groups=pairs)
    half = rows_of(whole, [row for row, user in enumerate(whole.users) if int(user[1:]) % 2 == 0])
    assert find_personalisation(whole, PLAN).conclusion == "group_effect"
    assert find_personalisation(half, PLAN).conclusion == "group_effect"
