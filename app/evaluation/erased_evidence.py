"""What experiments and screenings hold of documents: spans, made questions, folders; and what is left of them after.

An experiment's scores, verdicts and versions' ids stay: they are numbers. A cell that rested on an erased document,
or on what was known of an erased user who asked, says so and loses its spans. An experiment that lent an erased user's
profile loses who took part and what each scored with whose. Question sets hold no text of documents, only ids and
offsets, and what was asked by whom, as their owner wrote it: they stay as they are.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, undefer

from app.context.erasure.owners import Documents, Owner, Person, names_one_of
from app.context.erasure.records import Counts
from app.evaluation.experiments.records import CellRow, ExperimentRow
from app.evaluation.experiments.run import RUN_EXPERIMENT
from app.evaluation.screening_job import SCREEN
from indexes.database.engine import now
from indexes.database.tables import Job
from indexes.erasure import ERASED_ERROR, is_held
from indexes.jobs import FINAL_STATES

CELLS_PER_BATCH = 2_000


def evidence_owner(data_folder: Path) -> Owner:
    """Return the owner of experiments and screenings, whose own segments lie below `data_folder`."""

    def erase(session: Session, documents: Documents) -> Counts:
        for experiment in _experiments(session, documents):
            counts = _erase_cells(session, experiment, documents)
            if counts:
                return counts
        return _erase_screenings(session, documents)

    def remove_files(session: Session, documents: Documents) -> int:
        return _remove_folders(session, data_folder, documents.workspace_id)

    return Owner(
        detach_documents=_detach,
        erase_documents=erase,
        remove_files=remove_files,
        detach_person=_detach_person,
        erase_person=_erase_person,
    )


def _detach(session: Session, documents: Documents) -> None:
    """End what was to run on the documents and does not run now: on other documents it would be another experiment."""
    pinned = {row.job_id for row in _experiments(session, documents)}
    unfinished = Job.workspace_id == documents.workspace_id, Job.state.not_in(FINAL_STATES)
    for job in session.scalars(select(Job).where(*unfinished, Job.kind.in_((RUN_EXPERIMENT, SCREEN)))):
        if job.id in pinned or any(i in job.arguments.get("pins", {}) for i in documents.ids):
            _end(session, job)
    session.flush()


def _end(session: Session, job: Job) -> None:
    if not is_held(session, job):
        job.state, job.stage, job.error, job.finished_at = "failed", "failed", ERASED_ERROR, now()


def _detach_person(session: Session, person: Person) -> None:
    """End experiments that were to ask on behalf of the user and do not run now."""
    asked_for = {row.job_id for row in _asked_by(session, person)}
    unfinished = Job.id.in_(asked_for), Job.state.not_in(FINAL_STATES)
    for job in session.scalars(select(Job).where(*unfinished)):
        _end(session, job)
    session.flush()


def _erase_person(session: Session, person: Person) -> Counts:
    """Take spans and the scores of other arms out of a batch of cells that the user asked."""
    for experiment in _asked_by(session, person):
        whole = _whole(session, experiment)
        numbers = [n for n, question in enumerate(whole.parsed_questions()) if question.user_id == person.user_id]
        counts = _erase_where(session, whole, CellRow.question_number.in_(numbers))
        if counts:
            return counts
    return _forget_profile(session, person) if person.memory_id is None else {}


def _forget_profile(session: Session, person: Person) -> Counts:
    """Take the scores with other profiles out of a batch of cells of the experiments that lent the user's; then the
    names of those who took part. What the findings say of all of them together stays.
    """
    lent = ExperimentRow.workspace_id == person.workspace_id, names_one_of(ExperimentRow.users, person.user_id)
    statement = select(ExperimentRow).where(*lent).options(undefer(ExperimentRow.users)).order_by(ExperimentRow.id)
    for experiment in session.scalars(statement):
        if person.user_id not in (experiment.users or {}):
            continue
        with_profiles = CellRow.experiment_id == experiment.id, CellRow.personal.is_not(None)
        cells = session.scalars(
            select(CellRow).where(*with_profiles).options(undefer(CellRow.personal)).limit(CELLS_PER_BATCH)
        ).all()
        for cell in cells:
            cell.personal = None
        if not cells:
            experiment.users = None
        session.flush()
        if cells:
            return {"placebo_scores": len(cells)}
    return {}


def _asked_by(session: Session, person: Person) -> list[ExperimentRow]:
    """Return the experiments in which the user asks a question, with their questions."""
    named = ExperimentRow.workspace_id == person.workspace_id, names_one_of(ExperimentRow.questions, person.user_id)
    statement = select(ExperimentRow).where(*named).options(undefer(ExperimentRow.questions)).order_by(ExperimentRow.id)
    return [row for row in session.scalars(statement) if person.user_id in {q.get("user_id") for q in row.questions}]


def _experiments(session: Session, documents: Documents) -> list[ExperimentRow]:
    pinned = ExperimentRow.workspace_id == documents.workspace_id, names_one_of(ExperimentRow.pins, *documents.ids)
    return list(session.scalars(select(ExperimentRow).where(*pinned).order_by(ExperimentRow.id)))


def _erase_cells(session: Session, experiment: ExperimentRow, documents: Documents) -> Counts:
    """Take the spans out of a batch of cells that found, sent or were asked for the documents."""
    whole = _whole(session, experiment)
    versions = [version_id for document_id, version_id in whole.pins.items() if document_id in documents.ids]
    asked = [
        number
        for number, question in enumerate(whole.parsed_questions())
        if any(evidence.document_id in documents.ids for evidence in question.evidence)
    ]
    named = names_one_of(CellRow.ranked, *documents.ids), names_one_of(CellRow.sent, *versions)
    return _erase_where(session, whole, or_(*named, CellRow.question_number.in_(asked)))


def _whole(session: Session, experiment: ExperimentRow) -> ExperimentRow:
    """Return the experiment with its questions, pins and findings."""
    loaded = select(ExperimentRow).where(ExperimentRow.id == experiment.id).execution_options(populate_existing=True)
    columns = (ExperimentRow.questions, ExperimentRow.pins, ExperimentRow.findings)
    return session.scalars(loaded.options(*(undefer(column) for column in columns))).one()


def _erase_where(session: Session, whole: ExperimentRow, rests: ColumnElement[bool]) -> Counts:
    """Erase a batch of the experiment's cells that rest on the target, and count them in the findings."""
    untouched = CellRow.experiment_id == whole.id, CellRow.erased_at.is_(None)
    statement = select(CellRow).where(*untouched, rests).limit(CELLS_PER_BATCH)
    columns = (CellRow.ranked, CellRow.sent, CellRow.personal)
    cells = session.scalars(statement.options(*(undefer(column) for column in columns))).all()
    for cell in cells:
        cell.ranked, cell.sent, cell.personal, cell.erased_at = [], _without_spans(cell.sent), None, now()
        if cell.error is not None:
            cell.error = {**ERASED_ERROR, "code": cell.error["code"]}
    session.flush()
    if cells and whole.findings is not None:
        erased = CellRow.experiment_id == whole.id, CellRow.erased_at.is_not(None)
        count = session.scalar(select(func.count()).select_from(CellRow).where(*erased))
        whole.findings = {**whole.findings, "erased_cells": count}
        session.flush()
    return {"cells": len(cells)} if cells else {}


