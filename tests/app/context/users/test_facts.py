"""Facts on two clocks: random records are replayed against a timeline of hours, and the rules that are written down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.users import facts
from app.context.users.facts import NewFact, hide_facts, list_facts, record_fact
from app.context.users.known import facts_of
from app.context.users.tables import FactRow
from configs.errors import ConflictError, InvalidInputError, PlaygroundError
from indexes.database.engine import Database
from tests.app.context.users.people import WORKSPACE, add_user, hour
from tests.database import fresh_database

HOURS = 24
KEYS = ("city", "job")
NEW_USERS = (f"user{number}" for number in count())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Yield one database for all examples; each has a user of its own."""
    with fresh_database(tmp_path_factory.mktemp("facts")) as database:
        yield database


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """Yield a unit of work in which Ann is known."""
    with database.write() as session:
        add_user(session)
        yield session


def record(session: Session, value: str, at: float = 1, key: str = "city", user: str = "ann", **more: Any) -> FactRow:
    """Record a fact at an hour; `valid_from` and `valid_to` are hours, too."""
    times: dict[str, Any] = {name: hour(number) for name, number in more.items() if name.startswith("valid")}
    others = {name: one for name, one in more.items() if name not in times}
    row, _ = record_fact(session, WORKSPACE, user, key, NewFact(value=value, **times, **others), at=hour(at))
    return row


def held(session: Session, *, at: float, known: float | None = None, user: str = "ann") -> dict[str, str]:
    """Return values by key."""
    moments = {"valid_at": hour(at), "known_at": hour(at if known is None else known)}
    return {fact.key: fact.value for fact in facts_of(session, WORKSPACE, user, **moments)}


@dataclass(frozen=True)
class Said:
    """One record of a random history, in whole hours."""

    key: str
    value: str
    wait: int
    start: int | None
    length: int | None


@dataclass
class Timeline:
    """The oracle: for each hour what is believed to be true, and everything that was ever believed."""

    cells: list[int | None] = field(default_factory=lambda: [None] * (HOURS * 3))
    said: list[tuple[str, int | None]] = field(default_factory=list)
    clock: int = 0
    past: list[tuple[int, list[str | None]]] = field(default_factory=list)

    def accept(self, one: Said, at: int) -> bool:
        """Take a record in as the rules have it; tell whether they allow it."""
        at = max(at, self.clock)
        start = at if one.start is None else one.start
        end = None if one.length is None else start + one.length
        if end is not None and end <= start:
            return False
        owner = self.cells[start]
        if owner is not None and one.start is None and self.said[owner] == (one.value, end):
            return True
        stop = len(self.cells) if end is None else end
        inner = {self.cells[position] for position in range(start, stop)} - {None, owner}
        if inner:
            return False
        if owner is not None:
            self.said[owner] = (self.said[owner][0], start)
            self.cells = [None if cell == owner and at >= start else cell for at, cell in enumerate(self.cells)]
        self.said.append((one.value, end))
        self.cells[start:stop] = [len(self.said) - 1] * (stop - start)
        self.clock = at
        self.past.append((at, [None if cell is None else self.said[cell][0] for cell in self.cells]))
        return True

    def value(self, valid: int, known: int) -> str | None:
        """Return what was believed at hour `known` to be true at hour `valid`."""
        snapshots = [values for at, values in self.past if at <= known]
        return snapshots[-1][valid] if snapshots else None


said = st.builds(
    Said,
    key=st.sampled_from(KEYS),
    value=st.sampled_from("xyz"),
    wait=st.integers(-2, 4),
    start=st.none() | st.integers(0, HOURS),
    length=st.none() | st.integers(-1, HOURS),
)
moments = st.lists(st.tuples(st.integers(0, HOURS * 2), st.integers(0, HOURS * 2)), min_size=4, max_size=4)


@given(history=st.lists(said, min_size=1, max_size=7), asked=moments)
def test_both_clocks_answer_as_a_timeline_of_hours_does(
    shared: Database, history: list[Said], asked: list[tuple[int, int]]
) -> None:
    timelines = {key: Timeline() for key in KEYS}
    with shared.write() as session:
        user = next(NEW_USERS)
        add_user(session, user)
        clock, values = 0, set[str]()
        for one in history:
            clock = max(0, clock + one.wait)
            moments = {} if one.start is None else {"valid_from": one.start}
            at = max(clock, timelines[one.key].clock)
            start = at if one.start is None else one.start
            if one.length is not None:
                moments["valid_to"] = start + one.length
            if timelines[one.key].accept(one, clock):
                record(session, one.value, clock, one.key, user, **moments)
                values.add(one.value)
                continue
            with pytest.raises(PlaygroundError) as caught:
                record(session, one.value, clock, one.key, user, **moments)
            assert caught.value.code == "conflicting_validity"
        for valid, known in [*asked, *((position, HOURS * 3) for position in range(0, HOURS, 8))]:
            wanted = {key: timelines[key].value(valid, known) for key in KEYS}
            assert held(session, at=valid, known=known, user=user) == {k: v for k, v in wanted.items() if v is not None}
        check_the_record(session, user, values)


