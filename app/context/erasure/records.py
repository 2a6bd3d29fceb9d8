"""Erasures as the database keeps them: what is to be erased while it is, and a receipt of numbers afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ForeignKey, Index, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from configs.errors import NotFoundError
from indexes.database.catalog import page
from indexes.database.engine import Base, Json, UtcDateTime, now
from indexes.database.tables import Identifier

TargetKind = Literal["document", "source", "memory", "user"]
Counts = Mapping[str, int]
"""How much was removed, by what it was: `chunks`, `vectors`, `uploads`, ..."""


class ErasureRow(Base):
    """One erasure. `scope` names what is to be erased and is emptied with the last row of it; `counts` are at least.

    `marked_at` is when its target left every result; by `settled_at` nothing that had begun before that moment still
    read it; from `cleared_at` on only free space is left to overwrite.
    """

    __tablename__ = "erasures"
    __table_args__ = (
        Index("erasures_listing", "workspace_id", "requested_at", "id"),
        Index("erasures_target", "target_sha256"),
    )

    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    job_id: Mapped[str] = mapped_column(Identifier)
    kind: Mapped[str] = mapped_column(String(16))
    target_sha256: Mapped[str] = mapped_column(String(64))
    request: Mapped[str] = mapped_column(Text)
    scope: Mapped[dict[str, Any]] = mapped_column(Json)
    counts: Mapped[dict[str, Any]] = mapped_column(Json)
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    marked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cleared_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def hash_of(workspace_id: str, kind: TargetKind, *names: str) -> str:
    """Return the SHA-256, in hex, by which a receipt knows its target: of workspace, kind and names, NUL between."""
    return hashlib.sha256("\0".join((workspace_id, kind, *names)).encode()).hexdigest()


def load_erasure(session: Session, workspace_id: str, erasure_id: str) -> ErasureRow:
    """Return the erasure, or raise NotFoundError."""
    row = session.get(ErasureRow, erasure_id)
    if row is None or row.workspace_id != workspace_id:
        raise NotFoundError("erasure", erasure_id, hint="list them with GET …/erasures")
    return row


def list_erasures(
    session: Session, workspace_id: str, *, limit: int, cursor: str | None
) -> tuple[list[ErasureRow], str | None]:
    """Return a page of erasures, oldest first, and the cursor of the next page."""
    statement = select(ErasureRow).where(ErasureRow.workspace_id == workspace_id)
    rows, following = page(session, statement, ErasureRow.requested_at, ErasureRow.id, limit=limit, cursor=cursor)
    return [row[0] for row in rows], following


def erasures_of(session: Session, workspace_id: str, target_sha256: str) -> list[ErasureRow]:
    """Return the erasures of one target, oldest first."""
    statement = select(ErasureRow).where(
        ErasureRow.workspace_id == workspace_id, ErasureRow.target_sha256 == target_sha256
    )
    return list(session.scalars(statement.order_by(ErasureRow.requested_at, ErasureRow.id)))


def add_counts(session: Session, erasure_id: str, counts: Counts) -> None:
    """Add to what the erasure has removed, in the unit of work that removed it."""
    row = session.get_one(ErasureRow, erasure_id)
    row.counts = added(row.counts, counts)
    session.flush()


def added(first: Counts, second: Counts) -> dict[str, int]:
    """Return the sums by name, names in order, without those that are 0."""
    sums = {name: first.get(name, 0) + second.get(name, 0) for name in sorted({*first, *second})}
    return {name: value for name, value in sums.items() if value}
