"""Members of the installation, and their roles in workspaces."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.accounts.keys import administrators_with_key, note_administrator
from app.accounts.roles import Role
from app.accounts.tables import ApiKey, Member, Membership
from configs.errors import ConflictError, NotFoundError
from indexes.database.catalog import load_workspace
from indexes.database.engine import new_id, now


def load_member(session: Session, member_id: str) -> Member:
    """Return a member who was not removed, or raise NotFoundError."""
    member = session.get(Member, member_id)
    if member is None or member.removed_at is not None:
        raise NotFoundError("member", member_id)
    return member


def add_member(session: Session, name: str, *, is_administrator: bool = False) -> Member:
    """Add a member; raise ConflictError where another one is called so."""
    _check_name(session, name)
    member = Member(id=new_id("member"), name=name, is_administrator=is_administrator)
    session.add(member)
    session.flush()
    return member


def change_member(
    session: Session, member_id: str, *, name: str | None = None, is_administrator: bool | None = None
) -> Member:
    """Change what is not None; raise ConflictError for a name that another one has, or where nobody could administrate
    the installation any more.
    """
    member = load_member(session, member_id)
    if name is not None and name != member.name:
        _check_name(session, name)
        member.name = name
    if is_administrator is not None:
        if is_administrator:
            note_administrator(session, member)
        else:
            _check_not_last(session, member)
        member.is_administrator = is_administrator
    session.flush()
    return member


def remove_member(session: Session, member_id: str) -> bool:
    """Take a member's keys and roles away for good and return whether they were there; raise ConflictError for the last
    administrator who has a key.
    """
    member = session.get(Member, member_id)
    if member is None or member.removed_at is not None:
        return False
    _check_not_last(session, member)
    member.removed_at = now()
    for key in session.scalars(select(ApiKey).where(ApiKey.member_id == member_id, ApiKey.revoked_at.is_(None))):
        key.revoked_at = member.removed_at
    session.execute(delete(Membership).where(Membership.member_id == member_id))
    session.flush()
    return True


def put_role(session: Session, workspace_id: str, member_id: str, role: Role) -> Membership:
    """Give a member a role in the workspace, instead of the one they have."""
    load_workspace(session, workspace_id)
    load_member(session, member_id)
    membership = session.get(Membership, (workspace_id, member_id))
    if membership is None:
        membership = Membership(workspace_id=workspace_id, member_id=member_id, role=role)
        session.add(membership)
    membership.role = role
    session.flush()
    return membership


def remove_role(session: Session, workspace_id: str, member_id: str) -> None:
    """Take a member's role in the workspace away; whoever has none keeps none."""
    load_workspace(session, workspace_id)
    membership = session.get(Membership, (workspace_id, member_id))
    if membership is not None:
        session.delete(membership)
        session.flush()


def list_roles(session: Session, workspace_id: str) -> Sequence[tuple[Membership, Member]]:
    """Return who has a role in the workspace, by name."""
    load_workspace(session, workspace_id)
    statement = select(Membership, Member).join(Member, Member.id == Membership.member_id)
    rows = session.execute(statement.where(Membership.workspace_id == workspace_id).order_by(Member.name, Member.id))
    return [(membership, member) for membership, member in rows]


def _check_name(session: Session, name: str) -> None:
    known = session.scalar(select(Member.id).where(Member.name == name, Member.removed_at.is_(None)))
    if known is not None:
        raise ConflictError(
            f"another member is called {name!r}", hint=f"choose another name, or change {known}", code="member_exists"
        )


def _check_not_last(session: Session, member: Member) -> None:
    """Raise ConflictError where nobody but this member holds a key that administrates the installation."""
    if administrators_with_key(session) == {member.id}:
        raise ConflictError(
            f"{member.name} is the last administrator of the installation who has a key",
            hint="make somebody else an administrator first, and give them a key",
            code="last_administrator",
        )