def check_the_record(session: Session, user: str, values: set[str]) -> None:
    """Check that the record holds every value, and that what is believed under a key does not overlap."""
    rows = session.scalars(select(FactRow).where(FactRow.user_id == user)).all()
    assert {row.value for row in rows} == values
    for key in KEYS:
        believed = [row for row in rows if row.key == key and row.superseded_at is None]
        for earlier, later in pairwise(sorted(believed, key=lambda row: row.valid_from)):
            assert earlier.valid_to is not None
            assert earlier.valid_to <= later.valid_from


def test_a_newer_fact_replaces_the_older_in_context_and_not_in_the_record(session: Session) -> None:
    old = record(session, "Berlin", 1)
    record(session, "Paris", 5)
    assert held(session, at=6) == {"city": "Paris"}
    assert held(session, at=4) == {"city": "Berlin"}
    assert held(session, at=3, known=6) == {"city": "Berlin"}
    rows, _ = list_facts(session, WORKSPACE, "ann", limit=10, cursor=None, history=True)
    assert [(row.value, row.valid_to, row.superseded_at) for row in rows if row.id == old.id] == [
        ("Berlin", None, hour(5))
    ]
    assert sorted(row.value for row in rows) == ["Berlin", "Berlin", "Paris"]


def test_what_we_knew_that_day_is_not_what_was_true_that_day(session: Session) -> None:
    record(session, "Berlin", 1, valid_from=0)
    record(session, "Paris", 10, valid_from=4)
    assert held(session, at=5, known=9) == {"city": "Berlin"}
    assert held(session, at=5, known=10) == {"city": "Paris"}
    assert held(session, at=5, known=0) == {}


def test_a_correction_with_the_same_start_takes_the_whole_place(session: Session) -> None:
    record(session, "Berlin", 1, valid_from=0)
    record(session, "Bern", 2, valid_from=0)
    assert held(session, at=0, known=2) == {"city": "Bern"}
    assert held(session, at=0, known=1) == {"city": "Berlin"}


def test_what_was_closed_does_not_begin_anew(session: Session) -> None:
    record(session, "Berlin", 1)
    record(session, "Paris", 5, valid_to=8)
    assert held(session, at=7) == {"city": "Paris"}
    assert held(session, at=8) == {}


def test_a_fact_before_another_must_end_by_then(session: Session) -> None:
    later = record(session, "Paris", 1, valid_from=10)
    with pytest.raises(ConflictError) as caught:
        record(session, "Berlin", 2)
    assert caught.value.code == "conflicting_validity"
    assert later.id in caught.value.detail
    assert later.valid_from.isoformat() in caught.value.hint
    with pytest.raises(ConflictError):
        record(session, "Berlin", 2, valid_to=11)
    record(session, "Berlin", 2, valid_to=10)
    assert [held(session, at=at, known=12) for at in (9, 10)] == [{"city": "Berlin"}, {"city": "Paris"}]


@pytest.mark.parametrize("end", [3, 2, 0])
def test_a_fact_that_ends_before_it_starts_is_refused(session: Session, end: int) -> None:
    with pytest.raises(InvalidInputError) as caught:
        record(session, "Berlin", 1, valid_from=3, valid_to=end)
    assert caught.value.code == "conflicting_validity"
    assert session.scalars(select(FactRow)).all() == []


def test_saying_the_same_again_records_nothing(session: Session) -> None:
    new = NewFact(value="Berlin")
    first, is_new = record_fact(session, WORKSPACE, "ann", "city", new, at=hour(1))
    again, is_again_new = record_fact(session, WORKSPACE, "ann", "city", new, at=hour(9))
    assert (is_new, is_again_new, again.id) == (True, False, first.id)
    for change in ({"source": "CRM"}, {"confidence": 0.5}, {"valid_to": hour(99)}):
        assert record_fact(session, WORKSPACE, "ann", "city", new.model_copy(update=change), at=hour(10))[1]


def test_the_profile_has_a_limit(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "MOST_FACTS", 2)
    record(session, "a", 1, "one")
    record(session, "b", 1, "two", valid_to=5)
    with pytest.raises(ConflictError) as caught:
        record(session, "c", 2, "three")
    assert caught.value.code == "profile_full"
    record(session, "another", 2, "one")
    record(session, "c", 5, "three")
    with pytest.raises(ConflictError):
        record(session, "d", 6, "four")
    hide_facts(session, WORKSPACE, "ann", "three")
    record(session, "d", 6, "four")


def test_a_hidden_key_is_in_no_context_whatever_the_moment(session: Session) -> None:
    record(session, "Berlin", 1)
    record(session, "Ann", 1, "name")
    hide_facts(session, WORKSPACE, "ann", "city", at=hour(5))
    assert held(session, at=3) == held(session, at=9) == {"name": "Ann"}
    assert list_facts(session, WORKSPACE, "ann", limit=9, cursor=None, history=True, key="city") == ([], None)
    assert session.scalars(select(FactRow.value).where(FactRow.key == "city")).all() == ["Berlin"]
    record(session, "Rome", 9)
    assert held(session, at=10)["city"] == "Rome"
