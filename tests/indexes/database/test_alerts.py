"""Alerts: one for each open cause, taken by one sender at a time, tried with growing pauses and given up in the end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from configs.errors import NotFoundError
from indexes.database import alerts
from indexes.database.alerts import MOST_ATTEMPTS, AlertRow, acknowledge, note_sent, raise_alert, take_unsent
from indexes.database.engine import Database
from tests.database import fresh_database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with fresh_database(tmp_path) as database:
        yield database


def raised(database: Database, subject: str = "s") -> str | None:
    """Raise an alert and return its id."""
    with database.write() as session:
        row = raise_alert(session, "index_damaged", subject, "something is damaged", segments=2)
        return None if row is None else row.id


def taken(database: Database) -> str | None:
    """Take the alert whose sending is due and return its id."""
    with database.write() as session:
        row = take_unsent(session)
        return None if row is None else row.id


def test_what_is_open_is_not_raised_again(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    first = raised(database)
    assert first is not None
    assert "index_damaged, s: something is damaged" in caplog.text
    assert raised(database) is None
    assert raised(database, "another") is not None
    with database.write() as session:
        moment = acknowledge(session, first).acknowledged_at
    with database.write() as session:
        assert acknowledge(session, first).acknowledged_at == moment
    assert raised(database) not in (None, first)


def test_one_that_is_not_there_cannot_be_acknowledged(database: Database) -> None:
    with pytest.raises(NotFoundError, match="alert"), database.write() as session:
        acknowledge(session, "nosuch")


def test_an_alert_of_a_unit_that_fails_is_not_raised(database: Database) -> None:
    def fail() -> None:
        with database.write() as session:
            raise_alert(session, "index_damaged", "s", "something is damaged")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert taken(database) is None


def test_each_is_taken_by_one_and_sent_once(database: Database) -> None:
    ids = {raised(database, subject) for subject in ("a", "b")}
    assert {taken(database), taken(database)} == ids
    assert taken(database) is None
    with database.write() as session:
        note_sent(session, str(min(map(str, ids))))
        row = session.get_one(AlertRow, str(min(map(str, ids))))
        assert (row.sent_at is not None, row.next_attempt_at) == (True, None)


def test_pauses_double_and_end(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    raised(database)
    moment = datetime.now(UTC) + timedelta(seconds=1)
    pauses = []
    for _ in range(MOST_ATTEMPTS):
        monkeypatch.setattr(alerts, "now", lambda at=moment: at)
        assert taken(database) is not None
        assert taken(database) is None
        with database.read() as session:
            following = session.scalars(select(AlertRow)).one().next_attempt_at
        if following is not None:
            pauses.append((following - moment).total_seconds())
            moment = following
    assert pauses == [10.0 * 2**number for number in range(MOST_ATTEMPTS - 1)]
    monkeypatch.setattr(alerts, "now", lambda: moment + timedelta(days=365))
    assert taken(database) is None
