"""Experiments as the database keeps them: what was asked, each finished cell, and the findings; never document text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, String, Text, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, undefer

from app.evaluation.experiments.panel import Panel
from app.evaluation.experiments.specification import Contestant, Specification
from app.evaluation.questions import Question
from configs.errors import ConflictError, NotFoundError
from indexes.database.catalog import page
from indexes.database.engine import Base, Json, UtcDateTime, now
from indexes.database.tables import Identifier, Job
from indexes.jobs import FINAL_STATES

CELLS_PER_READ = 2_000


class ExperimentRow(Base):
    """One experiment. Everything but `findings` and `finished_at` is fixed when it is created.

    `pins` is the version by document; `questions` those that are asked, labels included, as the set had them; `users`
    the groups of each user who asks; `job_id` names the job that runs it.
    """

    __tablename__ = "experiments"
    audited: ClassVar = ("name",)

    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    job_id: Mapped[str] = mapped_column(Identifier)
    name: Mapped[str] = mapped_column(Text)
    question_set: Mapped[str] = mapped_column(Identifier)
    question_set_hash: Mapped[str] = mapped_column(String(20))
    code_version: Mapped[str] = mapped_column(String(64))
    look: Mapped[int]
    specification: Mapped[dict[str, Any]] = mapped_column(Json)
    contestants: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    plan: Mapped[dict[str, Any]] = mapped_column(Json)
    questions: Mapped[list[dict[str, Any]]] = mapped_column(Json, deferred=True)
    pins: Mapped[dict[str, str]] = mapped_column(Json, deferred=True)
    users: Mapped[dict[str, list[str]] | None] = mapped_column(Json, deferred=True)
    findings: Mapped[dict[str, Any] | None] = mapped_column(Json, deferred=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def parsed_specification(self) -> Specification:
        """Return what was asked."""
        return Specification.model_validate(self.specification)

    def parsed_contestants(self) -> list[Contestant]:
        """Return the strategies in their order."""
        return [Contestant.model_validate(one) for one in self.contestants]

    def panel(self) -> Panel:
        """Return the users by whom personalisation is judged; the row must have been loaded with them."""
        return Panel.of(self.users or {}, self.parsed_specification().seed)

    def parsed_questions(self) -> list[Question]:
        """Return the questions in their order; the row must have been loaded with them."""
        return [Question.model_validate(one) for one in self.questions]


class CellRow(Base):
    """One strategy's answer to one question, by their numbers. A failed one has `error` and no scores.

    `scores` by metric, null where the metric does not apply; `ranked` as [document, version, start, end, score];
    `sent` by budget, with `request` for the strategy's own context, as {"tokens": n, "spans": [[version, start, end]]},
    which also has `capped`, as `ranked`, where a cap on sources dropped hits.
    `personal` is what the other arms of a personal strategy scored, as `PersonalArms` gives it, users by their numbers.
    From `erased_at` on, a document that the cell rested on is erased: it has no spans any more; its scores stay.
    """

    __tablename__ = "experiment_cells"

    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiments.id", ondelete="CASCADE"), primary_key=True)
    strategy_number: Mapped[int] = mapped_column(primary_key=True)
    question_number: Mapped[int] = mapped_column(primary_key=True)
    scores: Mapped[dict[str, float | None]] = mapped_column(Json)
    ranked: Mapped[list[list[Any]]] = mapped_column(Json, deferred=True)
    sent: Mapped[dict[str, dict[str, Any]]] = mapped_column(Json, deferred=True)
    request_tokens: Mapped[int]
    seconds: Mapped[float]
    personal: Mapped[dict[str, Any] | None] = mapped_column(Json, deferred=True)
    error: Mapped[dict[str, Any] | None] = mapped_column(Json)
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def load_experiment(session: Session, workspace_id: str, experiment_id: str, *, whole: bool = False) -> ExperimentRow:
    """Return the experiment, with `whole` its questions, pins and findings too, or raise NotFoundError."""
    deferred = (ExperimentRow.questions, ExperimentRow.pins, ExperimentRow.users, ExperimentRow.findings)
    options = [undefer(column) for column in deferred]
    row = session.get(ExperimentRow, experiment_id, options=options if whole else [])
    if row is None or row.workspace_id != workspace_id:
        raise NotFoundError("experiment", experiment_id, hint="list them with GET …/experiments")
    return row


def list_experiments(
    session: Session, workspace_id: str, *, limit: int, cursor: str | None
) -> tuple[list[ExperimentRow], str | None]:
    """Return a page of experiments, oldest first, and the cursor of the next page."""
    statement = select(ExperimentRow).where(ExperimentRow.workspace_id == workspace_id)
    moment, identifier = ExperimentRow.created_at, ExperimentRow.id
    rows, following = page(session, statement, moment, identifier, limit=limit, cursor=cursor)
    return [row[0] for row in rows], following


def delete_experiment(session: Session, workspace_id: str, experiment_id: str) -> None:
    """Delete an experiment with its cells; deleting what is not there changes nothing.

    Raises ConflictError (`experiment_running`) while its job is under way.
    """
    row = session.get(ExperimentRow, experiment_id)
    if row is None or row.workspace_id != workspace_id:
        return
    job = session.get(Job, row.job_id)
    if job is not None and job.state not in FINAL_STATES:
        raise ConflictError(
            f"experiment {experiment_id} is running",
            hint=f"cancel its job {row.job_id} first",
            code="experiment_running",
        )
    session.execute(delete(CellRow).where(CellRow.experiment_id == experiment_id))
    session.execute(delete(ExperimentRow).where(ExperimentRow.id == experiment_id))


def finished_cells(session: Session, experiment_id: str) -> set[tuple[int, int]]:
    """Return the (strategy, question) numbers that need no work any more."""
    columns = select(CellRow.strategy_number, CellRow.question_number)
    return {(row[0], row[1]) for row in session.execute(columns.where(CellRow.experiment_id == experiment_id))}


def read_cells(session: Session, experiment_id: str, *, with_spans: bool = False) -> Iterator[CellRow]:
    """Yield the cells by strategy and question, with `with_spans` what was found and sent, and the other arms, too."""
    statement = select(CellRow).where(CellRow.experiment_id == experiment_id)
    statement = statement.order_by(CellRow.strategy_number, CellRow.question_number)
    if with_spans:
        statement = statement.options(undefer(CellRow.ranked), undefer(CellRow.sent), undefer(CellRow.personal))
    yield from session.scalars(statement.execution_options(yield_per=CELLS_PER_READ))


def list_cells(
    session: Session, experiment_id: str, *, strategy_number: int | None, first: int, limit: int
) -> Sequence[CellRow]:
    """Return cells, spans included, by strategy and question from position `first` on."""
    statement = select(CellRow).where(CellRow.experiment_id == experiment_id)
    if strategy_number is not None:
        statement = statement.where(CellRow.strategy_number == strategy_number)
    statement = statement.options(undefer(CellRow.ranked), undefer(CellRow.sent), undefer(CellRow.personal))
    ordered = statement.order_by(CellRow.strategy_number, CellRow.question_number)
    return session.scalars(ordered.offset(first).limit(limit)).all()


def count_cells(session: Session, experiment_id: str) -> int:
    """Return how many cells are finished."""
    statement = select(func.count()).select_from(CellRow).where(CellRow.experiment_id == experiment_id)
    return int(session.scalar(statement) or 0)
