"""What was found of personalisation, in plain words for whoever decides about the product."""

from __future__ import annotations

from app.evaluation.personalisation.by_user import FEWEST_USERS, Comparison, Estimate
from app.evaluation.personalisation.conclusion import Conclusion
from app.evaluation.personalisation.result import Comparisons, HarmAndHelp, PersonalisationFindings
from app.evaluation.personalisation.worst_decile import FEWEST_DECILE_USERS, FEWEST_QUESTIONS

_ARMS = {
    "own": "their own profile",
    "anonymous": "no profile",
    "nearest_placebo": "the profile of a groupmate, or of anybody for users without one",
    "placebo_within": "the profile of another user of their group",
    "placebo_across": "the profile of a user of no group of theirs",
}


def conclusion_sentence(
    conclusion: Conclusion, comparisons: Comparisons, metric: str, no_conclusion_reason: str | None = None
) -> str:
    """Return the conclusion with the figures that it rests on."""
    gain = comparisons.gain
    if conclusion == "not_enough_users":
        users = gain.difference.users if gain.difference is not None else 0
        return f"Not enough users: {users} took part, and a verdict needs {FEWEST_USERS}."
    if no_conclusion_reason is not None:
        return f"No effect is shown: {no_conclusion_reason}."
    if conclusion == "no_effect_shown":
        return f"No effect is shown: {_why_nothing(comparisons, metric)}."
    if conclusion == "harmful":
        return f"Personalisation harms: with their own profile users get {_amount(gain)} {metric} than with none."
    said = f"With their own profile users get {_amount(gain)} {metric} than with none"
    return f"{said}, {_source(conclusion, comparisons)}."


def sentences(findings: PersonalisationFindings) -> list[str]:
    """Return the findings, the conclusion first."""
    said = [findings.conclusion_sentence, *_comparison_sentences(findings.comparisons)]
    if findings.placebo_reading is not None:
        said.append(
            "Somebody else's profile helps as well, so a part of the gain is an effect of the workspace or the group."
        )
    said += [_changes(findings), *_harm(findings), _worst(findings)]
    said.append(
        f"{findings.questions} questions of {findings.users} users decided, {findings.failures} of them with a "
        f"failure; differences under {findings.margin:g} do not matter by the margin that was fixed before the run; "
        f"look {findings.look}. Wrong-user placebos: {findings.draws_within} draws within groups, "
        f"{findings.draws_across} across groups."
    )
    if findings.scope_note is not None:
        said.append(f"The finding {findings.scope_note}.")
    return said


def _why_nothing(comparisons: Comparisons, metric: str) -> str:
    gain = comparisons.gain
    if gain.verdict == "better":
        return (
            f"with their own profile users get {_amount(gain)} {metric} than with none, but it is not shown whether "
            "that comes from the user, the group or the workspace"
        )
    if gain.verdict == "equivalent":
        return f"with their own profile users get as much {metric} as with none, the difference is within the margin"
    more = _more_users(gain)
    return f"with their own profile users get {_amount(gain)} {metric} than with none, which is too close to call{more}"


def _source(conclusion: Conclusion, comparisons: Comparisons) -> str:
    nearest, across = comparisons.own_over_nearest, comparisons.own_over_across
    if conclusion == "personal_effect":
        return f"and {_amount(nearest)} than with {_ARMS['nearest_placebo']}: the effect is personal"
    if conclusion == "workspace_effect":
        return (
            f"but {_ARMS['placebo_across']} gives {_amount(comparisons.across_gain)} than none as well: it is an "
            "effect of the workspace, not of the user"
        )
    within = comparisons.own_over_within
    rest = within.difference.high if within.difference is not None else 0.0
    beyond = (
        f"; with a profile from outside the group they get less by {across.difference.value:.3f}"
        if across.difference is not None and across.verdict == "better"
        else "; too few users are outside the group to tell it from an effect of the whole workspace"
    )
    return (
        f"but {_ARMS['placebo_within']} gives {_amount(comparisons.within_gain)} than none as well{beyond}: it is an "
        f"effect of the group. What is the user's own is not shown and at most {max(0.0, rest):.3f}"
    )


