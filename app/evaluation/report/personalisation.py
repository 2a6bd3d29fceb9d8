"""What a report says of personalisation: one row for each strategy, and the decision."""

from __future__ import annotations

from app.evaluation.economics.advice import MEASURED, NOT_MEASURABLE
from app.evaluation.experiments.personal_findings import StrategyPersonalisation
from app.evaluation.personalisation.by_user import Comparison, Estimate
from app.evaluation.personalisation.result import HarmAndHelp, PersonalisationFindings
from app.evaluation.personalisation.worst_decile import FEWEST_DECILE_USERS, FEWEST_QUESTIONS
from app.evaluation.report.content import Content
from app.evaluation.report.decision import Decision
from app.evaluation.report.table import Table

HEAD = (
    "Strategy",
    "Gain over nobody's profile",
    "Gain over the nearest wrong user's",
    "Harms / helps",
    "Wrong user's harms / helps",
    "Contexts changed",
    "Worst tenth of users",
    "Conclusion",
)


def personalisation_table(content: Content) -> Table:
    """Return what each personal strategy gives its users, beside what a wrong user's profile gives them."""
    by_label = {one.label: one for one in content.findings.personalisation}
    rows = [_row(by_label[one.label]) for one in content.contestants if one.label in by_label]
    return Table(HEAD, rows)


def personalising(content: Content) -> Decision:
    """Return the decision on the personal strategy with the highest mean; untested where no user took part."""
    by_label = {one.label: one for one in content.findings.personalisation}
    tested = [by_label[one.label] for one in content.contestants if one.label in by_label]
    if not tested:
        return Decision(
            question="Personalise?",
            answer="Not tested in this experiment.",
            number="no user took part",
            flip_point="Labels per user, and a wrong-user placebo.",
            status=NOT_MEASURABLE,
        )
    found = tested[0].findings
    gain = f"{_difference(found.comparisons.gain)} {found.metric}"
    return Decision(
        question="Personalise?",
        answer=f"{found.conclusion_sentence} ({tested[0].label})",
        number=f"{gain}, {found.users} users, {found.questions} questions",
        flip_point=_flip_point(found),
        status=MEASURED,
    )


def _row(one: StrategyPersonalisation) -> tuple[str, ...]:
    found = one.findings
    harm = found.harm
    nearest = harm.placebo_within or harm.placebo_across
    return (
        one.label,
        _difference(found.comparisons.gain),
        _difference(found.comparisons.own_over_nearest),
        _shares(harm.own),
        "nobody to borrow from" if nearest is None else _shares(nearest),
        _share(found.changes.share),
        _worst(found),
        found.conclusion_sentence,
    )


def _flip_point(found: PersonalisationFindings) -> str:
    """Return what would turn the conclusion."""
    gain = found.comparisons.gain
    if found.no_conclusion_reason is not None:
        return "Mend what failed and run again."
    if found.conclusion == "not_enough_users":
        return "More users: a verdict needs ten."
    if found.conclusion == "no_effect_shown" and gain.users_to_detect:
        return f"About {gain.users_to_detect:,} more users would show a difference as large as the margin."
    if found.conclusion == "no_effect_shown":
        return "Another kind of personalisation, or users who differ more in what they need."
    if found.conclusion == "harmful":
        return "Lower limits of boosts, or fewer sections of the user."
    if found.conclusion == "personal_effect":
        return "Users who differ less, or profiles that are thinner than these."
    return "Tune the group's or the workspace's defaults: they may give the same without a profile of each user."


def _worst(found: PersonalisationFindings) -> str:
    worst = found.worst_decile
    if worst.gain is None:
        return f"not shown: {worst.users} of {FEWEST_DECILE_USERS} users with {FEWEST_QUESTIONS} questions"
    return f"{worst.gain:+.3f}"


def _difference(one: Comparison) -> str:
    return "none to compare" if one.difference is None else _interval(one.difference)


def _interval(found: Estimate) -> str:
    return f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


def _shares(rates: HarmAndHelp) -> str:
    return f"{_share(rates.harm)} / {_share(rates.help)}"


def _share(found: Estimate) -> str:
    return f"{found.value:.0%} [{found.low:.0%}, {found.high:.0%}]"
