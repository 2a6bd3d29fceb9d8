"""Marks on a user's row that change with what is known of the user, so that others may remember it between requests.

Whoever writes rows of a user calls `mark_changed` in the same unit of work, before its own writes (the user's row is
the first that any writer locks). Opt-out and deletion need no mark: they stand on the row itself.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.context.users.tables import UserRow, new_revision

KnownPart = Literal["profile", "memories", "uses", "turns", "feedback"]
"""`profile`: groups, preferences and facts; `uses`: when memories were last used."""


def mark_changed(session: Session, workspace_id: str, user_ids: Collection[str], *parts: KnownPart) -> None:
    """Let everybody who remembers these parts of the users read them again once this unit of work is committed."""
    if not user_ids:
        return
    revisions = {f"{part}_revision": new_revision() for part in parts}
    changing = update(UserRow).where(UserRow.workspace_id == workspace_id, UserRow.id.in_(user_ids)).values(revisions)
    session.execute(changing.execution_options(synchronize_session=False))
