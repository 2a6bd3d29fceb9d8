"""Memories: superseded ones are closed, hidden ones are gone from every moment, and many are read at once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.context.users import memories
from app.context.users.known import count_memories, memories_of
from app.context.users.memories import NewMemory, hide_memory, list_memories, load_memory, mark_used, remember
from app.context.users.tables import MemoryRow
from configs.errors import ConflictError, InvalidInputError, NotFoundError
from indexes.database.engine import Database
from tests.app.context.users.people import WORKSPACE, add_user, hour
from tests.database import fresh_database

NEW_USERS = (f"user{number}" for number in count())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Yield one database for all examples; each has a user of its own."""
    with fresh_database(tmp_path_factory.mktemp("memories")) as database:
        yield database


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """Yield a unit of work in which Ann is known."""
    with database.write() as session:
        add_user(session)
        yield session


def keep(session: Session, text: str, at: float = 1, user: str = "ann", **more: Any) -> MemoryRow:
    """Remember a text at an hour; `valid_from` is an hour, too."""
    if "valid_from" in more:
        more["valid_from"] = hour(more["valid_from"])
    return remember(session, WORKSPACE, user, NewMemory(text=text, **more), at=hour(at))


def texts(session: Session, at: float, user: str = "ann") -> list[str]:
    """Return what is remembered as of an hour."""
    known = memories_of(session, WORKSPACE, user, hour(at))
    assert count_memories(session, WORKSPACE, user, hour(at)) == len(known)
    return [memory.text for memory in known]


chains = st.lists(
    st.tuples(st.integers(0, 3), st.none() | st.integers(0, 5), st.none() | st.integers(0, 12)), min_size=1, max_size=6
)
"""Hours to wait, which memory to supersede, and since when it holds."""


@given(chain=chains, asked=st.lists(st.integers(0, 30), min_size=3, max_size=3))
def test_as_of_a_moment_is_what_was_recorded_and_held_then(
    shared: Database, chain: list[tuple[int, int | None, int | None]], asked: list[int]
) -> None:
    kept: list[dict[str, Any]] = []
    with shared.write() as session:
        user = next(NEW_USERS)
        add_user(session, user)
        clock = 0
        for number, (wait, target, since) in enumerate(chain):
            clock += wait
            old = kept[target % len(kept)] if kept and target is not None else None
            start = clock if since is None else since
            more = {} if since is None else {"valid_from": since}
            if old is not None:
                more["supersedes"] = old["id"]
            allowed = old is None or (old["closed"] is None and start >= old["start"])
            try:
                row = keep(session, str(number), clock, user, **more)
            except ConflictError:
                assert not allowed
                continue
            assert allowed
            if old is not None:
                old["closed"], old["end"] = clock, start
            kept.append(
                {"id": row.id, "text": row.text, "start": start, "recorded": clock, "closed": None, "end": None}
            )
        for moment in asked:
            wanted = {
                one["text"]
                for one in kept
                if one["recorded"] <= moment >= one["start"]
                and (one["closed"] is None or one["closed"] > moment or one["end"] > moment)
            }
            assert set(texts(session, moment, user)) == wanted


def test_a_superseded_memory_is_closed_and_kept(session: Session) -> None:
    old = keep(session, "likes tea", 1)
    new = keep(session, "likes coffee", 5, supersedes=old.id)
    assert (texts(session, 4), texts(session, 5)) == (["likes tea"], ["likes coffee"])
    (before,) = memories_of(session, WORKSPACE, "ann", hour(4))
    assert before.valid_to is None
    assert load_memory(session, WORKSPACE, "ann", old.id).valid_to == hour(5)
    rows, _ = list_memories(session, WORKSPACE, "ann", limit=9, cursor=None, history=True)
    assert [row.id for row in rows] == [old.id, new.id]
    with pytest.raises(ConflictError) as caught:
        keep(session, "likes water", 6, supersedes=old.id)
    assert caught.value.code == "memory_superseded"


def test_a_memory_supersedes_none_that_starts_later(session: Session) -> None:
    old = keep(session, "likes tea", 5)
    with pytest.raises(ConflictError) as caught:
        keep(session, "likes coffee", 6, valid_from=4, supersedes=old.id)
    assert caught.value.code == "conflicting_validity"


def test_only_memories_of_the_same_user_are_superseded(session: Session) -> None:
    add_user(session, "ben")
    theirs = keep(session, "likes tea", 1, "ben")
    with pytest.raises(NotFoundError):
        keep(session, "likes coffee", 2, supersedes=theirs.id)
    assert texts(session, 3, "ben") == ["likes tea"]
    assert texts(session, 3) == []


def test_the_far_future_is_refused(session: Session) -> None:
    keep(session, "tomorrow", 0, valid_from=24)
    with pytest.raises(InvalidInputError) as caught:
        keep(session, "some day", 0, valid_from=24.5)
    assert caught.value.code == "memory_in_far_future"
    assert (texts(session, 23), texts(session, 24)) == ([], ["tomorrow"])


def test_a_hidden_memory_is_gone_from_every_moment_and_leaves_the_old_one_closed(session: Session) -> None:
    old = keep(session, "likes tea", 1)
    new = keep(session, "likes coffee", 5, supersedes=old.id)
    hide_memory(session, WORKSPACE, "ann", new.id)
    assert (texts(session, 4), texts(session, 6)) == (["likes tea"], [])
    with pytest.raises(NotFoundError):
        load_memory(session, WORKSPACE, "ann", new.id)
    assert session.get_one(MemoryRow, new.id).text == "likes coffee"


def test_a_use_moves_only_what_was_used_and_is_not_known_before(session: Session) -> None:
    used, unused = keep(session, "used", 1), keep(session, "unused", 1)
    mark_used(session, WORKSPACE, "ann", [used.id], at=hour(7))
    mark_used(session, WORKSPACE, "ann", [used.id], at=hour(5))
    last = {memory.id: memory.last_used_at for memory in memories_of(session, WORKSPACE, "ann", hour(9))}
    assert last == {used.id: hour(7), unused.id: hour(1)}
    assert {memory.last_used_at for memory in memories_of(session, WORKSPACE, "ann", hour(6))} == {hour(1)}


def test_there_is_a_limit(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memories, "MOST_MEMORIES", 2)
    first = keep(session, "one")
    keep(session, "two")
    with pytest.raises(ConflictError) as caught:
        keep(session, "three")
    assert caught.value.code == "memories_full"
    hide_memory(session, WORKSPACE, "ann", first.id)
    keep(session, "three")


def test_all_memories_come_with_one_statement(database: Database) -> None:
    with database.write() as session:
        add_user(session)
        for number in range(30):
            keep(session, str(number), number)
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    with database.read() as session:
        assert [memory.text for memory in memories_of(session, WORKSPACE, "ann", hour(99))] == list(map(str, range(30)))
    assert len([statement for statement in statements if statement != "BEGIN"]) == 1


def test_a_listing_gives_each_memory_once(session: Session) -> None:
    for number in range(5):
        keep(session, str(number), 1)
    seen, cursor = [], None
    for _ in range(3):
        rows, cursor = list_memories(session, WORKSPACE, "ann", limit=2, cursor=cursor)
        seen += [row.text for row in rows]
    assert cursor is None
    assert sorted(seen) == list("01234")
