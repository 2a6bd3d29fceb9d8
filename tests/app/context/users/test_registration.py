"""Users and groups: created or refused by setting, hidden when deleted, and never in a group that is not there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from app.context.personal.askers import Askers
from app.context.users.facts import NewFact, record_fact
from app.context.users.known import ANONYMOUS, Preferences, groups_of, load_user
from app.context.users.personalisation import Personalisation, load_personalisation, save_personalisation
from app.context.users.registration import (
    UnknownUserError,
    add_group,
    change_user,
    delete_group,
    find_user,
    hide_user,
    list_groups,
    list_users,
    put_user,
    resolve_user,
    user_to_write,
)
from app.context.users.tables import PreferencesRow, UserRow
from configs.errors import ConflictError, InvalidInputError
from indexes.database.engine import Database
from indexes.database.tables import Workspace
from tests.app.context.users.people import WORKSPACE, add_user
from tests.database import add_workspace


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """Yield a unit of work in which Ann is in two groups."""
    with database.write() as session:
        add_user(session, groups=("finance", "support"))
        yield session


def put(session: Session, user_id: str, groups: tuple[str, ...] = ()) -> bool:
    """Put a user; tell whether the user is new."""
    _, is_new = put_user(session, WORKSPACE, user_id, groups=groups, preferences=Preferences(), opted_out=False)
    return is_new


def test_putting_replaces_and_keeps_what_is_known(session: Session) -> None:
    record_fact(session, WORKSPACE, "ann", "city", NewFact(value="Berlin"))
    assert not put(session, "ann", ("support",))
    assert put(session, "ben", ("support", "support"))
    assert load_user(session, WORKSPACE, "ann").groups == ("support",)
    assert [fact.value for fact in load_user(session, WORKSPACE, "ann").facts] == ["Berlin"]


def test_an_unknown_group_is_named_and_nothing_changes(database: Database) -> None:
    with database.write() as session:
        add_user(session, groups=("support",))
        add_workspace(session, "other")
        add_group(session, "other", "theirs", "")
    with pytest.raises(InvalidInputError) as caught, database.write() as session:
        put(session, "ann", ("nosuch", "theirs", "support"))
    assert caught.value.code == "unknown_group"
    assert "'nosuch', 'theirs'" in caught.value.detail
    with database.read() as session:
        assert groups_of(session, WORKSPACE, "ann") == ("support",)


def test_deleting_a_group_lets_its_members_leave(session: Session) -> None:
    delete_group(session, WORKSPACE, "finance")
    delete_group(session, WORKSPACE, "nosuch")
    assert groups_of(session, WORKSPACE, "ann") == ("support",)
    assert [row.name for row in list_groups(session, WORKSPACE, limit=9, cursor=None)[0]] == ["support"]
    add_group(session, WORKSPACE, "finance", "another")
    assert groups_of(session, WORKSPACE, "ann") == ("support",)


def test_who_is_unknown_is_refused_or_created_by_setting(database: Database) -> None:
    with database.write() as session:
        add_workspace(session)
    askers = Askers(database)
    with pytest.raises(UnknownUserError) as caught:
        askers.registered(WORKSPACE, "new")
    assert (caught.value.status, caught.value.code) == (404, "unknown_user")
    with database.write() as session:
        save_personalisation(session, WORKSPACE, Personalisation(unknown_users="create"))
    assert askers.registered(WORKSPACE, "new").known.user_id == "new"
    assert askers.registered(WORKSPACE, None).known is ANONYMOUS
    with database.read() as session:
        assert session.query(UserRow).count() == 1


@pytest.mark.parametrize("unknown_users", ["create", "refuse"])
def test_a_deleted_user_is_hidden_whatever_the_setting(database: Database, unknown_users: str) -> None:
    with database.write() as session:
        add_user(session)
        save_personalisation(session, WORKSPACE, Personalisation.model_validate({"unknown_users": unknown_users}))
        hide_user(session, WORKSPACE, "ann")
        for find in (find_user, user_to_write):
            with pytest.raises(UnknownUserError):
                find(session, WORKSPACE, "ann")
        assert resolve_user(session, WORKSPACE, "ann").deleted_at is not None
        assert list_users(session, WORKSPACE, limit=9, cursor=None) == ([], None)
        with pytest.raises(ConflictError) as caught:
            put(session, "ann")
        assert caught.value.code == "user_deleted"
    assert Askers(database).of(WORKSPACE, "ann").known is ANONYMOUS


def test_nothing_is_recorded_on_who_opted_out(session: Session) -> None:
    change_user(session, find_user(session, WORKSPACE, "ann"), opted_out=True)
    with pytest.raises(ConflictError) as caught:
        record_fact(session, WORKSPACE, "ann", "city", NewFact(value="Berlin"))
    assert caught.value.code == "user_opted_out"


def test_the_same_preferences_are_recorded_once(session: Session) -> None:
    row = find_user(session, WORKSPACE, "ann")
    for tags in (("a",), ("a",), (), ("a",)):
        change_user(session, row, preferences=Preferences(preferred_tags=tags))
    assert session.query(PreferencesRow).count() == 3


def test_a_listing_gives_each_user_once_with_groups(session: Session) -> None:
    for user_id in ("ben", "cleo", "dana"):
        put(session, user_id, ("support",))
    seen: dict[str, list[str]] = {}
    cursor, pages = None, 0
    while pages == 0 or cursor is not None:
        rows, cursor = list_users(session, WORKSPACE, limit=3, cursor=cursor)
        seen |= {row.id: groups for row, groups in rows}
        pages += 1
    assert seen == {"ann": ["finance", "support"], "ben": ["support"], "cleo": ["support"], "dana": ["support"]}
    members, _ = list_users(session, WORKSPACE, limit=9, cursor=None, group="finance")
    assert [row.id for row, _ in members] == ["ann"]


def test_personalisation_is_kept_with_what_its_preferences_leave_open(session: Session) -> None:
    assert load_personalisation(session, WORKSPACE) == Personalisation()
    saved = Personalisation(workspace_instructions="Be kind.", preferences=Preferences(preferred_tags=()))
    save_personalisation(session, WORKSPACE, saved)
    loaded = load_personalisation(session, WORKSPACE)
    assert loaded == saved
    assert loaded.preferences.model_fields_set == {"preferred_tags"}


def test_users_go_with_their_workspace(database: Database) -> None:
    with database.write() as session:
        add_user(session, groups=("support",))
        record_fact(session, WORKSPACE, "ann", "city", NewFact(value="Berlin"))
        save_personalisation(session, WORKSPACE, Personalisation())
    with database.write() as session:
        session.delete(session.get_one(Workspace, WORKSPACE))
    with database.read() as session:
        assert session.query(UserRow).count() == 0
