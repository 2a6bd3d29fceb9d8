"""From what is asked to a runnable experiment: questions that can be used, metrics that apply, the plan, the look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from app.evaluation.experiments.metric_choice import check_labels, default_metrics
from app.evaluation.experiments.panel import Panel, pin_users
from app.evaluation.experiments.pins import Pins, pin_versions
from app.evaluation.experiments.plan import Plan, check_limits, plan_experiment
from app.evaluation.experiments.records import ExperimentRow
from app.evaluation.experiments.run import RUN_EXPERIMENT
from app.evaluation.experiments.specification import Contestant, Specification, contestants_of
from app.evaluation.question_sets import load_question_set
from app.evaluation.questions import Question
from configs.errors import InvalidInputError
from configs.release import VERSION
from indexes.database.engine import new_id, now
from indexes.jobs import create_job


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An experiment that could be run: everything is resolved and checked, nothing is saved."""

    specification: Specification
    contestants: Sequence[Contestant]
    questions: Sequence[Question]
    stale_questions: Sequence[str]
    question_set_hash: str
    pins: Pins
    users: Mapping[str, Sequence[str]]
    plan: Plan


def draft_experiment(session: Session, workspace_id: str, specification: Specification) -> Draft:
    """Return the experiment as it would run; it writes nothing.

    Raises what `contestants_of` and `pin_users` raise, NotFoundError, and InvalidInputError (`no_usable_questions`,
    `metric_needs_other_labels`).
    """
    pins = pin_versions(session, workspace_id)
    contestants = contestants_of(session, workspace_id, specification)
    row = load_question_set(session, workspace_id, specification.question_set)
    questions = row.parsed()
    stale = [question.id for question in questions if is_stale(question, pins)]
    usable = [one for one in questions if (one.evidence or one.unanswerable) and not is_stale(one, pins)]
    if not any(question.evidence for question in usable):
        raise InvalidInputError(
            f"question set {row.name!r} has no question with a label that holds for the present documents "
            f"({len(questions)} questions, {len(stale)} with stale labels)",
            hint="mark answers, or move stale labels with POST …/question-sets/{question_set}/relocations",
            code="no_usable_questions",
            stale=stale[:10],
        )
    metrics = specification.metrics or default_metrics(usable)
    check_labels(metrics, usable)
    specification = specification.model_copy(update={"metrics": tuple(metrics)})
    users = pin_users(session, workspace_id, usable)
    loans = Panel.of(users, specification.seed).loans(usable)
    plan = plan_experiment(session, workspace_id, specification, contestants, metrics, len(usable), loans)
    return Draft(
        specification=specification, contestants=contestants, questions=usable, stale_questions=stale,
        question_set_hash=row.content_hash, pins=pins, users=users, plan=plan,
    )  # fmt: skip


def is_stale(question: Question, pins: Pins) -> bool:
    """Tell whether a label of the question does not hold for the pinned versions."""
    return any(
        evidence.document_id not in pins
        or (evidence.version_id is not None and pins[evidence.document_id] != evidence.version_id)
        for evidence in question.evidence
    )


def create_experiment(
    session: Session, workspace_id: str, draft: Draft, experiment_id: str = "", job_id: str = ""
) -> ExperimentRow:
    """Save the experiment and the job that runs it.

    Raises InvalidInputError (`experiment_too_large`) where it would take more than its limits allow.
    """
    check_limits(draft.plan, draft.specification.limits)
    identifier = experiment_id or new_id("experiment")
    job = create_job(session, workspace_id, RUN_EXPERIMENT, {"experiment_id": identifier}, job_id)
    row = ExperimentRow(
        id=identifier,
        workspace_id=workspace_id,
        job_id=job,
        name=draft.specification.name,
        question_set=draft.specification.question_set,
        question_set_hash=draft.question_set_hash,
        code_version=VERSION,
        look=_look(session, workspace_id, draft),
        specification=draft.specification.model_dump(mode="json", by_alias=True),
        contestants=[one.model_dump(mode="json", by_alias=True) for one in draft.contestants],
        plan={**draft.plan.model_dump(mode="json"), "stale_questions": list(draft.stale_questions)},
        questions=[question.stored() for question in draft.questions],
        pins=dict(draft.pins),
        users={user: list(groups) for user, groups in draft.users.items()} or None,
        created_at=now(),
    )
    session.add(row)
    session.flush()
    return row


def _look(session: Session, workspace_id: str, draft: Draft) -> int:
    """Return the number of the look: 1, and 1 more for each earlier finding on another state of these questions.

    An earlier experiment counts where it compared at least two of these strategies on some of these questions under
    another content hash of the set; the same set again gives the same numbers and is no new look (statistics, rule 8).
    """
    statement = select(ExperimentRow).where(
        ExperimentRow.workspace_id == workspace_id,
        ExperimentRow.finished_at.is_not(None),
        ExperimentRow.question_set_hash != draft.question_set_hash,
    )
    asked = {question.question for question in draft.questions}
    strategies = {one.fingerprint for one in draft.contestants if not one.is_baseline}
    hashes = set()
    for row in session.scalars(statement.options(undefer(ExperimentRow.questions))):
        compared = strategies & {one["fingerprint"] for one in row.contestants}
        if len(compared) >= 2 and asked & {question["question"] for question in row.questions}:
            hashes.add(row.question_set_hash)
    return 1 + len(hashes)
