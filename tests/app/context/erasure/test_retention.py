"""Retention: what is older than a workspace keeps goes, by kind, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.context.erasure import retention
from app.context.erasure.owners import Owner, RetainedKind
from app.context.erasure.retention import KINDS, Retainer, Retention, load_retention, plan_retention, save_retention
from indexes.database.engine import Database, now
from indexes.database.tables import Job
from indexes.jobs import create_job
from indexes.workers import Workers
from tests.app.context.erasure.shelf import Shelf

AGES = st.lists(st.integers(0, 400), max_size=12)
DAYS = st.one_of(st.none(), st.integers(1, 400))


class Shelves:
    """Things of every kind by their age in days, of which a job takes two at a time."""

    def __init__(self, ages: dict[RetainedKind, list[int]]) -> None:
        self.ages = ages

    def expire(self, kind: RetainedKind) -> Callable[[Session, str, datetime], int]:
        """Return the owner's function for a kind."""

        def remove(_session: Session, _workspace_id: str, before: datetime) -> int:
            old = [age for age in self.ages[kind] if now() - timedelta(days=age, seconds=-60) < before][:2]
            for age in old:
                self.ages[kind].remove(age)
            return len(old)

        return remove


@given(st.fixed_dictionaries(dict.fromkeys(KINDS, AGES)), st.fixed_dictionaries(dict.fromkeys(KINDS, DAYS)))
def test_what_is_older_goes_and_nothing_else(
    ages: dict[RetainedKind, list[int]], days: dict[RetainedKind, int | None]
) -> None:
    kept = {kind: sorted(age for age in ages[kind] if (limit := days[kind]) is None or age <= limit) for kind in KINDS}
    shelves = Shelves({kind: list(some) for kind, some in ages.items()})
    owner = Owner(expire={kind: shelves.expire(kind) for kind in KINDS})
    setting = Retention.model_validate({f"{kind}_days": limit for kind, limit in days.items()})
    job = _Job(setting)
    list(Retainer(owners=(owner,)).run(job))  # type: ignore[arg-type]  # stands in for a running job
    assert {kind: sorted(some) for kind, some in shelves.ages.items()} == kept
    assert sum(job.result["removed"].values()) == sum(map(len, ages.values())) - sum(map(len, kept.values()))


class _Job:
    """What a retention job asks of its running job, without a database."""

    workspace_id = "w"

    def __init__(self, setting: Retention) -> None:
        self._setting = setting
        self.result: dict[str, dict[str, int]] = {}

    def progress(self, *_: object) -> None:
        """Take note of nothing."""

    def write(self) -> _Job:
        """Return a unit of work that reads the setting."""
        return self

    def __enter__(self) -> _Job:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def get(self, _table: object, _key: object) -> object:
        """Return the row of the setting."""
        return retention.RetentionRow(workspace_id="w", **self._setting.model_dump())


def test_a_setting_is_kept_and_applied_at_once(shelf: Shelf, database: Database) -> None:
    with database.write() as session:
        assert load_retention(session, "w") == Retention()
        assert save_retention(session, "w", Retention()) is None
        job_id = save_retention(session, "w", Retention(history_days=3))
        assert job_id == save_retention(session, "w", Retention(history_days=2, contexts_days=9))
        assert load_retention(session, "w") == Retention(history_days=2, contexts_days=9)
    assert job_id is not None
    assert shelf.run(job_id).result == {"removed": {}}


@pytest.mark.parametrize("days", [0, -1, 36_501])
def test_days_are_bounded(days: int) -> None:
    with pytest.raises(ValidationError):
        Retention(history_days=days)


def test_a_job_is_planned_once_a_day(shelf: Shelf, database: Database) -> None:
    assert isinstance(shelf.workers, Workers)
    with database.write() as session:
        assert plan_retention(session) == []
        session.merge(retention.RetentionRow(workspace_id="w", feedback_days=1, updated_at=now()))
        session.flush()
        (planned,) = plan_retention(session)
        assert plan_retention(session) == []
        job = session.get_one(Job, planned)
        job.state = "succeeded"
        session.flush()
        assert plan_retention(session) == []
        job.created_at = now() - timedelta(days=1)
        session.flush()
        assert len(plan_retention(session)) == 1
        create_job(session, "w", "ingest", {})
        assert plan_retention(session) == []