def _without_spans(sent: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {budget: {"tokens": one["tokens"], "spans": []} for budget, one in sent.items()}


def _erase_screenings(session: Session, documents: Documents) -> Counts:
    """Take made questions, which quote documents, and what the job was given, out of ended screenings of them."""
    ended = Job.workspace_id == documents.workspace_id, Job.kind == SCREEN, Job.state.in_(FINAL_STATES)
    erased = 0
    for job in session.scalars(select(Job).where(*ended, names_one_of(Job.arguments, *documents.ids))):
        job.arguments = {"erased": True}
        if job.result is not None:
            left = [one for one in job.result.get("next_questions", []) if not one["is_pseudo"]]
            job.result = {**job.result, "next_questions": left, "erased": True}
        erased += 1
    session.flush()
    return {"screenings": erased} if erased else {}


def _remove_folders(session: Session, data_folder: Path, workspace_id: str) -> int:
    """Remove the segments that ended experiments and screenings of the workspace baked for themselves and left."""
    ended = Job.workspace_id == workspace_id, Job.state.in_(FINAL_STATES), Job.kind.in_((RUN_EXPERIMENT, SCREEN))
    names = {job.arguments.get("experiment_id", job.id) for job in session.scalars(select(Job).where(*ended))}
    left = [path for path in (data_folder / "segments").glob("*-*") if path.name.rpartition("-")[0] in names]
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
    return len(left)
