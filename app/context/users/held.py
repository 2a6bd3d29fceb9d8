"""Everything that is held on one user, to hand it out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.saved_contexts import ContextRow
from app.context.users.registration import UnknownUserError
from app.context.users.tables import PERSONAL_TABLES, UserRow

Held = dict[str, list[dict[str, Any]]]


def held_on(session: Session, workspace_id: str, user_id: str) -> Held:
    """Return every row on the user by table, as columns: what was superseded, hidden and dismissed, contexts with their
    receipts, and a deleted user too. Raises UnknownUserError where nothing is held.
    """
    user = session.get(UserRow, (workspace_id, user_id))
    if user is None:
        raise UnknownUserError(user_id)
    held: Held = {UserRow.__tablename__: [_columns(user)]}
    for table in (*PERSONAL_TABLES, ContextRow):
        mine = (table.workspace_id == workspace_id, table.user_id == user_id)
        rows = [_columns(row) for row in session.scalars(select(table).where(*mine))]
        held[table.__tablename__] = sorted(rows, key=_order)
    return held


def _order(row: dict[str, Any]) -> tuple[datetime, str]:
    """Return what rows of a table are sorted by: when they were made, then their id."""
    moment = next(row[name] for name in ("recorded_at", "created_at", "joined_at") if name in row)
    return moment, str(row.get("id") or row.get("group_name"))


def _columns(row: Any) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}
