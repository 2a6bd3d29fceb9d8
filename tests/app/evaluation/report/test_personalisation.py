"""What a report says of personalisation: a row and a decision for every conclusion, and what would turn each."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from app.evaluation.economics.advice import MEASURED, NOT_MEASURABLE
from app.evaluation.experiments.personal_findings import StrategyPersonalisation
from app.evaluation.personalisation.by_user import Arm, Comparison, Estimate
from app.evaluation.personalisation.conclusion import Conclusion
from app.evaluation.personalisation.findings import find_personalisation
from app.evaluation.personalisation.result import (
    Changes,
    Comparisons,
    Harm,
    HarmAndHelp,
    PersonalisationFindings,
)
from app.evaluation.personalisation.worst_decile import WorstDecile
from app.evaluation.report.content import Content
from app.evaluation.report.personalisation import HEAD, personalisation_table, personalising
from tests.app.evaluation.personalisation.scores import PLAN, private, table_of
from tests.app.evaluation.report.small import METRIC, content, strategy

FLIPS: dict[Conclusion, str] = {
    "personal_effect": "Users who differ less",
    "group_effect": "Tune the group's or the workspace's defaults",
    "workspace_effect": "Tune the group's or the workspace's defaults",
    "no_effect_shown": "Another kind of personalisation",
    "harmful": "Lower limits of boosts",
    "not_enough_users": "More users: a verdict needs ten.",
}


def estimate(value: float) -> Estimate:
    """Return an estimate with an interval of a tenth to both sides."""
    return Estimate(value=value, low=value - 0.1, high=value + 0.1, interval_method="bca", users=12, questions=48)


def comparison(first: Arm, second: Arm, difference: float | None, users_to_detect: int | None = None) -> Comparison:
    """Return a comparison of two arms; None where no question has both."""
    return Comparison(
        first=first, second=second, difference=None if difference is None else estimate(difference),
        mean_of_users=difference, p=0.01, verdict="better", reason=None, equivalence_low=None, equivalence_high=None,
        users_above=8, users_level=2, users_below=2, detectable=0.05, users_to_detect=users_to_detect,
    )  # fmt: skip


def found(conclusion: Conclusion = "personal_effect", **fields: Any) -> PersonalisationFindings:
    """Return findings with that conclusion, whatever the figures say."""
    rates = HarmAndHelp(harm=estimate(0.2), help=estimate(0.5))
    nearest, any_own = comparison("own", "nearest_placebo", 0.25), comparison("own", "anonymous", 0.375)
    usual: dict[str, Any] = {
        "metric": METRIC, "conclusion": conclusion, "conclusion_sentence": f"It is {conclusion}.",
        "comparisons": comparisons(any_own, nearest), "placebo_reading": None,
        "harm": Harm(
            threshold=0.1, own=rates, placebo_within=HarmAndHelp(harm=estimate(0.3), help=estimate(0.4)),
            placebo_across=HarmAndHelp(harm=estimate(0.6), help=estimate(0.1)), own_at_placebo_questions=None,
            harm_beyond_placebo=None, help_beyond_placebo=None,
        ),
        "changes": Changes(share=estimate(0.75), gain_among_changed=None),
        "worst_decile": WorstDecile(is_shown=True, users=30, decile_users=3, gain=-0.0421, naive_gain=-0.1),
        "users": 12, "questions": 48, "failures": 0, "no_conclusion_reason": None, "scope_note": None,
        "draws_within": 20, "draws_across": 20, "margin": 0.02, "look": 1, "alpha_used": 0.05,
    }  # fmt: skip
    return PersonalisationFindings(**{**usual, **fields})


def comparisons(gain: Comparison, nearest: Comparison) -> Comparisons:
    """Return the two comparisons that reports show, with others that they do not."""
    hidden = comparison("placebo_within", "anonymous", 0.99)
    return Comparisons(
        gain=gain, own_over_nearest=nearest, own_over_within=hidden, own_over_across=hidden, within_gain=hidden,
        across_gain=hidden,
    )  # fmt: skip


def said_of(one: PersonalisationFindings) -> Content:
    """Return the content of a report on one personal strategy and one that is not."""
    personal = StrategyPersonalisation(label="personal", findings=one, sentences=[one.conclusion_sentence])
    return content(strategy("personal", 0.9), strategy("plain", 0.5), personal=[personal])


def test_a_row_by_hand() -> None:
    table = personalisation_table(said_of(found()))
    assert table.head == HEAD
    assert [list(row) for row in table.rows] == [
        [
            "personal", "+0.375 [+0.275, +0.475]", "+0.250 [+0.150, +0.350]", "20% [10%, 30%] / 50% [40%, 60%]",
            "30% [20%, 40%] / 40% [30%, 50%]", "75% [65%, 85%]", "-0.042", "It is personal_effect.",
        ]
    ]  # fmt: skip


def test_a_profile_is_borrowed_across_groups_where_nobody_has_a_groupmate() -> None:
    harm = found().harm.model_copy(update={"placebo_within": None})
    (row,) = personalisation_table(said_of(found(harm=harm))).rows
    assert row[4] == "60% [50%, 70%] / 10% [0%, 20%]"
    alone = harm.model_copy(update={"placebo_across": None})
    (row,) = personalisation_table(said_of(found(harm=alone))).rows
    assert row[4] == "nobody to borrow from"


def test_what_cannot_be_compared_is_said() -> None:
    none = comparisons(comparison("own", "anonymous", None), comparison("own", "nearest_placebo", None))
    (row,) = personalisation_table(said_of(found(comparisons=none))).rows
    assert row[1:3] == ("none to compare", "none to compare")


def test_a_worst_tenth_of_too_few_users_is_not_shown() -> None:
    few = WorstDecile(is_shown=False, users=7, decile_users=0, gain=None, naive_gain=None)
    (row,) = personalisation_table(said_of(found(worst_decile=few))).rows
    assert row[6] == "not shown: 7 of 20 users with 5 questions"


def test_only_personal_strategies_have_a_row_and_the_best_comes_first() -> None:
    some = [
        StrategyPersonalisation(label=label, findings=found(conclusion_sentence=f"Of {label}."), sentences=[])
        for label in ("weak", "strong")
    ]
    both = content(strategy("weak", 0.2), strategy("plain", 0.95), strategy("strong", 0.9), personal=some)
    assert [row[0] for row in personalisation_table(both).rows] == ["strong", "weak"]
    assert personalising(both).answer == "Of strong. (strong)"


def test_where_no_user_took_part_nothing_is_claimed() -> None:
    nobody = content(strategy("a"))
    decision = personalising(nobody)
    assert (decision.status, decision.answer) == (NOT_MEASURABLE, "Not tested in this experiment.")
    assert personalisation_table(nobody).rows == []


@pytest.mark.parametrize("conclusion", get_args(Conclusion))
def test_every_conclusion_is_decided_with_its_number_and_what_would_turn_it(conclusion: Conclusion) -> None:
    decision = personalising(said_of(found(conclusion)))
    assert decision.question == "Personalise?"
    assert decision.answer == f"It is {conclusion}. (personal)"
    assert decision.number == f"+0.375 [+0.275, +0.475] {METRIC}, 12 users, 48 questions"
    assert decision.flip_point.startswith(FLIPS[conclusion])
    assert decision.status == MEASURED


def test_no_effect_says_how_many_more_users_would_show_one() -> None:
    gain = comparison("own", "anonymous", 0.01, users_to_detect=1_234)
    shown = comparisons(gain, comparison("own", "nearest_placebo", 0.0))
    nothing = personalising(said_of(found("no_effect_shown", comparisons=shown)))
    assert nothing.flip_point.startswith("About 1,234 more users")
    assert personalising(said_of(found(comparisons=shown))).flip_point.startswith(FLIPS["personal_effect"])


def test_failures_are_mended_before_anything_else() -> None:
    failed = found("no_effect_shown", no_conclusion_reason="too many questions failed")
    assert personalising(said_of(failed)).flip_point == "Mend what failed and run again."


def test_findings_of_scores_fit_the_table() -> None:
    real = find_personalisation(table_of(private), PLAN)
    (row,) = personalisation_table(said_of(real)).rows
    assert len(row) == len(HEAD)
    gain = real.comparisons.gain.difference
    assert gain is not None
    assert row[1] == f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
    assert row[-1] == real.conclusion_sentence
