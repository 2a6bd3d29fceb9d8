"""Erasing users and memories: every row and every quote of them goes, and nobody else's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.context.erasure import personal
from app.context.erasure.context_traces import CONTEXT_TRACES
from app.context.saved_contexts import ContextRow, GoneError, load_context
from app.context.users.tables import (
    PERSONAL_TABLES,
    FactRow,
    FeedbackRow,
    GroupMemberRow,
    GroupRow,
    MemoryRow,
    PreferencesRow,
    SuggestionRow,
    TurnRow,
    UserRow,
)
from configs.errors import NotFoundError
from indexes.database.engine import Database, now
from tests.app.context.erasure.shelf import OWNERS, Shelf, files_with
from tests.database import ON_POSTGRESQL


def add_user(shelf: Shelf, user_id: str, word: str) -> None:
    """Add a user with a row in every table; each text holds the word."""
    own = {"workspace_id": "w", "user_id": user_id}
    dated = {**own, "recorded_at": now()}
    rows: list[Any] = [
        GroupMemberRow(**own, group_name="staff"),
        PreferencesRow(id=f"{user_id}-p", preferences={"language": word}, **dated),
        FactRow(
            id=f"{user_id}-f", key=f"{word}key", value=f"{word}fact", source=f"{word}source", confidence=1.0,
            valid_from=now(), **dated,
        ),
        MemoryRow(id=f"{user_id}-m", kind="semantic", text=f"{word}memory", importance=5, valid_from=now(), **dated),
        MemoryRow(
            id=f"{user_id}-n", kind="semantic", text=f"{word}newer", importance=5, valid_from=now(),
            supersedes=f"{user_id}-m", **dated,
        ),
        SuggestionRow(
            id=f"{user_id}-s", kind="memory", value=f"{word}value", quote=f"{word}quote", rule="remember",
            result_id=f"{user_id}-m", created_at=now(), **own,
        ),
        TurnRow(id=f"{user_id}-t", role="user", text=f"{word}turn", created_at=now(), **own),
        FeedbackRow(
            id=f"{user_id}-b", document_id=shelf.document("oak").id, signal="click", created_at=now(), **own
        ),
    ]  # fmt: skip
    with shelf.database.write() as session:
        if session.get(GroupRow, ("w", "staff")) is None:
            session.add(GroupRow(workspace_id="w", name="staff"))
        session.add(UserRow(workspace_id="w", id=user_id))
        session.flush()
        session.add_all(rows)


def add_context(shelf: Shelf, context_id: str, user_id: str | None = None, **request: Any) -> None:
    """Add a saved context as it was asked for."""
    receipt = {"question": f"question of {context_id}"}
    with shelf.database.write() as session:
        session.add(ContextRow(id=context_id, workspace_id="w", user_id=user_id, request=request, receipt=receipt))


def counts(database: Database, user_id: str) -> list[int]:
    """Return how many rows each table has of a user."""
    with database.read() as session:
        return [
            session.scalar(select(func.count()).select_from(table).where(table.user_id == user_id)) or 0
            for table in PERSONAL_TABLES
        ]


@pytest.fixture
def people(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """Return a shelf with two users, whose rows go one at a time."""
    monkeypatch.setattr(personal, "ROWS_PER_BATCH", 1)
    shelf = Shelf(database, tmp_path, owners=(*OWNERS, CONTEXT_TRACES))
    add_user(shelf, "ann", "zanzi")
    add_user(shelf, "ben", "bongo")
    return shelf


def test_a_user_is_gone_with_every_row_and_nobody_else_is(people: Shelf, tmp_path: Path) -> None:
    before = counts(people.database, "ben")
    receipt = people.erase(user_id="ann")
    assert counts(people.database, "ann") == [0] * len(PERSONAL_TABLES)
    assert counts(people.database, "ben") == before
    assert receipt.counts["users"] == 1
    assert receipt.counts["memories"] == 2
    assert receipt.scope == {}
    people.database.close()
    assert files_with(tmp_path, b"zanzi", b'"ann"') == []
    assert files_with(tmp_path, b"bongo") or ON_POSTGRESQL  # whose files lie elsewhere


def test_a_user_is_hidden_with_the_first_batch(people: Shelf) -> None:
    next(people.steps(people.ask(user_id="ann").job_id))
    with people.database.read() as session:
        assert session.get_one(UserRow, ("w", "ann")).deleted_at is not None
        assert session.get_one(UserRow, ("w", "ben")).deleted_at is None


def test_a_memory_goes_with_what_quotes_it(people: Shelf, tmp_path: Path) -> None:
    receipt = people.erase(user_id="ann", memory_id="ann-m")
    assert receipt.counts == {"memories": 1, "suggestions": 1}
    with people.database.read() as session:
        assert session.get_one(MemoryRow, "ann-n").supersedes is None
        assert session.get(UserRow, ("w", "ann")) is not None
    people.database.close()
    assert files_with(tmp_path, b"zanzimemory", b"zanziquote", b"zanzivalue") == []
    assert files_with(tmp_path, b"zanzinewer") or ON_POSTGRESQL


def test_a_memory_of_another_user_is_not_there(people: Shelf) -> None:
    with pytest.raises(NotFoundError):
        people.ask(user_id="ben", memory_id="ann-m")


def test_contexts_of_a_user_answer_that_they_are_erased(people: Shelf) -> None:
    add_context(people, "by-principal", principals=["user:ann"], strategy="default version 1")
    add_context(people, "by-id", principals=[], user_id="ann", strategy="default version 1")
    add_context(people, "of-ben", principals=["user:anne", "group:ann"], strategy="ann")
    assert people.erase(user_id="ann").counts["contexts"] == 2
    with people.database.read() as session:
        for context_id in ("by-principal", "by-id"):
            with pytest.raises(GoneError) as refused:
                load_context(session, "w", context_id)
            assert refused.value.code == "content_erased"
            row = session.get_one(ContextRow, context_id)
            assert (row.request["strategy"], row.request["principals"], list(row.receipt)) == (
                "default version 1", [], ["erased_at"],
            )  # fmt: skip
        assert load_context(session, "w", "of-ben").receipt == {"question": "question of of-ben"}
