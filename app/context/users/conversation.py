"""The history of turns with a user."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.context.users.known import Role
from app.context.users.moments import later_than
from app.context.users.registration import user_to_write
from app.context.users.revisions import mark_changed
from app.context.users.tables import TurnRow
from indexes.database.catalog import page
from indexes.database.engine import new_id, now


def add_turn(
    session: Session, workspace_id: str, user_id: str, role: Role, text: str, *, at: datetime | None = None
) -> TurnRow:
    """Keep a turn at the end of the conversation."""
    user_to_write(session, workspace_id, user_id, "turns")
    mine = (TurnRow.workspace_id == workspace_id, TurnRow.user_id == user_id)
    last = session.scalar(select(func.max(TurnRow.created_at)).where(*mine))
    row = TurnRow(
        id=new_id("turn"), workspace_id=workspace_id, user_id=user_id, role=role, text=text,
        created_at=later_than(last, at or now()),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def list_turns(
    session: Session, workspace_id: str, user_id: str, *, limit: int, cursor: str | None
) -> tuple[list[TurnRow], str | None]:
    """Return a page of turns, oldest first, and the cursor of the next page."""
    mine = (TurnRow.workspace_id == workspace_id, TurnRow.user_id == user_id, TurnRow.hidden_at.is_(None))
    statement = select(TurnRow).where(*mine)
    rows, following = page(session, statement, TurnRow.created_at, TurnRow.id, limit=limit, cursor=cursor)
    return [row[0] for row in rows], following


def hide_turns(session: Session, workspace_id: str, user_id: str, *, at: datetime | None = None) -> None:
    """Take all turns out of every context, whatever the moment; the export keeps them."""
    mark_changed(session, workspace_id, [user_id], "turns")
    mine = (TurnRow.workspace_id == workspace_id, TurnRow.user_id == user_id)
    hiding = update(TurnRow).where(*mine, TurnRow.hidden_at.is_(None)).values(hidden_at=at or now())
    session.execute(hiding.execution_options(synchronize_session="fetch"))
