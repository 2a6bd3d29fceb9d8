"""A workspace with users, and moments counted in hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from app.context.users.known import Preferences
from app.context.users.registration import add_group, put_user
from app.context.users.tables import UserRow
from indexes.database.tables import Workspace
from tests.database import add_workspace

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
WORKSPACE = "w"


def hour(number: float) -> datetime:
    """Return the moment so many hours after the beginning of 2026."""
    return BEGIN + timedelta(hours=number)


def add_user(
    session: Session,
    user_id: str = "ann",
    *,
    groups: tuple[str, ...] = (),
    workspace_id: str = WORKSPACE,
    preferences: Preferences | None = None,
    opted_out: bool = False,
) -> UserRow:
    """Add a user who was known from the first hour on, with the workspace and the groups where they are missing."""
    if session.get(Workspace, workspace_id) is None:
        add_workspace(session, workspace_id)
    for name in groups:
        add_group(session, workspace_id, name, "")
    row, _ = put_user(
        session, workspace_id, user_id, groups=groups, preferences=preferences or Preferences(), opted_out=opted_out,
        at=hour(0),
    )  # fmt: skip
    return row
