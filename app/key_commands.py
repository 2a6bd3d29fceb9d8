"""Keys from the command line: how the first administrator gets in, and everybody who locked themselves out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.keys import create_key, revoke_key
from app.accounts.members import add_member, change_member, put_role
from app.accounts.roles import Role, rank
from app.accounts.tables import ApiKey, Member, Membership
from app.commanded import commanded
from app.installation import Installation, opened_to_read
from configs.errors import InvalidInputError
from configs.settings import Settings
from indexes.database.catalog import load_workspace
from indexes.database.engine import Database, now

LONGEST_DAYS = 3_650


def create(
    settings: Settings,
    name: str,
    *,
    is_administrator: bool,
    workspace_id: str | None,
    role: Role | None,
    expires_in_days: int | None,
) -> Iterator[str]:
    """Make a key for the member of that name; yield what to print.

    An administrator's opens everything. With a workspace the key is for it alone, and a member who has no role there,
    or a smaller one than `role`, gets it; otherwise it opens what the member's roles do. It brings at most `role`.
    Members are added where there is none of that name, and lose nothing.
    """
    is_bounded = workspace_id is not None or role is not None
    _check_bounds(expires_in_days, is_administrator=is_administrator, is_bounded=is_bounded)
    expires_at = None if expires_in_days is None else now() + timedelta(days=expires_in_days)
    only = None if workspace_id is None else [workspace_id]
    database = _opened(settings)
    try:
        with commanded("keys create", workspace_id=workspace_id), database.write() as session:
            member = _member(session, name, is_administrator=is_administrator)
            if workspace_id is not None:
                _let_in(session, workspace_id, member, role)
            _check_power(session, member)
            made = create_key(
                session, member, "from the command line", at_most=role, only_workspaces=only, expires_at=expires_at
            )
            lines = [f"{made.kept.id} of {name} ({member.id}), {_bounds(made.kept)}; it is not shown again:"]
    finally:
        database.close()
    yield from (*lines, made.secret)


def show(settings: Settings) -> Iterator[str]:
    """Yield a line about every key; it changes nothing."""
    with opened_to_read(settings) as database, database.read() as session:
        statement = select(ApiKey, Member).join(Member, Member.id == ApiKey.member_id)
        rows = session.execute(statement.order_by(ApiKey.created_at, ApiKey.id)).all()
    yield from (_line(key, member) for key, member in rows)


def revoke(settings: Settings, key_id: str) -> Iterator[str]:
    """Let a key open nothing any more; yield what to print."""
    database = _opened(settings)
    try:
        with commanded("keys revoke", key_id=key_id), database.write() as session:
            revoke_key(session, key_id)
    finally:
        database.close()
    yield f"{key_id} is revoked"


def _opened(settings: Settings) -> Database:
    return Installation(settings, runs_jobs=False).database


def _member(session: Session, name: str, *, is_administrator: bool) -> Member:
    known = session.scalar(select(Member).where(Member.name == name, Member.removed_at.is_(None)))
    if known is None:
        return add_member(session, name, is_administrator=is_administrator)
    return change_member(session, known.id, is_administrator=True) if is_administrator else known


def _check_bounds(expires_in_days: int | None, *, is_administrator: bool, is_bounded: bool) -> None:
    if is_administrator and is_bounded:
        raise InvalidInputError(
            "an administrator's key is not bounded to a workspace or a role",
            hint="leave --admin out, or --workspace and --role",
            code="bounded_administrator",
        )
    if expires_in_days is not None and not 1 <= expires_in_days <= LONGEST_DAYS:
        raise InvalidInputError(
            f"a key cannot expire in {expires_in_days} days", hint=f"give 1 to {LONGEST_DAYS}", code="invalid_expiry"
        )


def _let_in(session: Session, workspace_id: str, member: Member, role: Role | None) -> None:
    """Give the member the role in the workspace, viewer where none is named, unless they have as much already."""
    load_workspace(session, workspace_id)
    known = session.get(Membership, (workspace_id, member.id))
    wanted = role or "viewer"
    if not member.is_administrator and (known is None or rank(known.role) < rank(wanted)):
        put_role(session, workspace_id, member.id, wanted)


def _check_power(session: Session, member: Member) -> None:
    has_role = select(Membership.role).where(Membership.member_id == member.id).limit(1)
    if not member.is_administrator and session.scalar(has_role) is None:
        raise InvalidInputError(
            f"a key of {member.name} would open nothing, as they have no role anywhere",
            hint="give --admin, or --workspace and --role",
            code="powerless_key",
        )


def _bounds(key: ApiKey) -> str:
    bounds = [] if key.at_most is None else [f"at most {key.at_most}"]
    bounds += [] if key.only_workspaces is None else [f"only {', '.join(key.only_workspaces)}"]
    return "; ".join(bounds) or "unbounded"


def _line(key: ApiKey, member: Member) -> str:
    expires = "never" if key.expires_at is None else f"{key.expires_at:%Y-%m-%d %H:%M}"
    used = "never" if key.last_used_at is None else f"{key.last_used_at:%Y-%m-%d %H:%M}"
    state = "revoked" if key.revoked_at is not None else f"expires {expires}"
    who = f"{member.name}{' (administrator)' if member.is_administrator else ''}"
    return f"{key.id}  {key.prefix}…  {who}  {_bounds(key)}  {state}, last used {used}"