def _comparison_sentences(comparisons: Comparisons) -> list[str]:
    chosen = (
        comparisons.gain,
        comparisons.own_over_within,
        comparisons.own_over_across,
        comparisons.within_gain,
        comparisons.across_gain,
    )
    return [_comparison(one) for one in chosen]


def _comparison(one: Comparison) -> str:
    pair = f"{_ARMS[one.first]} against {_ARMS[one.second]}"
    pair = f"{pair[0].upper()}{pair[1:]}"
    if one.difference is None:
        return f"{pair}: there is no such user."
    verdict = one.verdict.replace("_", " ")
    reason = f" ({one.reason.replace('_', ' ')})" if one.reason is not None else ""
    if one.verdict == "not_enough_users":
        reason = f" ({one.difference.users} of the {FEWEST_USERS} that a verdict needs)"
    if one.verdict == "not_asked":
        reason = ", because no gain over anonymous is shown"
    return f"{pair}: {_interval(one.difference)}, {verdict}{reason}{_more_users(one)}."


def _more_users(one: Comparison) -> str:
    if not one.users_to_detect:
        return ""
    return f"; about {one.users_to_detect:,} more users would show a difference as large as the margin"


def _changes(findings: PersonalisationFindings) -> str:
    changes = findings.changes
    said = f"The profile changed the context of {_share(changes.share)} of the questions"
    if changes.gain_among_changed is None:
        return f"{said}."
    return f"{said}; among those the difference is {_interval(changes.gain_among_changed)}."


def _harm(findings: PersonalisationFindings) -> list[str]:
    harm = findings.harm
    said = [
        f"With their own profile {_harm_and_help(harm.own, harm.threshold)}.",
        *(
            f"With {_ARMS[arm]} {_harm_and_help(rates, harm.threshold)}."
            for arm, rates in (("placebo_within", harm.placebo_within), ("placebo_across", harm.placebo_across))
            if rates is not None
        ),
    ]
    beyond = harm.harm_beyond_placebo
    if beyond is not None:
        said.append(
            f"Chance harms too: beyond the wrong user's profile the own one harms {beyond.value:+.1%} of the "
            f"questions ({beyond.low:+.1%} to {beyond.high:+.1%})."
        )
    return said


def _harm_and_help(rates: HarmAndHelp, threshold: float) -> str:
    return (
        f"{_share(rates.harm)} of the questions lose more than {threshold:g} and {_share(rates.help)} gain more than "
        "that"
    )


def _worst(findings: PersonalisationFindings) -> str:
    worst = findings.worst_decile
    if worst.gain is None or worst.naive_gain is None:
        return (
            f"The tenth of the users who gain least is not shown: {worst.users} users have {FEWEST_QUESTIONS} "
            f"independent questions or more, and {FEWEST_DECILE_USERS} are needed."
        )
    return (
        f"The tenth of the users who gain least ({worst.decile_users} of {worst.users}) gain {worst.gain:+.3f}, chosen "
        f"on one half of their questions and scored on the other. Chosen and scored on the same questions it reads "
        f"{worst.naive_gain:+.3f}, which chance makes look worse; the truth is expected between the two."
    )


def _amount(one: Comparison) -> str:
    if one.difference is None:
        return "an unknown amount"
    found = one.difference
    word = "more" if found.value >= 0 else "less"
    ends = (found.low, found.high) if found.value >= 0 else (-found.high, -found.low)
    return f"{abs(found.value):.3f} ({ends[0]:.3f} to {ends[1]:.3f}) {word}"


def _interval(found: Estimate) -> str:
    return f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})"


def _share(found: Estimate) -> str:
    return f"{found.value:.1%} ({found.low:.1%} to {found.high:.1%})"
