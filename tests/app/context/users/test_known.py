"""What is known of a user: nobody where there is no user, no consent or no row; else as of one moment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from app.context.users import known
from app.context.users.conversation import add_turn, hide_turns, list_turns
from app.context.users.facts import NewFact, record_fact
from app.context.users.feedback import NewFeedback, record_feedback
from app.context.users.known import ANONYMOUS, Preferences, load_user, principal_of
from app.context.users.memories import NewMemory, remember
from app.context.users.registration import change_user, hide_user
from app.context.users.tables import UserRow
from indexes.access import Principal
from indexes.database.engine import Database
from tests.app.context.users.people import WORKSPACE, add_user, hour
from tests.database import add_document, add_version, add_workspace

EVENING = 12


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """Yield a unit of work in which something of every kind is known of Ann, one thing at each hour from 1 to 5."""
    with database.write() as session:
        ann = add_user(session, groups=("support", "finance"))
        add_version(session, add_document(session, "d"), 1)
        change_user(session, ann, preferences=Preferences(verbosity="brief"), at=hour(1))
        record_fact(session, WORKSPACE, "ann", "city", NewFact(value="Berlin"), at=hour(2))
        remember(session, WORKSPACE, "ann", NewMemory(text="likes tea"), at=hour(3))
        add_turn(session, WORKSPACE, "ann", "user", "Hello", at=hour(4))
        record_feedback(session, WORKSPACE, "ann", NewFeedback(signal="click", document_id="d"), at=hour(5))
        yield session


def test_everything_is_known_from_when_it_was_recorded_on(session: Session) -> None:
    seen = []
    for moment in range(6):
        one = load_user(session, WORKSPACE, "ann", as_of=hour(moment + 0.5))
        parts = (one.preferences != Preferences(), one.facts, one.memories, one.turns, one.feedback)
        seen.append([bool(part) for part in parts])
    assert seen == [[number < moment for number in range(5)] for moment in range(6)]


def test_a_user_is_known_in_full(session: Session) -> None:
    ann = load_user(session, WORKSPACE, "ann", as_of=hour(EVENING))
    assert (ann.user_id, ann.groups, ann.opted_out) == ("ann", ("finance", "support"), False)
    assert ann.preferences.verbosity == "brief"
    assert [(fact.key, fact.value, fact.valid_from) for fact in ann.facts] == [("city", "Berlin", hour(2))]
    assert [(memory.text, memory.kind, memory.last_used_at) for memory in ann.memories] == [
        ("likes tea", "semantic", hour(3))
    ]
    assert [(turn.role, turn.text) for turn in ann.turns] == [("user", "Hello")]
    assert [(one.document_id, one.signal, one.rank) for one in ann.feedback] == [("d", "click", None)]
    assert load_user(session, WORKSPACE, "ann") == ann


def test_preferences_are_those_of_their_time(session: Session) -> None:
    ann = session.get_one(UserRow, (WORKSPACE, "ann"))
    change_user(session, ann, preferences=Preferences(language="German"), at=hour(8))
    assert load_user(session, WORKSPACE, "ann", as_of=hour(7)).preferences == Preferences(verbosity="brief")
    assert load_user(session, WORKSPACE, "ann", as_of=hour(8)).preferences == Preferences(language="German")


def test_the_last_preferences_hold_also_where_the_clock_stands_still(session: Session) -> None:
    ann = session.get_one(UserRow, (WORKSPACE, "ann"))
    for language in ("German", "French", "Dutch", "Greek"):
        change_user(session, ann, preferences=Preferences(language=language), at=hour(8))
    assert load_user(session, WORKSPACE, "ann", as_of=hour(9)).preferences.language == "Greek"


def test_who_opts_out_is_nobody_and_comes_back_as_before(session: Session) -> None:
    before = load_user(session, WORKSPACE, "ann", as_of=hour(EVENING))
    ann = session.get_one(UserRow, (WORKSPACE, "ann"))
    change_user(session, ann, opted_out=True)
    assert load_user(session, WORKSPACE, "ann", as_of=hour(EVENING)) is ANONYMOUS
    change_user(session, ann, opted_out=False)
    assert load_user(session, WORKSPACE, "ann", as_of=hour(EVENING)) == before


def test_nobody_the_unknown_and_the_deleted_are_anonymous(session: Session) -> None:
    add_workspace(session, "other")
    hide_user(session, WORKSPACE, "ann")
    assert load_user(session, WORKSPACE, None) is ANONYMOUS
    assert load_user(session, WORKSPACE, "nosuch") is ANONYMOUS
    assert load_user(session, WORKSPACE, "ann", as_of=hour(EVENING)) is ANONYMOUS
    assert load_user(session, "other", "ann") is ANONYMOUS


def test_the_principal_names_user_groups_and_everyone(session: Session) -> None:
    ann = load_user(session, WORKSPACE, "ann")
    assert principal_of(ann) == Principal.of(["user:ann", "group:support", "group:finance", "everyone"])
    assert principal_of(ANONYMOUS) == Principal()


def test_turns_keep_their_order_where_the_clock_stands_still(session: Session) -> None:
    for number in range(6):
        add_turn(session, WORKSPACE, "ann", "user", str(number), at=hour(4))
    wanted = ["Hello", *map(str, range(6))]
    assert [turn.text for turn in load_user(session, WORKSPACE, "ann").turns] == wanted
    rows, _ = list_turns(session, WORKSPACE, "ann", limit=50, cursor=None)
    assert [row.text for row in rows] == wanted


def test_only_the_newest_turns_are_known(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "MOST_TURNS_KNOWN", 2)
    for number in range(3):
        add_turn(session, WORKSPACE, "ann", "user", str(number), at=hour(6 + number))
    assert [turn.text for turn in load_user(session, WORKSPACE, "ann").turns] == ["1", "2"]
    assert [turn.text for turn in load_user(session, WORKSPACE, "ann", as_of=hour(6)).turns] == ["Hello", "0"]


def test_hidden_turns_are_gone_from_every_moment(session: Session) -> None:
    hide_turns(session, WORKSPACE, "ann", at=hour(6))
    add_turn(session, WORKSPACE, "ann", "user", "A new start", at=hour(7))
    assert load_user(session, WORKSPACE, "ann", as_of=hour(5)).turns == ()
    assert [turn.text for turn in load_user(session, WORKSPACE, "ann").turns] == ["A new start"]


def test_users_of_other_workspaces_with_the_same_id_are_others(session: Session) -> None:
    add_user(session, "ann", workspace_id="other", groups=("finance",))
    record_fact(session, "other", "ann", "city", NewFact(value="Oslo"), at=hour(1))
    mine, theirs = (load_user(session, workspace, "ann") for workspace in (WORKSPACE, "other"))
    assert ([fact.value for fact in mine.facts], [fact.value for fact in theirs.facts]) == (["Berlin"], ["Oslo"])
    assert (len(mine.memories), len(theirs.memories)) == (1, 0)
    assert theirs.groups == ("finance",)
