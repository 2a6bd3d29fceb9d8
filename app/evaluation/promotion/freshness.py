"""Whether an experiment still speaks of what is there: its questions, its documents, and the candidate's index."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.aliases.serving_index import index_of
from app.context.strategy import BaselineSetup
from app.context.users.known import EVERYONE
from app.evaluation.experiments.findings import Findings
from app.evaluation.experiments.pins import pin_versions
from app.evaluation.experiments.records import ExperimentRow
from app.evaluation.promotion.condition import Condition, condition
from app.evaluation.promotion.material import Material, name_of
from app.evaluation.question_sets import QuestionSetRow
from indexes.access import Principal
from indexes.database.catalog import missing_versions
from indexes.database.tables import Document


def evidence(material: Material) -> Condition:
    """Tell whether there is a finished experiment that looked at all documents."""
    experiment = material.experiment
    if experiment is None:
        return condition("evidence", False, "no experiment was named")
    if material.findings is None:
        return condition("evidence", False, f"experiment {experiment.id} has not finished; see {experiment.job_id}")
    if experiment.parsed_specification().filter is not None:
        detail = f"experiment {experiment.id} looked only at documents that match its filter"
        return condition("evidence", False, detail)
    detail = f"experiment {experiment.id} finished at {experiment.finished_at:%Y-%m-%d %H:%M} UTC"
    return condition("evidence", True, detail)


def freshness(session: Session, material: Material) -> Iterator[Condition]:
    """Yield whether the experiment asked the candidate, the set as it is now, and the documents as they are now."""
    yield _index(session, material)
    experiment, findings = material.experiment, material.findings
    if experiment is None or findings is None:
        return
    asked = material.found(material.candidate) is not None
    labels = ", ".join(one["label"] for one in experiment.contestants[:10])
    candidate = name_of(material.candidate)
    detail = f"it ran {candidate}" if asked else f"it ran {labels}; none has exactly the settings of {candidate}"
    yield condition("strategy", asked, detail)
    yield from _agreement(material, experiment, findings)
    yield _question_set(session, experiment)
    yield _documents(session, experiment, findings)
    yield _access(session, experiment)


def _index(session: Session, material: Material) -> Condition:
    """Tell whether the candidate's index answers with every document."""
    alias, candidate = material.alias, material.candidate
    if isinstance(candidate.strategy.retrieval, BaselineSetup):
        return condition("index", True, f"{name_of(candidate)} is a reference line and needs no index")
    index = index_of(session, alias.workspace_id, candidate)
    if index is None:
        return condition("index", False, f"no index answers for {name_of(candidate)}; build it with POST …/indexes")
    missing = len(missing_versions(session, alias.workspace_id, index.id))
    detail = f"index {index.id} misses {missing} documents in their newest version"
    return condition("index", not missing, detail, measured=missing, limit=0, items=[index.id])


def _agreement(material: Material, experiment: ExperimentRow, findings: Findings) -> Iterator[Condition]:
    """Yield whether the experiment asked the set and was decided by the metric that the alias names, if it does."""
    limits = material.alias.parsed_limits()
    for wanted, used, what in (
        (limits.question_set, experiment.question_set, "asked the set"),
        (limits.metric, findings.metric, "was decided by the metric"),
    ):
        if wanted is not None:
            yield condition("agreement", wanted == used, f"it {what} {used!r}; the alias takes {wanted!r} only")


def _question_set(session: Session, experiment: ExperimentRow) -> Condition:
    row = session.get(QuestionSetRow, (experiment.workspace_id, experiment.question_set))
    then = f"{experiment.question_set!r} had the hash {experiment.question_set_hash}"
    if row is None:
        return condition("question_set", False, f"{then} and is deleted now")
    is_same = row.content_hash == experiment.question_set_hash
    return condition("question_set", is_same, then if is_same else f"{then} and has {row.content_hash} now")


def _access(session: Session, experiment: ExperimentRow) -> Condition:
    """Tell whether somebody who asked may read each document: what nobody may read neither helps nor misleads, and
    strategies that could find nothing are all alike.
    """
    users = experiment.users or {}
    names = {f"user:{one}" for one in users} | {f"group:{one}" for groups in users.values() for one in groups}
    principals = experiment.parsed_specification().principals
    asker = Principal.of([*principals, *names, *([EVERYONE] if users else [])])
    statement = select(Document.id, Document.access).where(
        Document.workspace_id == experiment.workspace_id, Document.deleted_at.is_(None), Document.access.is_not(None)
    )
    hidden = sorted(one for one, access in session.execute(statement) if not asker.may_read(access))
    labelled = {marked["document_id"] for question in experiment.questions for marked in question["evidence"]}
    detail = f"{len(hidden)} of {len(experiment.pins)} documents may be read by nobody who asked"
    if hidden:
        detail += f", {len(labelled.intersection(hidden))} of those with answers; name `principals` in the experiment"
    return condition("access", not hidden, detail, measured=len(hidden), limit=0, items=hidden)


def _documents(session: Session, experiment: ExperimentRow, findings: Findings) -> Condition:
    now, then = pin_versions(session, experiment.workspace_id), experiment.pins
    changed = sorted(one for one in now.keys() & then.keys() if now[one] != then[one])
    new, gone = sorted(now.keys() - then.keys()), sorted(then.keys() - now.keys())
    since = select(Document.id).where(
        Document.workspace_id == experiment.workspace_id, Document.updated_at > experiment.created_at
    )
    described = sorted((now.keys() & then.keys()).intersection(session.scalars(since)) - set(changed))
    differ = len(changed) + len(new) + len(gone) + len(described)
    detail = f"{differ} documents differ from the {len(then)} it ran on: {len(changed)} changed, {len(new)} new, "
    detail += f"{len(gone)} gone, {len(described)} with another title, tags, metadata or access list"
    if findings.erased_cells:
        detail += f"; {findings.erased_cells} of its cells rest on erased documents"
    is_met = not differ and not findings.erased_cells
    return condition("documents", is_met, detail, measured=differ, limit=0, items=[*changed, *new, *gone, *described])
