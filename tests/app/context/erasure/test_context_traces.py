"""What erasing leaves of saved contexts: how they were found, nothing of whom or what for; a replay answers 410."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.erasure.context_traces import CONTEXT_TRACES
from app.context.erasure.owners import Documents, Person
from app.context.saved_contexts import ContextRow, GoneError, last_context, load_context
from configs.errors import NotFoundError
from indexes.database.engine import Database
from tests.database import add_workspace, fresh_database

THEN = datetime(2026, 1, 1, tzinfo=UTC)
RECEIPT = {
    "question": "Where does Ann live?", "candidates": [{"document_id": "oak", "version_id": "oak-1"}],
    "memories": [{"id": "memory-1", "text": "Ann lives in Berlin."}],
}  # fmt: skip
REQUEST = {
    "strategy": "default version 1", "setup": {"baseline": "no_context"}, "principals": ["user:ann", "group:staff"],
    "filter": {"all": [{"tags": ["ann's"]}]}, "index_id": "i", "missing_documents": 2,
    "query_personalisation": {"outcome": "moved", "blend": 0.2, "closest_cosine": 0.7},
}  # fmt: skip


@pytest.fixture
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Yield a database with two empty workspaces."""
    with fresh_database(tmp_path_factory.mktemp("contexts")) as database:
        with database.write() as session:
            add_workspace(session)
            add_workspace(session, "other")
        yield database


def add(database: Database, context_id: str, user_id: str | None = "ann", **fields: Any) -> None:
    """Add a context of Ann, or of somebody else."""
    said = {**REQUEST, "principals": [f"user:{user_id}", "everyone"] if user_id else []}
    usual = {"workspace_id": "w", "user_id": user_id, "request": said, "receipt": RECEIPT, "created_at": THEN}
    with database.write() as session:
        session.add(ContextRow(**{"id": context_id, **usual, **fields}))


def erase(database: Database, target: Person | Documents) -> dict[str, int]:
    """Erase a batch."""
    with database.write() as session:
        if isinstance(target, Person):
            return dict(CONTEXT_TRACES.erase_person(session, target))
        return dict(CONTEXT_TRACES.erase_documents(session, target))


def erased(database: Database) -> set[str]:
    """Return the contexts that answer that they are erased."""
    with database.read() as session:
        return {
            row.id for row in session.scalars(select(ContextRow)) if code_of(session, row) == (410, "content_erased")
        }


def code_of(session: Session, row: ContextRow) -> tuple[int, str]:
    """Return what a request for the context is answered with."""
    try:
        load_context(session, row.workspace_id, row.id)
    except GoneError as refused:
        return refused.status, refused.code
    return 200, ""


def whole_row(database: Database, context_id: str) -> str:
    """Return all that is kept of a context as text."""
    with database.read() as session:
        row = session.get_one(ContextRow, context_id)
        return json.dumps([row.user_id, row.request, row.receipt])


ANN = Person(workspace_id="w", user_id="ann")


def test_of_a_users_context_only_how_it_was_found_is_left(database: Database) -> None:
    add(database, "hers")
    assert erase(database, ANN) == {"contexts": 1}
    with database.read() as session:
        row = session.get_one(ContextRow, "hers")
        assert row.user_id is None
        assert row.created_at == THEN
        assert row.request == {
            "strategy": "default version 1", "index_id": "i", "missing_documents": 2, "principals": [], "filter": None,
        }  # fmt: skip
        assert set(row.receipt) == {"erased_at"}
    assert "ann" not in whole_row(database, "hers").lower()
    assert erase(database, ANN) == {}


def test_nobody_elses_context_is_touched(database: Database) -> None:
    for context_id, user_id in (("anna", "anna"), ("an", "an"), ("ann.", "ann."), ("nobody", None)):
        add(database, context_id, user_id, receipt={"question": "What does ann say of user:ann?"})
    add(database, "elsewhere", workspace_id="other")
    before = [whole_row(database, one) for one in ("anna", "an", "ann.", "nobody", "elsewhere")]
    assert erase(database, ANN) == {}
    assert [whole_row(database, one) for one in ("anna", "an", "ann.", "nobody", "elsewhere")] == before
    assert erased(database) == set()


def test_a_user_whose_id_has_other_letters_keeps_everything(database: Database) -> None:
    add(database, "of another", "Ann")
    assert erase(database, ANN) == {}
    assert erased(database) == set()


def test_contexts_that_name_the_user_only_in_their_rights_go_too(database: Database) -> None:
    add(database, "shared", None, request={**REQUEST, "principals": ["user:ann", "user:ben"]})
    assert erase(database, ANN) == {"contexts": 1}
    assert erased(database) == {"shared"}


def test_a_memory_takes_the_contexts_that_sent_it_and_no_others(database: Database) -> None:
    add(database, "sent it")
    add(database, "sent another", receipt={"memories": [{"id": "memory-12"}]})
    assert erase(database, Person(workspace_id="w", user_id="ann", memory_id="memory-1")) == {"contexts": 1}
    assert erased(database) == {"sent it"}


def test_a_document_takes_the_contexts_that_considered_it(database: Database) -> None:
    add(database, "with oak", "ben")
    add(database, "with oaks", receipt={"candidates": [{"document_id": "oaks"}]})
    oak = Documents(workspace_id="w", ids=("oak", "yew"), version_ids=())
    assert erase(database, oak) == {"contexts": 1}
    assert erased(database) == {"with oak"}
    assert "ben" not in whole_row(database, "with oak")


def test_an_erased_context_is_nobodys_last_one(database: Database) -> None:
    add(database, "older", created_at=THEN)
    add(database, "newer", created_at=THEN + timedelta(hours=1))
    with database.read() as session:
        newest = last_context(session, "w", "ann")
        assert newest is not None
        assert newest.id == "newer"
    assert erase(database, ANN) == {"contexts": 2}
    with database.read() as session:
        assert last_context(session, "w", "ann") is None
        with pytest.raises(NotFoundError):
            load_context(session, "other", "newer")


def test_batches_go_on_until_nothing_is_left(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.context.erasure.context_traces.CONTEXTS_PER_BATCH", 2)
    for number in range(5):
        add(database, f"c{number}")
    batches = [erase(database, ANN).get("contexts", 0) for _ in range(4)]
    assert batches == [2, 2, 1, 0]
    assert len(erased(database)) == 5


def test_old_contexts_expire_in_batches_and_newer_ones_stay(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.context.erasure.context_traces.CONTEXTS_PER_BATCH", 2)
    for number in range(5):
        add(database, f"c{number}", created_at=THEN + timedelta(days=number))
    add(database, "elsewhere", workspace_id="other")
    expire = CONTEXT_TRACES.expire["contexts"]
    counts = []
    for _ in range(3):
        with database.write() as session:
            counts.append(expire(session, "w", THEN + timedelta(days=3)))
    assert counts == [2, 1, 0]
    with database.read() as session:
        assert set(session.scalars(select(ContextRow.id))) == {"c3", "c4", "elsewhere"}
