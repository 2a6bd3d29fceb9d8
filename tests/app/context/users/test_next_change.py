"""The next change: every moment of every row that what is known is compared with, and no moment of hidden ones."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.context.users.next_change import MOMENTS, next_change
from app.context.users.revisions import KnownPart
from app.context.users.tables import FactRow, FeedbackRow, MemoryRow, PreferencesRow, TurnRow
from indexes.database.engine import Database, UtcDateTime
from tests.app.context.users.people import WORKSPACE, add_user, hour
from tests.database import add_document

ROWS: dict[Any, dict[str, Any]] = {
    FactRow: {
        "key": "k", "value": "v", "source": "s", "confidence": 1.0, "valid_from": hour(1), "valid_to": hour(1),
        "recorded_at": hour(1), "superseded_at": hour(1),
    },
    PreferencesRow: {"preferences": {}, "recorded_at": hour(1)},
    MemoryRow: {
        "kind": "semantic", "text": "t", "importance": 5, "valid_from": hour(1), "valid_to": hour(1),
        "recorded_at": hour(1), "last_used_at": hour(1), "closed_at": hour(1),
    },
    TurnRow: {"role": "user", "text": "t", "created_at": hour(1)},
    FeedbackRow: {"document_id": "d", "signal": "click", "created_at": hour(1)},
}  # fmt: skip
CASES = [
    (part, table, name) for part, sources in MOMENTS.items() for table, names in sources for name in names
]  # fmt: skip


def add_row(session: Session, table: Any, **values: Any) -> None:
    session.add(table(id="row", workspace_id=WORKSPACE, user_id="ann", **{**ROWS[table], **values}))
    session.flush()


@pytest.mark.parametrize(("part", "table", "name"), CASES)
def test_a_moment_to_come_is_the_next_change_of_its_part_until_it_has_come(
    database: Database, part: KnownPart, table: Any, name: str
) -> None:
    with database.write() as session:
        add_user(session)
        add_document(session, "d")
        add_row(session, table, **{name: hour(7)})
        found = {at: next_change(session, WORKSPACE, "ann", part, hour(at)) for at in (0.5, 6.9, 7)}
        others = {next_change(session, WORKSPACE, "ann", other, hour(2)) for other in MOMENTS if other != part}
    assert found[6.9] == hour(7)
    assert found[7] is None
    assert found[0.5] in (hour(1), hour(7))
    assert others == {None}


@pytest.mark.parametrize("table", [table for table in ROWS if hasattr(table, "hidden_at")])
def test_what_is_hidden_or_of_another_user_changes_nothing(database: Database, table: Any) -> None:
    with database.write() as session:
        add_user(session)
        add_user(session, "bob")
        add_document(session, "d")
        add_row(session, table, hidden_at=hour(0))
        found = [next_change(session, WORKSPACE, user, part, hour(0)) for user in ("ann", "bob") for part in MOMENTS]
    assert found == [None] * len(found)


def test_every_moment_of_the_tables_is_among_them() -> None:
    named = {(table, name) for _, table, name in CASES}
    columns = ((table, column) for table in ROWS for column in table.__table__.columns)
    moments = {(table, column.key) for table, column in columns if isinstance(column.type, UtcDateTime)}
    assert named == {(table, name) for table, name in moments if name != "hidden_at"}
