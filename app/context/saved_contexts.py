"""Saved contexts: receipts, from which a context is rebuilt byte for byte; never document text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from configs.errors import NotFoundError, PlaygroundError
from indexes.access import Principal
from indexes.database.engine import Base, Json, UtcDateTime, now
from indexes.database.tables import Document, Identifier


class ContextRow(Base):
    """One assembled context: the receipt, how it was asked for, for which user and through which alias, if any.

    `alias` is null, too, where the question may not be found again among those of the alias.
    """

    __tablename__ = "contexts"
    __table_args__ = (
        Index("contexts_user", "workspace_id", "user_id", "created_at"),
        Index("contexts_alias", "workspace_id", "alias", "created_at"),
    )

    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str | None] = mapped_column(Identifier)
    alias: Mapped[str | None] = mapped_column(Identifier)
    request: Mapped[dict[str, Any]] = mapped_column(Json)
    receipt: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class GoneError(PlaygroundError):
    """The context rests on a document that was deleted since, or on one or a user that was erased."""

    status = 410
    code = "document_deleted"


def load_context(session: Session, workspace_id: str, context_id: str) -> ContextRow:
    """Return the context, or raise NotFoundError; GoneError `content_erased` where what it rested on was erased."""
    row = session.get(ContextRow, context_id)
    if row is None or row.workspace_id != workspace_id:
        raise NotFoundError("context", context_id)
    if "erased_at" in row.receipt:
        raise GoneError(
            f"what context {context_id} rested on was erased at {row.receipt['erased_at']}",
            hint="assemble it again with POST …/contexts",
            code="content_erased",
        )
    return row


def last_context(session: Session, workspace_id: str, user_id: str) -> ContextRow | None:
    """Return the user's newest context, None where there is none or it was erased."""
    mine = (ContextRow.workspace_id == workspace_id, ContextRow.user_id == user_id)
    newest = select(ContextRow).where(*mine).order_by(ContextRow.created_at.desc(), ContextRow.id.desc()).limit(1)
    row = session.scalars(newest).first()
    return None if row is None or "erased_at" in row.receipt else row


def erased_receipt(moment: datetime) -> dict[str, Any]:
    """Return what stands in the place of the receipt of a context that must not be rebuilt any more."""
    return {"erased_at": moment.isoformat(timespec="seconds")}


def check_reader(row: ContextRow, principal: Principal) -> None:
    """Raise NotFoundError where the context was made for a user and the principal is not that user."""
    if row.user_id is not None and f"user:{row.user_id}" not in principal.names:
        raise NotFoundError("context", row.id)


def check_sources(session: Session, context_id: str, document_ids: set[str], principal: Principal) -> None:
    """Raise where the caller may not read one of the documents any more, or one was deleted.

    Who may not read is told that the context does not exist.
    """
    columns = select(Document.access, Document.deleted_at).where(Document.id.in_(document_ids))
    rows = session.execute(columns).all()
    if any(not principal.may_read(row.access) for row in rows):
        raise NotFoundError("context", context_id)
    if len(rows) < len(document_ids) or any(row.deleted_at is not None for row in rows):
        raise GoneError(
            f"context {context_id} rests on a document that was deleted", hint="assemble it again with POST …/contexts"
        )
