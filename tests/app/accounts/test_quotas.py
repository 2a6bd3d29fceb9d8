"""Quotas: windows, counting, and that all processes together never pass a limit."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts import quotas, request_allowance
from app.accounts.quotas import (
    DAY,
    MINUTE,
    QuotaExceededError,
    UsageRow,
    What,
    charge,
    check_left,
    limits_of,
    put_limits,
    seconds_left,
    used_by,
    window_of,
)
from app.accounts.request_allowance import RequestAllowance
from indexes.database.engine import Database
from tests.database import fresh_database

SUBJECT = "workspace/w"
NOON = datetime(2026, 5, 4, 12, 0, 30, tzinfo=UTC)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(lambda one: one.replace(tzinfo=UTC))


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Yield a database, at noon."""
    set_clock(monkeypatch, NOON)
    with fresh_database(tmp_path) as database:
        yield database


def set_clock(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Let it be that moment for quotas."""
    for module in (quotas, request_allowance):
        monkeypatch.setattr(module, "now", lambda: moment)


def limit(database: Database, limits: dict[What, int], subject: str = SUBJECT) -> None:
    """Set the limits of a subject."""
    with database.write() as session:
        put_limits(session, subject, limits)


def use(database: Database, amounts: dict[What, int], *subjects: str, strictly: bool = True) -> None:
    """Use something in a unit of work."""
    with database.write() as session:
        charge(session, subjects or [SUBJECT], amounts, strictly=strictly)


def used(database: Database, what: What, moment: datetime = NOON, subject: str = SUBJECT) -> int:
    """Return what is used."""
    with database.read() as session:
        return used_by(session, subject, what, moment)


@given(moment=moments, what=st.sampled_from(get_args(What)))
def test_windows_follow_one_another_without_gap(moment: datetime, what: What) -> None:
    length = MINUTE if what == "requests_per_minute" else DAY
    began = window_of(what, moment)
    assert began <= moment < began + length
    assert window_of(what, began) == began
    assert window_of(what, began + length) == began + length
    assert 1 <= seconds_left(what, moment) <= length.total_seconds()
    assert window_of(what, moment + timedelta(seconds=seconds_left(what, moment))) == began + length


def test_without_a_quota_nothing_is_counted(database: Database) -> None:
    use(database, {"bytes_per_day": 10**9})
    with database.read() as session:
        assert session.query(UsageRow).count() == 0
        assert not check_left(session, [SUBJECT], "tokens_per_day")


def test_to_the_limit_and_not_one_further(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(database, {"bytes_per_day": 100, "documents_per_day": 2})
    use(database, {"bytes_per_day": 60, "documents_per_day": 1})
    with pytest.raises(QuotaExceededError) as refused:
        use(database, {"bytes_per_day": 41, "documents_per_day": 1})
    assert refused.value.detail == "the quota of workspace/w is 100 bytes per day; 60 are used, this needs 41"
    assert refused.value.retry_after_seconds == 12 * 3600 - 30
    assert (used(database, "bytes_per_day"), used(database, "documents_per_day")) == (60, 1), "all or nothing"
    use(database, {"bytes_per_day": 40, "documents_per_day": 1})
    with pytest.raises(QuotaExceededError):
        use(database, {"bytes_per_day": 0, "documents_per_day": 1})
    use(database, {"bytes_per_day": 0, "documents_per_day": 0})
    set_clock(monkeypatch, NOON + timedelta(hours=12))
    use(database, {"bytes_per_day": 100})


def test_each_subject_is_counted_apart(database: Database) -> None:
    limit(database, {"experiments_per_day": 2})
    limit(database, {"experiments_per_day": 1}, "key/k")
    use(database, {"experiments_per_day": 1}, SUBJECT, "key/k")
    with pytest.raises(QuotaExceededError, match="key/k"):
        use(database, {"experiments_per_day": 1}, SUBJECT, "key/k")
    assert used(database, "experiments_per_day") == 1
    use(database, {"experiments_per_day": 1}, SUBJECT, "key/other")


def test_what_is_known_afterwards_may_pass_the_limit_once(database: Database) -> None:
    limit(database, {"tokens_per_day": 100})
    with database.read() as session:
        assert check_left(session, [SUBJECT], "tokens_per_day")
    use(database, {"tokens_per_day": 150}, strictly=False)
    with database.read() as session, pytest.raises(QuotaExceededError, match="150 are used"):
        check_left(session, [SUBJECT], "tokens_per_day")


def test_limits_are_replaced(database: Database) -> None:
    limit(database, {"tokens_per_day": 5, "bytes_per_day": 7})
    limit(database, {"tokens_per_day": 6})
    with database.read() as session:
        assert limits_of(session, [SUBJECT]) == {(SUBJECT, "tokens_per_day"): 6}


def test_old_windows_are_removed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(database, {"bytes_per_day": 100})
    for days in (0, 1, 40):
        set_clock(monkeypatch, NOON + timedelta(days=days))
        use(database, {"bytes_per_day": 1})
    with database.read() as session:
        assert session.query(UsageRow).count() == 1


def admitted(allowance: RequestAllowance, database: Database, most: int) -> bool:
    """Tell whether a request is let in."""
    try:
        allowance.admit(database, {SUBJECT: most})
    except QuotaExceededError:
        return False
    return True


@pytest.mark.parametrize("most", [0, 1, 7, 40, 100])
def test_one_process_lets_in_exactly_the_limit(database: Database, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    allowance = RequestAllowance()
    for minute in (0, 1):
        set_clock(monkeypatch, NOON + timedelta(minutes=minute))
        assert sum(admitted(allowance, database, most) for _ in range(most + 5)) == most


@pytest.mark.parametrize("most", [5, 40, 100])
def test_all_processes_and_threads_together_never_pass_it(database: Database, most: int) -> None:
    processes = [RequestAllowance() for _ in range(3)]
    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(lambda turn: admitted(processes[turn % 3], database, most), range(most * 3)))
    assert most - 2 * max(1, most // 20) <= sum(outcomes) <= most


def test_a_block_spares_writes(database: Database) -> None:
    allowance = RequestAllowance()
    assert all(admitted(allowance, database, 200) for _ in range(10))
    assert used(database, "requests_per_minute") == 10
    assert admitted(allowance, database, 200)
    assert used(database, "requests_per_minute") == 20
