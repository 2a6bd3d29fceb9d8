"""Suggestions never leak: what is known of a user is the same until one is confirmed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from app.context.users.known import KnownUser, Preferences, load_user
from app.context.users.registration import change_user, find_user
from app.context.users.suggestions import add_suggestions, confirm, dismiss, list_suggestions
from app.context.users.tables import FactRow, MemoryRow, SuggestionRow, UserRow
from configs.errors import ConflictError, NotFoundError
from indexes.database.engine import Database
from tests.app.context.users.people import WORKSPACE, add_user, hour

TEXT = "My name is Ann. Please answer in German. Remember that the plant closes at noon."


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """Yield a unit of work in which Ann prefers brief answers."""
    with database.write() as session:
        add_user(session, preferences=Preferences(verbosity="brief"))
        yield session


def ann(session: Session) -> KnownUser:
    """Return what is known of Ann at the end of the day."""
    return load_user(session, WORKSPACE, "ann", as_of=hour(24))


def suggested(session: Session) -> dict[str, SuggestionRow]:
    """Return the suggestions from TEXT by kind."""
    return {row.kind: row for row in add_suggestions(session, WORKSPACE, "ann", TEXT, at=hour(1))}


def test_a_suggestion_is_in_no_context_until_it_is_confirmed(session: Session) -> None:
    before = ann(session)
    rows = suggested(session)
    assert set(rows) == {"fact", "preference", "memory"}
    assert ann(session) == before
    dismiss(session, WORKSPACE, "ann", rows["fact"].id)
    assert ann(session) == before
    assert session.query(FactRow).count() == session.query(MemoryRow).count() == 0


def test_a_confirmed_suggestion_is_what_it_said(session: Session) -> None:
    rows = suggested(session)
    for row in rows.values():
        confirm(session, WORKSPACE, "ann", row.id, at=hour(2))
    known = ann(session)
    assert [(fact.key, fact.value, fact.id) for fact in known.facts] == [("name", "Ann", rows["fact"].result_id)]
    assert known.facts[0].source == f"suggestion {rows['fact'].id}"
    assert [(one.text, one.id) for one in known.memories] == [("the plant closes at noon", rows["memory"].result_id)]
    assert known.preferences == Preferences(verbosity="brief", language="German")
    assert load_user(session, WORKSPACE, "ann", as_of=hour(1.5)).facts == ()


def test_what_a_faster_clock_recorded_is_kept(session: Session) -> None:
    row = suggested(session)["preference"]
    later = Preferences(verbosity="brief", banned_sources=("wiki",))
    change_user(session, find_user(session, WORKSPACE, "ann"), preferences=later, at=hour(3))
    confirm(session, WORKSPACE, "ann", row.id, at=hour(2))
    assert ann(session).preferences == later.model_copy(update={"language": "German"})


def test_a_decision_is_made_once(session: Session) -> None:
    rows = suggested(session)
    for _ in range(2):
        confirm(session, WORKSPACE, "ann", rows["fact"].id)
        dismiss(session, WORKSPACE, "ann", rows["memory"].id)
    assert session.query(FactRow).count() == 1
    for decide, kind in ((dismiss, "fact"), (confirm, "memory")):
        with pytest.raises(ConflictError) as caught:
            decide(session, WORKSPACE, "ann", rows[kind].id)
        assert caught.value.code == "suggestion_decided"
    states = {row.kind: row.state for row in list_suggestions(session, WORKSPACE, "ann", limit=9, cursor=None)[0]}
    assert states == {"fact": "confirmed", "memory": "dismissed", "preference": "open"}
    still_open, _ = list_suggestions(session, WORKSPACE, "ann", limit=9, cursor=None, state="open")
    assert [row.kind for row in still_open] == ["preference"]


def test_what_is_open_is_not_kept_twice(session: Session) -> None:
    first, again = suggested(session), suggested(session)
    assert {row.id for row in first.values()} == {row.id for row in again.values()}
    dismiss(session, WORKSPACE, "ann", first["fact"].id)
    assert suggested(session)["fact"].id != first["fact"].id


def test_suggestions_of_another_user_are_not_there(session: Session) -> None:
    add_user(session, "ben")
    row = suggested(session)["fact"]
    for decide in (confirm, dismiss):
        with pytest.raises(NotFoundError):
            decide(session, WORKSPACE, "ben", row.id)
    assert row.state == "open"


def test_nothing_is_suggested_for_who_opted_out(session: Session) -> None:
    change_user(session, session.get_one(UserRow, (WORKSPACE, "ann")), opted_out=True)
    with pytest.raises(ConflictError) as caught:
        suggested(session)
    assert caught.value.code == "user_opted_out"
    assert session.query(SuggestionRow).count() == 0
