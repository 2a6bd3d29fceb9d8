"""Whether a candidate is good, and no step back: what is shown of it alone and against the active version."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.orm import Session, undefer

from app.evaluation.experiments.findings import StrategyFindings
from app.evaluation.experiments.records import ExperimentRow
from app.evaluation.promotion.condition import Condition, condition
from app.evaluation.promotion.material import Material, name_of
from app.evaluation.question_sets import QuestionSetRow
from app.evaluation.statistics.pair_verdict import PairVerdict
from app.evaluation.statistics.strategy_score import MOST_FAILURES


def quality(session: Session, material: Material) -> Iterator[Condition]:
    """Yield what the experiment says of the candidate's quality; nothing where it did not ask the candidate."""
    candidate = material.found(material.candidate)
    if material.experiment is None or candidate is None:
        return
    yield _failures(material, candidate)
    limits = material.alias.parsed_limits()
    if limits.least_questions is not None:
        yield _questions(material, limits.least_questions)
    if limits.least_score is not None:
        yield _score(material, candidate, limits.least_score)
    if material.active is not None:
        yield _margin(material, material.experiment)
        yield _no_regression(material, material.experiment, candidate)
    yield _must_pass(session, material, material.experiment, candidate)


def _failures(material: Material, candidate: StrategyFindings) -> Condition:
    """Tell whether so few cells failed that means speak of all questions (statistics, rule 3)."""
    assert material.findings is not None
    both = [one for one in (candidate, material.found(material.active)) if one is not None]
    asked = max(1, material.findings.questions.asked)
    detail = "; ".join(f"{one.label} failed on {one.failures} of {asked} questions" for one in both)
    worst = max(one.failures for one in both) / asked
    return condition("failures", worst <= MOST_FAILURES, detail, measured=worst, limit=MOST_FAILURES)


def _questions(material: Material, least: int) -> Condition:
    """Tell whether enough clusters of questions decided: they are the unit of every interval (statistics, rule 6)."""
    assert material.findings is not None
    analysis = material.findings.analysis
    decided, independent = (0, 0) if analysis is None else (analysis.questions, analysis.clusters)
    detail = f"{decided} questions decided, {independent} of them independent; the alias takes {least} at least"
    return condition("questions", independent >= least, detail, measured=independent, limit=least)


def _score(material: Material, candidate: StrategyFindings, least: float) -> Condition:
    """Tell whether the score is surely high enough: the lower end of its 95 % interval."""
    assert material.findings is not None
    score, metric = material.score(candidate), material.findings.metric
    if score is None:
        why = "it is a reference line" if candidate.is_baseline else "no question decided"
        return condition("score", False, f"{metric} of {candidate.label} has no interval: {why}", limit=least)
    detail = f"{metric} of {candidate.label} is {score.mean:.3f} [{score.low:.3f}, {score.high:.3f}]; the alias takes "
    return condition("score", score.low >= least, f"{detail}{least:g} at least", measured=score.low, limit=least)


def _margin(material: Material, experiment: ExperimentRow) -> Condition:
    margin, widest = experiment.parsed_specification().margin, material.alias.parsed_limits().margin
    detail = f"the experiment's margin is {margin}; the alias takes {widest} at most"
    return condition("margin", margin <= widest, detail, measured=margin, limit=widest)


def _no_regression(material: Material, experiment: ExperimentRow, candidate: StrategyFindings) -> Condition:
    """Tell whether the candidate is shown to be no worse than the margin.

    It is where the verdict says `better` or `equivalent`, or where the lower end of the plus-two 90 % interval, which
    decides equivalence (statistics, rule 12), lies above minus the margin: one half of the test for equivalence.
    """
    assert material.active is not None
    margin = experiment.parsed_specification().margin
    name = name_of(material.active)
    if material.active.strategy.resolved().fingerprint == material.candidate.strategy.resolved().fingerprint:
        return condition("no_regression", True, f"{name} has the very same settings", measured=0.0, limit=-margin)
    active = material.found(material.active)
    if active is None:
        return condition("no_regression", False, f"the experiment did not run {name}, which is active")
    if candidate.is_baseline or active.is_baseline:
        label = candidate.label if candidate.is_baseline else active.label
        return condition("no_regression", False, f"{label} is a reference line, on which no verdict is passed")
    verdict = material.verdict()
    if verdict is None:
        detail = f"the experiment did not compare {candidate.label} with {active.label}"
        return condition("no_regression", False, detail)
    is_met = verdict.verdict in ("better", "equivalent") or verdict.equivalence_low > -margin
    detail = _in_words(verdict, margin)
    return condition("no_regression", is_met, detail, measured=verdict.equivalence_low, limit=-margin)


def _in_words(verdict: PairVerdict, margin: float) -> str:
    words = (
        f"{verdict.first} is {verdict.verdict.replace('_', ' ')} to {verdict.second}: {verdict.difference:+.3f} "
        f"[{verdict.low:+.3f}, {verdict.high:+.3f}]; with 95 % confidence it loses less than "
        f"{max(0.0, -verdict.equivalence_low):.3f}, and {margin} may be lost"
    )
    if verdict.questions_to_show_equivalence:
        words += f"; about {verdict.questions_to_show_equivalence:,} more questions would show that none is"
    return words


def _must_pass(
    session: Session, material: Material, experiment: ExperimentRow, candidate: StrategyFindings
) -> Condition:
    """Tell whether the candidate sends the evidence of every pinned question of the set, and each was asked."""
    assert material.findings is not None
    key = experiment.workspace_id, experiment.question_set
    row = session.get(QuestionSetRow, key, options=[undefer(QuestionSetRow.questions)])
    questions = experiment.questions if row is None else row.questions
    pinned = [one["id"] for one in questions if one.get("pinned", False)]
    asked = {one["id"] for one in experiment.questions}
    unasked = [one for one in pinned if one not in asked]
    lost = material.findings.pinned_must_pass.get(candidate.label, [])
    active = material.found(material.active)
    lost_before = material.findings.pinned_must_pass.get(active.label, []) if active is not None else []
    detail = f"{candidate.label} loses {len(lost)} of {len(pinned)} pinned questions"
    if active is not None:
        detail += f", {active.label} {len(lost_before)}"
    if unasked:
        detail += f"; {len(unasked)} were not asked, because their labels do not hold for the documents"
    failed = [*lost, *unasked]
    return condition("must_pass", not failed, detail, measured=len(failed), limit=0, items=failed)
