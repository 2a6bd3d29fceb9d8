"""Users and groups of a workspace: created, changed, listed, hidden."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.context.users.known import Preferences, groups_of
from app.context.users.moments import later_than
from app.context.users.personalisation import load_personalisation
from app.context.users.revisions import KnownPart, mark_changed
from app.context.users.tables import GroupMemberRow, GroupRow, PreferencesRow, UserRow
from configs.errors import ConflictError, InvalidInputError, NotFoundError
from indexes.database.catalog import page
from indexes.database.engine import new_id, now

MEMBERS_PER_STATEMENT = 1_000


class UnknownUserError(NotFoundError):
    """There is no such user, or only one who was deleted."""

    def __init__(self, user_id: str) -> None:
        hint = "create the user with PUT …/users/{user_id}, or let PUT …/personalisation set `unknown_users` to create"
        super().__init__("user", user_id, hint=hint)
        self.code = "unknown_user"


def find_user(session: Session, workspace_id: str, user_id: str, *, keep: bool = False) -> UserRow:
    """Return a user of the workspace, or raise UnknownUserError; who was deleted is not there.

    With `keep` nobody deletes the user until this unit of work ends.
    """
    lock = {"read": True} if keep else None
    row = session.get(UserRow, (workspace_id, user_id), with_for_update=lock)
    if row is None or row.deleted_at is not None:
        raise UnknownUserError(user_id)
    return row


def resolve_user(session: Session, workspace_id: str, user_id: str) -> UserRow:
    """Return the user, deleted ones included; who is unknown is created or refused (UnknownUserError), as the
    workspace has it.
    """
    row = session.get(UserRow, (workspace_id, user_id))
    if row is not None:
        return row
    if load_personalisation(session, workspace_id).unknown_users == "refuse":
        raise UnknownUserError(user_id)
    return _added(session, workspace_id, user_id, now())


def user_to_write(session: Session, workspace_id: str, user_id: str, *parts: KnownPart) -> UserRow:
    """Return the user with the row locked and `parts` marked as changed, to record something; who is unknown is
    created or refused.

    Raises UnknownUserError for a user who was deleted, ConflictError `user_opted_out` for one who opted out.
    """
    resolve_user(session, workspace_id, user_id)
    row = session.get(UserRow, (workspace_id, user_id), populate_existing=True, with_for_update=True)
    if row is None or row.deleted_at is not None:
        raise UnknownUserError(user_id)
    if row.opted_out:
        raise ConflictError(
            f"user {user_id!r} opted out of personalisation",
            hint="record nothing about the user, or change `opted_out` with PATCH if the user wants it",
            code="user_opted_out",
        )
    if parts:
        mark_changed(session, workspace_id, [user_id], *parts)
    return row


def put_user(
    session: Session, workspace_id: str, user_id: str, *, groups: Sequence[str], preferences: Preferences,
    opted_out: bool, at: datetime | None = None,
) -> tuple[UserRow, bool]:  # fmt: skip
    """Create or replace a user; return the row and whether it is new.

    Raises InvalidInputError `unknown_group`, and ConflictError `user_deleted` for one who was deleted, but not erased.
    """
    moment = at or now()
    row = session.get(UserRow, (workspace_id, user_id))
    is_new = row is None
    if row is None:
        row = _added(session, workspace_id, user_id, moment)
    if row.deleted_at is not None:
        raise ConflictError(
            f"user {user_id!r} was deleted, and what was held on the user is not erased yet",
            hint="erase the user first, or take another id",
            code="user_deleted",
        )
    change_user(session, row, groups=groups, preferences=preferences, opted_out=opted_out, at=moment)
    return row, is_new


def change_user(
    session: Session,
    row: UserRow,
    *,
    groups: Sequence[str] | None = None,
    preferences: Preferences | None = None,
    opted_out: bool | None = None,
    at: datetime | None = None,
) -> None:
    """Change what is given; raises InvalidInputError `unknown_group`."""
    moment = at or now()
    mark_changed(session, row.workspace_id, [row.id], "profile")
    if groups is not None:
        _set_groups(session, row, groups, moment)
    if preferences is not None:
        _record_preferences(session, row, preferences, moment)
    if opted_out is not None:
        row.opted_out = opted_out
    row.updated_at = moment
    session.flush()


def hide_user(session: Session, workspace_id: str, user_id: str, *, at: datetime | None = None) -> None:
    """Delete a user from every answer at once; the rows stay until they are erased. Who is not there stays so."""
    row = session.get(UserRow, (workspace_id, user_id))
    if row is not None and row.deleted_at is None:
        row.deleted_at = at or now()
        session.flush()


def list_users(
    session: Session, workspace_id: str, *, limit: int, cursor: str | None, group: str | None = None
) -> tuple[list[tuple[UserRow, list[str]]], str | None]:
    """Return a page of users with their groups, oldest first, and the cursor of the next page."""
    statement = select(UserRow).where(UserRow.workspace_id == workspace_id, UserRow.deleted_at.is_(None))
    members = select(GroupMemberRow.user_id).where(GroupMemberRow.workspace_id == workspace_id)
    if group is not None:
        statement = statement.where(UserRow.id.in_(members.where(GroupMemberRow.group_name == group)))
    rows, following = page(session, statement, UserRow.created_at, UserRow.id, limit=limit, cursor=cursor)
    users: list[UserRow] = [row[0] for row in rows]
    groups: dict[str, list[str]] = {user.id: [] for user in users}
    pairs = select(GroupMemberRow.user_id, GroupMemberRow.group_name).where(
        GroupMemberRow.workspace_id == workspace_id, GroupMemberRow.user_id.in_(groups)
    )
    for user_id, name in session.execute(pairs.order_by(GroupMemberRow.group_name)):
        groups[user_id].append(name)
    return [(user, groups[user.id]) for user in users], following


def add_group(session: Session, workspace_id: str, name: str, description: str) -> tuple[GroupRow, bool]:
    """Create a group, or describe the one of that name anew; return the row and whether it is new."""
    row = session.get(GroupRow, (workspace_id, name))
    is_new = row is None
    if row is None:
        row = GroupRow(workspace_id=workspace_id, name=name, created_at=now())
        session.add(row)
    row.description = description
    session.flush()
    return row, is_new


def list_groups(
    session: Session, workspace_id: str, *, limit: int, cursor: str | None
) -> tuple[list[GroupRow], str | None]:
    """Return a page of groups, oldest first, and the cursor of the next page."""
    statement = select(GroupRow).where(GroupRow.workspace_id == workspace_id)
    rows, following = page(session, statement, GroupRow.created_at, GroupRow.name, limit=limit, cursor=cursor)
    return [row[0] for row in rows], following


def delete_group(session: Session, workspace_id: str, name: str) -> None:
    """Delete a group; its members leave it, and with it lose what it may read. What is not there stays so."""
    session.get(GroupRow, (workspace_id, name), with_for_update=True)  # who would join now waits, and finds no group
    of_group = (GroupMemberRow.workspace_id == workspace_id, GroupMemberRow.group_name == name)
    members = session.scalars(select(GroupMemberRow.user_id).where(*of_group)).all()
    for first in range(0, len(members), MEMBERS_PER_STATEMENT):
        mark_changed(session, workspace_id, members[first : first + MEMBERS_PER_STATEMENT], "profile")
    session.execute(delete(GroupMemberRow).where(*of_group))
    session.execute(delete(GroupRow).where(GroupRow.workspace_id == workspace_id, GroupRow.name == name))


def _added(session: Session, workspace_id: str, user_id: str, moment: datetime) -> UserRow:
    row = UserRow(workspace_id=workspace_id, id=user_id, opted_out=False, created_at=moment, updated_at=moment)
    session.add(row)
    session.flush()
    return row


def _set_groups(session: Session, row: UserRow, groups: Sequence[str], moment: datetime) -> None:
    wanted = set(groups)
    exist = select(GroupRow.name).where(GroupRow.workspace_id == row.workspace_id, GroupRow.name.in_(wanted))
    unknown = sorted(wanted - set(session.scalars(exist)))
    if unknown:
        raise InvalidInputError(
            f"there is no group {', '.join(map(repr, unknown))} here",
            hint="create it with POST …/groups first, or list those there are with GET …/groups",
            code="unknown_group",
        )
    present = set(groups_of(session, row.workspace_id, row.id))
    mine = (GroupMemberRow.workspace_id == row.workspace_id, GroupMemberRow.user_id == row.id)
    session.execute(delete(GroupMemberRow).where(*mine, GroupMemberRow.group_name.in_(present - wanted)))
    for name in sorted(wanted - present):
        session.add(GroupMemberRow(workspace_id=row.workspace_id, user_id=row.id, group_name=name, joined_at=moment))


def amend_preferences(session: Session, row: UserRow, key: str, value: str, *, at: datetime) -> None:
    """Change one of the user's preferences, the row being locked; the others stay as they were said last."""
    last = _newest_preferences(session, row)
    said = Preferences.model_validate(last.preferences if last is not None else {})
    change_user(session, row, preferences=said.model_copy(update={key: value}), at=at)


def _newest_preferences(session: Session, row: UserRow) -> PreferencesRow | None:
    """Return what was recorded last, whatever the clock of who recorded it said."""
    mine = (PreferencesRow.workspace_id == row.workspace_id, PreferencesRow.user_id == row.id)
    newest = select(PreferencesRow).where(*mine).order_by(PreferencesRow.recorded_at.desc(), PreferencesRow.id.desc())
    return session.scalars(newest.limit(1)).first()


def _record_preferences(session: Session, row: UserRow, preferences: Preferences, moment: datetime) -> None:
    """Keep the preferences beside the earlier ones, unless they say the same."""
    last = _newest_preferences(session, row)
    said = preferences.model_dump(mode="json", exclude_unset=True)
    if said == (last.preferences if last is not None else {}):
        return
    session.add(
        PreferencesRow(
            id=new_id("preferences"), workspace_id=row.workspace_id, user_id=row.id, preferences=said,
            recorded_at=later_than(last.recorded_at if last is not None else None, moment),
        )
    )  # fmt: skip
