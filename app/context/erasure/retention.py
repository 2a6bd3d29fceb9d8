"""How long a workspace keeps what: days by kind, and the job that removes what is older."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ForeignKey, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.context.erasure.owners import Owner, RetainedKind
from app.context.erasure.records import added
from indexes.database.engine import Base, UtcDateTime, now
from indexes.database.tables import Job, Workspace
from indexes.jobs import FINAL_STATES, Handler, RunningJob, create_job

RETAIN = "retain"
PLANNED_EVERY = timedelta(hours=23)
LONGEST_DAYS = 36_500
KINDS: tuple[RetainedKind, ...] = ("history", "contexts", "feedback")


class RetentionRow(Base):
    """Days that a workspace keeps things; None keeps them. A workspace without a row keeps everything."""

    __tablename__ = "workspace_retention"
    audited: ClassVar = ("history_days", "contexts_days", "feedback_days")

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True)
    history_days: Mapped[int | None]
    contexts_days: Mapped[int | None]
    feedback_days: Mapped[int | None]
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Retention(BaseModel):
    """How many days a workspace keeps each kind; null keeps it until somebody erases it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    history_days: int | None = Field(
        None, ge=1, le=LONGEST_DAYS, description="turns of conversations, and suggestions read in them"
    )
    contexts_days: int | None = Field(
        None, ge=1, le=LONGEST_DAYS, description="receipts of contexts; a replay answers 404 afterwards"
    )
    feedback_days: int | None = Field(None, ge=1, le=LONGEST_DAYS, description="what users let know about documents")

    def days(self, kind: RetainedKind) -> int | None:
        """Return the days for one kind."""
        days: int | None = getattr(self, f"{kind}_days")
        return days


def load_retention(session: Session, workspace_id: str) -> Retention:
    """Return what the workspace keeps."""
    row = session.get(RetentionRow, workspace_id)
    if row is None:
        return Retention()
    return Retention(history_days=row.history_days, contexts_days=row.contexts_days, feedback_days=row.feedback_days)


def save_retention(session: Session, workspace_id: str, retention: Retention) -> str | None:
    """Keep the setting and return the job that applies it now, None where nothing is limited."""
    session.merge(RetentionRow(workspace_id=workspace_id, updated_at=now(), **retention.model_dump()))
    session.flush()
    if not any(retention.days(kind) for kind in KINDS):
        return None
    return _waiting(session, workspace_id) or create_job(session, workspace_id, RETAIN, {})


def plan_retention(session: Session) -> list[str]:
    """Create a job for each live workspace that limits something and had none for PLANNED_EVERY; return their ids."""
    limited = or_(*(getattr(RetentionRow, f"{kind}_days").is_not(None) for kind in KINDS))
    statement = select(RetentionRow.workspace_id).join(Workspace, Workspace.id == RetentionRow.workspace_id)
    due = statement.where(limited, Workspace.deleted_at.is_(None)).order_by(RetentionRow.workspace_id)
    ids = session.scalars(due.with_for_update(of=RetentionRow))  # another process that plans comes after this one
    return [create_job(session, one, RETAIN, {}) for one in ids.all() if not _is_planned(session, one)]


def _waiting(session: Session, workspace_id: str) -> str | None:
    queued = Job.workspace_id == workspace_id, Job.kind == RETAIN, Job.state == "queued"
    return session.scalar(select(Job.id).where(*queued).limit(1))


def _is_planned(session: Session, workspace_id: str) -> bool:
    recent = or_(Job.state.not_in(FINAL_STATES), Job.created_at > now() - PLANNED_EVERY)
    planned = Job.workspace_id == workspace_id, Job.kind == RETAIN, Job.state != "failed", recent
    return session.scalar(select(Job.id).where(*planned).limit(1)) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retainer:
    """The handler of retention jobs.

    SQLite overwrites what they delete; copies that splits of pages left go with the next erasure, whose VACUUM would
    cost too much each hour.
    """

    owners: Sequence[Owner]

    def handlers(self) -> dict[str, Handler]:
        """Return the job kind that applies retention."""
        return {RETAIN: self.run}

    def run(self, job: RunningJob) -> Iterator[None]:
        """Remove what is older than the workspace keeps, a batch for each step."""
        workspace_id = str(job.workspace_id)
        removed: dict[str, int] = {}
        for number, kind in enumerate(KINDS):
            job.progress("removing", number, len(KINDS))
            for owner in self.owners:
                expire = owner.expire.get(kind)
                while expire is not None:
                    with job.write() as session:  # the setting is read each time: it may change meanwhile
                        days = load_retention(session, workspace_id).days(kind)
                        count = expire(session, workspace_id, now() - timedelta(days=days)) if days else 0
                    removed = added(removed, {kind: count})
                    yield
                    if not count:
                        break
        job.result = {"removed": removed}
