"""Units of work: what they see, what they leave behind, and how the database's failures are told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import event, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from configs.errors import InvalidInputError, StorageError, UnavailableError
from indexes.database.engine import _BEGIN, IDLE_WRITER_MILLISECONDS, Base, Database, new_id, now
from indexes.database.tables import Document, Job, Workspace
from tests.database import ON_POSTGRESQL, add_document, add_workspace, database_url, postgresql_only, sqlite_only

THREADS = 8


def statements(database: Database) -> list[str]:
    """Return a list that grows with every statement sent from now on."""
    sent: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *call: sent.append(call[2]))
    return sent


def generation(database: Database) -> int | None:
    with database.read() as session:
        return session.scalar(select(Workspace.generation))


def test_a_write_unit_commits(database: Database) -> None:
    with database.write() as session:
        add_workspace(session)
    assert generation(database) == 0


def test_a_write_unit_that_fails_leaves_nothing(database: Database) -> None:
    def add_and_fail() -> None:
        with database.write() as session:
            add_workspace(session)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        add_and_fail()
    assert generation(database) is None


def test_what_is_not_flushed_yet_is_committed_too(database: Database) -> None:
    with database.write() as session:
        session.add(Workspace(id="w", name="w", generation=7))
    assert generation(database) == 7


@pytest.mark.parametrize("through_orm", [True, False])
def test_a_read_unit_rolls_back_whatever_it_changes(database: Database, through_orm: bool) -> None:
    with database.write() as session:
        add_workspace(session)
    with database.read() as session:
        if through_orm:
            session.get_one(Workspace, "w").generation = 9
            session.flush()
        else:
            session.execute(update(Workspace).values(generation=9))
        assert session.scalar(select(Workspace.generation)) == 9
    assert generation(database) == 0


def test_objects_stay_readable_after_their_unit(database: Database) -> None:
    with database.write() as session:
        written = add_workspace(session)
    with database.read() as session:
        read = session.get_one(Workspace, "w")
    assert (written.name, read.name, read.created_at) == ("w", "w", written.created_at)


def test_a_broken_rule_reaches_the_caller_and_the_connection_survives(database: Database) -> None:
    with database.write() as session:
        add_workspace(session)

    def add_another() -> None:
        with database.write() as session:
            session.execute(update(Workspace).values(generation=5))
            add_workspace(session)

    for _ in range(3):
        with pytest.raises(IntegrityError):
            add_another()
        with pytest.raises(IntegrityError), database.write() as session:
            add_document(session, "d", workspace_id="nowhere")
    assert generation(database) == 0


def test_a_write_unit_begins_at_once_and_a_read_unit_does_not_lock(database: Database) -> None:
    sent = statements(database)
    with database.write() as session:
        session.execute(text("SELECT 1"))
    with database.read() as session:
        session.execute(text("SELECT 1"))
    if ON_POSTGRESQL:  # whose driver sends the BEGIN of a read unit with its first statement
        assert ["advisory_xact_lock" in statement for statement in sent] == [True, False, False]
    else:
        assert sent == ["BEGIN IMMEDIATE", "SELECT 1", "BEGIN", "SELECT 1"]


def test_readers_see_one_state_while_a_writer_commits(database: Database) -> None:
    with database.write() as session:
        add_workspace(session)
    with database.read() as reader:
        assert reader.scalar(select(Workspace.generation)) == 0
        with database.write() as writer:
            writer.execute(update(Workspace).values(generation=1))
        assert reader.scalar(select(Workspace.generation)) == 0
    assert generation(database) == 1


def test_a_reader_is_answered_while_a_writer_works(database: Database) -> None:
    with database.write() as session:
        add_workspace(session)
        session.flush()
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(generation, database).result(timeout=5) is None


def in_threads(work: Callable[[int], None]) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        for finished in [pool.submit(work, number) for number in range(THREADS)]:
            finished.result()


def test_no_update_is_lost_between_threads(database: Database) -> None:
    with database.write() as session:
        add_workspace(session)
    barrier = threading.Barrier(THREADS)

    def raise_by_reading_first(_number: int) -> None:
        barrier.wait()
        for _ in range(10):
            with database.write() as session:
                workspace = session.get_one(Workspace, "w")
                seen = workspace.generation
                time.sleep(0.0005)
                workspace.generation = seen + 1

    in_threads(raise_by_reading_first)
    assert generation(database) == THREADS * 10


def test_processes_may_open_a_new_folder_at_the_same_moment(tmp_path: Path) -> None:
    barrier = threading.Barrier(THREADS)
    url = database_url(tmp_path / "new")

    def open_and_write(number: int) -> None:
        database = Database(url)
        barrier.wait()
        with database.write() as session:
            Base.metadata.create_all(session.connection())
        with database.write() as session:
            add_workspace(session, f"w{number}")
        database.close()

    in_threads(open_and_write)
    database = Database(url)
    with database.read() as session:
        assert len(session.scalars(select(Workspace.id)).all()) == THREADS
    database.close()


def test_none_in_a_json_column_is_null(database: Database) -> None:
    with database.write() as session:
        add_workspace(session)
        add_document(session, "open", access=None)
        add_document(session, "closed", access=[])
    with database.read() as session:
        assert session.scalars(select(Document.id).where(Document.access.is_(None))).all() == ["open"]
        assert session.get_one(Document, "open").access is None
        assert session.get_one(Document, "closed").access == []


def test_json_comes_back_as_it_was(database: Database) -> None:
    value = {"none": None, "nested": {"list": [1, 2.5, True, "ü\u2028😀"]}, "": 10**20}
    with database.write() as session:
        add_workspace(session)
        add_document(session, "d", attributes=value)
    with database.read() as session:
        assert session.get_one(Document, "d").attributes == value


@pytest.mark.parametrize("hours", [-11, 0, 5.5])
def test_moments_are_stored_as_utc(database: Database, hours: float) -> None:
    zone = timezone(timedelta(hours=hours))
    moment = datetime(2026, 1, 1, 0, 30, 0, 123456, tzinfo=zone)
    with database.write() as session:
        session.add(Job(id="j", kind="k", arguments={}, state="queued", started_at=moment))
    with database.read() as session:
        read = session.get_one(Job, "j").started_at
        stored = session.execute(text("SELECT started_at FROM jobs")).scalar_one()
        assert session.scalars(select(Job.id).where(Job.started_at == moment.astimezone(UTC))).one() == "j"
    assert read == moment
    assert read is not None
    assert read.tzinfo is UTC
    assert str(stored) == f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"


def test_now_is_utc_and_new_ids_do_not_meet() -> None:
    assert now().tzinfo is UTC
    assert abs(now().timestamp() - time.time()) < 1
    ids = {new_id("doc") for _ in range(1_000)}
    assert len(ids) == 1_000
    assert all(identifier.startswith("doc_") and len(identifier) == 28 for identifier in ids)


@pytest.mark.parametrize(
    ("message", "kind", "code"),
    [
        ("database or disk is full", StorageError, "disk_full"),
        ("attempt to write a readonly database", StorageError, "read_only_disk"),
        ("disk I/O error", StorageError, "storage_failed"),
        ('could not extend file "base/1/2": No space left on device', StorageError, "disk_full"),
        ("cannot execute INSERT in a read-only transaction", StorageError, "read_only_disk"),
        ('could not write block 7 of file "base/1/2"', StorageError, "storage_failed"),
        ("database is locked", UnavailableError, "database_unavailable"),
    ],
)
@pytest.mark.parametrize("unit", ["read", "write"])
def test_what_the_database_refuses_is_told(
    database: Database, unit: str, message: str, kind: type[StorageError | UnavailableError], code: str
) -> None:
    begin = database.read if unit == "read" else database.write
    with pytest.raises(kind) as told, begin():
        raise OperationalError("INSERT", {}, Exception(message))
    assert (told.value.code, bool(told.value.hint)) == (code, True)


@sqlite_only("a full tablespace cannot be had in a test; how its message is told is tested above")
def test_a_full_disk_is_told_and_leaves_the_state_as_it_was(database: Database) -> None:
    with database.write() as session:
        add_workspace(session)

    def write_much() -> None:
        with database.write() as session:
            pages = session.execute(text("PRAGMA page_count")).scalar_one()
            session.execute(text(f"PRAGMA max_page_count={pages}"))
            add_document(session, "large", title="x" * 1_000_000)

    with pytest.raises(StorageError) as told:
        write_much()
    assert told.value.code == "disk_full"
    with database.read() as session:
        assert session.scalars(select(Document.id)).all() == []
        session.execute(text("PRAGMA max_page_count=1000000000"))
    with database.write() as session:
        add_document(session, "small")


@sqlite_only("these are SQLite's settings")
def test_sqlite_is_set_up_to_lose_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'durable.sqlite'}")
    with database.read() as session:
        pragmas = {
            name: session.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    database.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


@pytest.mark.parametrize("url", ["mysql://somebody:secret@somewhere/data", "secret", ""])
def test_a_database_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(InvalidInputError) as told:
        Database(url)
    assert told.value.code == "unknown_database"
    assert "secret" not in told.value.detail


@postgresql_only("SQLite cannot take the lock from a process that is frozen")
def test_a_frozen_writer_loses_its_lock_and_leaves_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = _BEGIN["postgresql", "write"].replace(f"'{IDLE_WRITER_MILLISECONDS}'", "'200'")
    monkeypatch.setitem(_BEGIN, ("postgresql", "write"), begin)

    def freeze() -> None:
        with database.write() as session:
            add_workspace(session, "frozen")
            time.sleep(1)

    with ThreadPoolExecutor(1) as pool:
        frozen = pool.submit(freeze)
        time.sleep(0.1)
        with database.write() as session:
            add_workspace(session, "other")
        with pytest.raises(UnavailableError) as told:
            frozen.result()
    assert told.value.code == "database_unavailable"
    with database.read() as session:
        assert session.scalars(select(Workspace.id)).all() == ["other"]
