"""What is remembered of users equals what a fresh reading gives, whatever was written, by whom, and when one asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from app.context.personal import askers as askers_module
from app.context.personal.askers import Askers
from app.context.users.conversation import add_turn
from app.context.users.facts import NewFact, record_fact
from app.context.users.known import ANONYMOUS, load_user
from app.context.users.memories import NewMemory, mark_used, remember
from app.context.users.personalisation import Personalisation, save_personalisation
from app.context.users.registration import (
    UnknownUserError,
)
from app.context.users.tables import UserRow
from configs.errors import ConflictError
from indexes.database.engine import Database
from tests.app.context.personal.writes import AHEAD, WRITES, Step
from tests.app.context.users.people import WORKSPACE, add_user, hour
from tests.database import add_document, fresh_database

NEW_USERS = (f"user{number}" for number in count())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Yield one database for all examples; each has a user of its own."""
    with fresh_database(tmp_path_factory.mktemp("askers")) as database:
        with database.write() as session:
            add_user(session, groups=("g0", "g1"))
            add_document(session, "d")
        yield database


@contextmanager
def the_time_is(moment: datetime) -> Iterator[None]:
    """Let lookups happen at a moment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(askers_module, "now", lambda: moment)
        yield


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Yield the list of statements that are sent meanwhile."""
    sent: list[str] = []

    def note(_c: Any, _u: Any, statement: str, *_more: Any) -> None:
        sent.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


@settings(max_examples=12)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(sorted(WRITES)), st.integers(0, 4), st.sampled_from([0, 0, 1, 3])),
        min_size=3, max_size=8,
    )
)  # fmt: skip
def test_whatever_is_written_every_process_knows_what_a_fresh_reading_gives(
    shared: Database, steps: list[tuple[str, int, int]]
) -> None:
    user, clock = next(NEW_USERS), 1
    with shared.write() as session:
        add_user(session, user)
    processes = [Askers(shared), Askers(shared)]
    for process in processes:
        process.of(WORKSPACE, user)
    for name, number, waited in steps:
        clock += waited
        try:
            with shared.write() as session:
                WRITES[name](Step(session=session, user=user, at=hour(clock), number=number))
        except (ConflictError, UnknownUserError):
            continue
        for moment in (hour(clock), hour(clock + 1)):
            with the_time_is(moment), shared.read() as session:
                fresh = load_user(session, WORKSPACE, user, as_of=moment)
                assert [process.of(WORKSPACE, user).known for process in processes] == [fresh, fresh], name


@pytest.mark.parametrize("name", sorted(set(WRITES) - {AHEAD}))
def test_each_kind_of_write_is_known_at_once_to_one_that_had_looked_just_before(database: Database, name: str) -> None:
    with database.write() as session:
        add_user(session, groups=("g0", "g1"))
        add_document(session, "d")
        for prepare in ("fact", "memory", "memory", "turn", "feedback"):
            WRITES[prepare](Step(session=session, user="ann", at=hour(1), number=2))
    askers = Askers(database)
    with the_time_is(hour(5)):
        before = askers.of(WORKSPACE, "ann").known
        assert before != ANONYMOUS
        with database.write() as session:
            WRITES[name](Step(session=session, user="ann", at=hour(4), number=0))
        after = askers.of(WORKSPACE, "ann").known
        with database.read() as session:
            assert after == load_user(session, WORKSPACE, "ann", as_of=hour(5))
    assert after != before


def test_time_alone_begins_and_ends_what_is_known(database: Database) -> None:
    with database.write() as session:
        add_user(session)
        record_fact(session, WORKSPACE, "ann", "city", NewFact(value="Bonn", valid_to=hour(4)), at=hour(1))
        remember(session, WORKSPACE, "ann", NewMemory(text="later", valid_from=hour(3)), at=hour(1))
    askers = Askers(database)
    known = {}
    for at in (2, 3, 3.9, 4, 2):  # the last: a clock that was set back
        with the_time_is(hour(at)):
            one = askers.of(WORKSPACE, "ann").known
        known[at] = (len(one.facts), len(one.memories))
        assert known[at] == {2: (1, 0), 3: (1, 1), 3.9: (1, 1), 4: (0, 1)}[at]


def test_a_use_noted_by_a_clock_that_runs_ahead_is_known_when_its_moment_comes(database: Database) -> None:
    with database.write() as session:
        add_user(session)
        memory = remember(session, WORKSPACE, "ann", NewMemory(text="m"), at=hour(1))
    askers = Askers(database)
    with the_time_is(hour(2)):
        askers.of(WORKSPACE, "ann")
    with database.write() as session:
        mark_used(session, WORKSPACE, "ann", [memory.id], at=hour(4))
    for at, used in ((3, 1), (3.9, 1), (4, 4)):
        with the_time_is(hour(at)):
            assert [one.last_used_at for one in askers.of(WORKSPACE, "ann").known.memories] == [hour(used)]


def test_where_nothing_changed_one_statement_is_all_that_is_sent(database: Database) -> None:
    with database.write() as session:
        add_user(session)
        save_personalisation(session, WORKSPACE, Personalisation(notes="n"))
        remember(session, WORKSPACE, "ann", NewMemory(text="m"), at=hour(1))
    askers = Askers(database)
    first = askers.of(WORKSPACE, "ann")
    with statements(database) as sent:
        again = askers.of(WORKSPACE, "ann")
    assert len([one for one in sent if not one.startswith("BEGIN")]) == 1
    assert again.known is first.known
    assert again.preferences is first.preferences


def test_a_turn_lets_only_the_turns_be_read_again(database: Database) -> None:
    with database.write() as session:
        add_user(session)
        remember(session, WORKSPACE, "ann", NewMemory(text="m"), at=hour(1))
    askers = Askers(database)
    first = askers.of(WORKSPACE, "ann").known
    with database.write() as session:
        add_turn(session, WORKSPACE, "ann", "user", "Hello")
    second = askers.of(WORKSPACE, "ann").known
    assert [turn.text for turn in second.turns] == ["Hello"]
    assert second.memories is first.memories


def test_every_column_of_marks_is_new_on_a_new_row(database: Database) -> None:
    columns = [column.key for column in UserRow.__mapper__.column_attrs]
    names = [name for name in columns if name.endswith("_revision")]
    with database.write() as session:
        rows = [add_user(session, name) for name in ("ann", "bob")]
        marks = {getattr(row, name) for row in rows for name in names}
    assert len(names) == 5
    assert len(marks) == 10
