"""Keys from the command line: how the first administrator gets in, and everybody who locked themselves out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.keys import create_key, revoke_key
from app.accounts.members import add_member, change_member, put_role
from app.accounts.roles import Role
from app.accounts.tables import ApiKey, Member
from app.commanded import commanded
from app.installation import Installation, opened_to_read
from configs.errors import InvalidInputError
from configs.settings import Settings
from indexes.database.engine import Database, now

LONGEST_DAYS = 3_650


def create(
    settings: Settings,
    name: str,
    *,
    is_administrator: bool,
    workspace_id: str | None,
    role: Role,
    expires_in_days: int | None,
) -> Iterator[str]:
    """Make a key for the member of that name, who is added where there is none; yield what to print.

    An administrator's opens everything; otherwise the member gets the role in the workspace, and the key is for it
    alone.
    """
    if not is_administrator and workspace_id is None:
        raise InvalidInputError(
            "the key would open nothing", hint="give --admin, or --workspace and --role", code="powerless_key"
        )
    if expires_in_days is not None and not 1 <= expires_in_days <= LONGEST_DAYS:
        raise InvalidInputError(
            f"a key cannot expire in {expires_in_days} days", hint=f"give 1 to {LONGEST_DAYS}", code="invalid_expiry"
        )
    expires_at = None if expires_in_days is None else now() + timedelta(days=expires_in_days)
    database = _opened(settings)
    try:
        with commanded("keys create", workspace_id=workspace_id), database.write() as session:
            member = _member(session, name, is_administrator=is_administrator)
            if workspace_id is not None:
                put_role(session, workspace_id, member.id, role)
            only = None if is_administrator else [workspace_id] if workspace_id is not None else None
            made = create_key(session, member, "from the command line", only_workspaces=only, expires_at=expires_at)
            lines = [f"{made.kept.id} of {name} ({member.id}); it is not shown again:", made.secret]
    finally:
        database.close()
    yield from lines


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


def _line(key: ApiKey, member: Member) -> str:
    expires = "never" if key.expires_at is None else f"{key.expires_at:%Y-%m-%d %H:%M}"
    used = "never" if key.last_used_at is None else f"{key.last_used_at:%Y-%m-%d %H:%M}"
    bounds = [] if key.at_most is None else [f"at most {key.at_most}"]
    bounds += [] if key.only_workspaces is None else [f"only {', '.join(key.only_workspaces)}"]
    state = "revoked" if key.revoked_at is not None else f"expires {expires}"
    who = f"{member.name}{' (administrator)' if member.is_administrator else ''}"
    return f"{key.id}  {key.prefix}…  {who}  {'; '.join(bounds) or 'unbounded'}  {state}, last used {used}"
