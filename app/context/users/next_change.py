"""The next moment at which what is known of a user changes by time alone: something begins, ends or becomes known."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.context.users.revisions import KnownPart
from app.context.users.tables import FactRow, FeedbackRow, MemoryRow, PreferencesRow, TurnRow

MOMENTS: dict[KnownPart, tuple[tuple[Any, tuple[str, ...]], ...]] = {
    "profile": (
        (FactRow, ("recorded_at", "superseded_at", "valid_from", "valid_to")),
        (PreferencesRow, ("recorded_at",)),
    ),
    "memories": ((MemoryRow, ("recorded_at", "valid_from", "valid_to", "closed_at", "last_used_at")),),
    "turns": ((TurnRow, ("created_at",)),),
    "feedback": ((FeedbackRow, ("created_at",)),),
}
"""By part the tables that it comes from, and their columns that a moment is compared with."""


def next_change(
    session: Session, workspace_id: str, user_id: str, part: KnownPart, moment: datetime
) -> datetime | None:
    """Return the first moment after `moment` at which the part changes though nobody writes, None where there is none.

    What was hidden is left out; the part may turn out to stay the same.
    """
    found: list[datetime] = []
    for table, names in MOMENTS[part]:
        mine = [table.workspace_id == workspace_id, table.user_id == user_id]
        if hasattr(table, "hidden_at"):
            mine.append(table.hidden_at.is_(None))
        columns = [getattr(table, name) for name in names]
        if len(columns) == 1:
            mine.append(columns[0] > moment)
        row = session.execute(select(*(func.min(one).filter(one > moment) for one in columns)).where(*mine)).one()
        found += [one for one in row if one is not None]
    return min(found, default=None)
