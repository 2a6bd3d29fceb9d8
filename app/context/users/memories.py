"""What to remember about a user, in words; nothing is deleted, a newer memory closes the one it supersedes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.context.users.known import MemoryKind, as_stored, memory_holds, read_stored
from app.context.users.moments import Moment
from app.context.users.registration import user_to_write
from app.context.users.revisions import mark_changed
from app.context.users.tables import MemoryRow
from configs.errors import ConflictError, InvalidInputError, NotFoundError
from configs.text import Text
from indexes.database.catalog import page
from indexes.database.engine import new_id, now

MOST_MEMORIES = 10_000
FARTHEST_AHEAD = timedelta(days=1)


class NewMemory(BaseModel):
    """Something to remember."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Annotated[Text, StringConstraints(min_length=1, max_length=2_000, pattern=r"\S")]
    kind: MemoryKind = Field(
        "semantic", description="semantic: what is so; episodic: what happened; procedural: how to do things"
    )
    importance: int = Field(5, ge=1, le=10, description="how much it matters, 1 to 10")
    valid_from: Moment | None = Field(None, description="since when it holds; default: now; at most a day ahead")
    supersedes: Annotated[Text, StringConstraints(min_length=1, max_length=64)] | None = Field(
        None, description="id of the memory that this one replaces; it ends where this one starts"
    )


def remember(
    session: Session, workspace_id: str, user_id: str, new: NewMemory, *, at: datetime | None = None
) -> MemoryRow:
    """Keep a memory and close the one it supersedes.

    Raises InvalidInputError `memory_in_far_future`, NotFoundError for a superseded memory that is not the user's,
    ConflictError `memories_full`, `memory_superseded` and `conflicting_validity`.
    """
    user_to_write(session, workspace_id, user_id, "memories")
    moment = at or now()
    start = new.valid_from or moment
    if start > moment + FARTHEST_AHEAD:
        raise InvalidInputError(
            f"the memory would hold from {start.isoformat()} on, more than a day ahead",
            hint="remember it when it has happened, or leave `valid_from` out",
            code="memory_in_far_future",
        )
    _check_room(session, workspace_id, user_id)
    if new.supersedes is not None:
        old = load_memory(session, workspace_id, user_id, new.supersedes)
        _check_may_follow(old, start)
        old.valid_to, old.closed_at = start, max(moment, old.recorded_at)
    row = MemoryRow(
        id=new_id("memory"), workspace_id=workspace_id, user_id=user_id, kind=new.kind, text=new.text,
        importance=new.importance, valid_from=start, supersedes=new.supersedes, recorded_at=moment,
        last_used_at=moment,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def load_memory(session: Session, workspace_id: str, user_id: str, memory_id: str) -> MemoryRow:
    """Return a memory of the user, closed ones included, or raise NotFoundError; a hidden one is not there."""
    row = session.get(MemoryRow, memory_id)
    if row is None or (row.workspace_id, row.user_id) != (workspace_id, user_id) or row.hidden_at is not None:
        raise NotFoundError("memory", memory_id)
    return row


def hide_memory(
    session: Session, workspace_id: str, user_id: str, memory_id: str, *, at: datetime | None = None
) -> None:
    """Take a memory out of every context, whatever the moment; the export keeps it. One that it superseded stays
    closed. What is not there stays so.
    """
    row = session.get(MemoryRow, memory_id)
    if row is not None and (row.workspace_id, row.user_id) == (workspace_id, user_id) and row.hidden_at is None:
        mark_changed(session, workspace_id, [user_id], "memories")
        row.hidden_at = at or now()
        session.flush()


def list_memories(
    session: Session, workspace_id: str, user_id: str, *, limit: int, cursor: str | None,
    as_of: datetime | None = None, history: bool = False,
) -> tuple[list[MemoryRow], str | None]:  # fmt: skip
    """Return a page of the memories that were known and held at `as_of` (default: now), oldest first; with `history`
    those recorded by then, closed ones included.
    """
    mine = (MemoryRow.workspace_id == workspace_id, MemoryRow.user_id == user_id, MemoryRow.hidden_at.is_(None))
    moment = as_of or now()
    conditions = MemoryRow.recorded_at <= moment if history else memory_holds(moment)
    statement = select(MemoryRow).where(*mine, conditions)
    rows, following = page(session, statement, MemoryRow.recorded_at, MemoryRow.id, limit=limit, cursor=cursor)
    return [row[0] for row in rows], following


def mark_used(
    session: Session, workspace_id: str, user_id: str, memory_ids: Collection[str], *, at: datetime | None = None,
    unused_for: timedelta = timedelta(),
) -> frozenset[str]:  # fmt: skip
    """Note that memories were part of a context, and return the ids of those that had not been so within `unused_for`;
    the others keep the moment of their last use.
    """
    mark_changed(session, workspace_id, [user_id], "uses")
    mine = (MemoryRow.workspace_id == workspace_id, MemoryRow.user_id == user_id, MemoryRow.id.in_(memory_ids))
    moment = at or now()
    unused = MemoryRow.last_used_at < moment - unused_for
    using = update(MemoryRow).where(*mine, unused).values(last_used_at=moment).returning(MemoryRow.id)
    return frozenset(session.scalars(using.execution_options(synchronize_session="fetch")))


def uses_of(session: Session, workspace_id: str, user_id: str) -> dict[str, datetime]:
    """Return when each memory of the user was last used, hidden ones left out."""
    mine = (MemoryRow.workspace_id == workspace_id, MemoryRow.user_id == user_id, MemoryRow.hidden_at.is_(None))
    statement = select(MemoryRow.id, as_stored(MemoryRow.last_used_at)).where(*mine)
    rows: Sequence[Any] = session.connection().execute(statement).all()
    return {identifier: read_stored(used_at) for identifier, used_at in rows}


def _check_room(session: Session, workspace_id: str, user_id: str) -> None:
    mine = (MemoryRow.workspace_id == workspace_id, MemoryRow.user_id == user_id, MemoryRow.hidden_at.is_(None))
    count = session.scalar(select(func.count()).select_from(MemoryRow).where(*mine)) or 0
    if count >= MOST_MEMORIES:
        raise ConflictError(
            f"the user has {count} memories already; the limit is {MOST_MEMORIES}",
            hint="delete memories that no longer matter",
            code="memories_full",
        )


def _check_may_follow(old: MemoryRow, start: datetime) -> None:
    if old.closed_at is not None:
        raise ConflictError(
            f"memory {old.id} was superseded already", hint="supersede the memory that took its place",
            code="memory_superseded",
        )  # fmt: skip
    if start < old.valid_from:
        raise ConflictError(
            f"memory {old.id} starts at {old.valid_from.isoformat()}, after the one that would supersede it",
            hint="give a `valid_from` that is not before it",
            code="conflicting_validity",
        )
