"""Everything held on a user is exported, superseded, hidden and suggested things too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from app.context.saved_contexts import ContextRow
from app.context.users.conversation import add_turn, hide_turns
from app.context.users.facts import NewFact, hide_facts, record_fact
from app.context.users.feedback import NewFeedback, record_feedback
from app.context.users.held import held_on
from app.context.users.known import Preferences
from app.context.users.memories import NewMemory, hide_memory, remember
from app.context.users.registration import UnknownUserError, hide_user
from app.context.users.suggestions import add_suggestions
from app.context.users.tables import PERSONAL_TABLES
from indexes.database.engine import Base, Database
from tests.app.context.users.people import WORKSPACE, add_user, hour
from tests.database import add_document


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """Yield a unit of work in which Ann and Ben have left something everywhere, and took much of it back."""
    with database.write() as session:
        for user_id in ("ann", "ben"):
            add_user(session, user_id, groups=("support",), preferences=Preferences(language=f"{user_id}ish"))
            if user_id == "ann":
                add_document(session, "d")
            record_fact(session, WORKSPACE, user_id, "city", NewFact(value=f"old {user_id}"), at=hour(1))
            record_fact(session, WORKSPACE, user_id, "city", NewFact(value=f"new {user_id}"), at=hour(2))
            memory = remember(session, WORKSPACE, user_id, NewMemory(text=f"memory {user_id}"), at=hour(3))
            add_suggestions(session, WORKSPACE, user_id, f"Remember that {user_id} likes tea.")
            add_turn(session, WORKSPACE, user_id, "user", f"turn {user_id}")
            record_feedback(session, WORKSPACE, user_id, NewFeedback(signal="click", document_id="d"))
            hide_facts(session, WORKSPACE, user_id, "city")
            hide_memory(session, WORKSPACE, user_id, memory.id)
            hide_turns(session, WORKSPACE, user_id)
            hide_user(session, WORKSPACE, user_id)
        yield session


def test_the_export_holds_what_was_superseded_hidden_and_suggested(session: Session) -> None:
    session.add(ContextRow(id="context", workspace_id=WORKSPACE, user_id="ann", request={}, receipt={}))
    session.flush()
    held = held_on(session, WORKSPACE, "ann")
    assert set(held) == {"users", "contexts", *(table.__tablename__ for table in PERSONAL_TABLES)}
    assert all(held.values())
    for word in ("old ann", "new ann", "memory ann", "ann likes tea", "turn ann", "annish", "support", "click"):
        assert word in str(held)
    assert "ben" not in str(held)
    assert [fact["recorded_at"] for fact in held["user_facts"]] == [hour(1), hour(2), hour(2)]


def test_every_table_with_rows_of_a_user_is_exported() -> None:
    personal = {
        name for name, table in Base.metadata.tables.items() if name.startswith("user_") and "user_id" in table.c
    }
    assert personal == {table.__tablename__ for table in PERSONAL_TABLES}


def test_the_export_is_of_one_user_of_one_workspace(session: Session) -> None:
    add_user(session, "ann", workspace_id="other")
    held = held_on(session, "other", "ann")
    assert len(held["users"]) == 1
    assert not any(rows for name, rows in held.items() if name != "users")
    with pytest.raises(UnknownUserError):
        held_on(session, "other", "ben")
