"""API keys: made at random, kept as SHA-256, and good until they are revoked or expire."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.accounts.roles import Caller, ForbiddenError, Role
from app.accounts.tables import ApiKey, Member, Membership
from configs.errors import ConflictError, InvalidInputError, NotFoundError
from indexes.database.catalog import load_workspace
from indexes.database.engine import new_id, now

BEGINNING = "pk_"
SECRET_BYTES = 32
SHOWN_CHARACTERS = len(BEGINNING) + 6
LAST_USE_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as it is shown once, with what is kept of it."""

    secret: str
    kept: ApiKey


def create_key(
    session: Session,
    member: Member,
    name: str,
    *,
    at_most: Role | None = None,
    only_workspaces: Collection[str] | None = None,
    expires_at: datetime | None = None,
    maker: ApiKey | None = None,
) -> NewKey:
    """Make a key of 256 random bits for a member, which ends no later than the key that makes it.

    Raises InvalidInputError for a moment that has passed, ForbiddenError for one after the maker's end, NotFoundError
    for a workspace that is not there.
    """
    expires_at = _end_within(maker, expires_at)
    if expires_at is not None and expires_at <= now():
        raise InvalidInputError(
            f"a key cannot expire at {expires_at.isoformat()}, which has passed",
            hint="give a moment to come, or leave it out",
            code="expiry_in_past",
        )
    for workspace_id in only_workspaces or ():
        load_workspace(session, workspace_id)
    secret = BEGINNING + secrets.token_urlsafe(SECRET_BYTES)
    kept = ApiKey(
        id=new_id("key"),
        member_id=member.id,
        name=name,
        prefix=secret[:SHOWN_CHARACTERS],
        sha256=_hashed(secret),
        at_most=at_most,
        administrates=member.is_administrator and at_most is None and only_workspaces is None,
        only_workspaces=None if only_workspaces is None else sorted(set(only_workspaces)),
        expires_at=expires_at,
    )
    session.add(kept)
    session.flush()
    return NewKey(secret, kept)


def load_key(session: Session, key_id: str) -> ApiKey:
    """Return a key, whether or not it still opens anything, or raise NotFoundError."""
    key = session.get(ApiKey, key_id)
    if key is None:
        raise NotFoundError("key", key_id)
    return key


def revoke_key(session: Session, key_id: str) -> ApiKey:
    """Let the key open nothing from the commit on; raise ConflictError for the last one that administrates."""
    key = load_key(session, key_id)
    if key.revoked_at is None:
        if _administrating_keys(session) == {key.id: key.member_id}:
            raise ConflictError(
                f"{key.id} is the last key that administrates the installation",
                hint="make another key of an administrator first, or use `context-playground keys create --admin`",
                code="last_administrator",
            )
        key.revoked_at = now()
        session.flush()
    return key


def forget_workspace(session: Session, workspace_id: str) -> None:
    """Take a deleted workspace from the keys bounded to it, so that they do not open one that gets its id later; a key
    bounded to it alone opens no workspace any more.
    """
    for key in session.scalars(select(ApiKey).where(ApiKey.only_workspaces.is_not(None))):
        if workspace_id in (key.only_workspaces or ()):
            key.only_workspaces = [one for one in key.only_workspaces or () if one != workspace_id]


_ADMINISTRATING = select(ApiKey.id).where(ApiKey.administrates).limit(1)
"""Made once, as every request asks for it."""


def is_closed(session: Session) -> bool:
    """Tell whether a key was ever made that administrates the installation: from then on nobody calls the service
    without a key, whatever became of that one.
    """
    return session.scalar(_ADMINISTRATING) is not None


def note_administrator(session: Session, member: Member) -> None:
    """Note that the member's unbounded keys administrate the installation from now on: those that open anything, as one
    that is revoked or has expired would close the service with nobody inside.
    """
    keys = session.scalars(select(ApiKey).where(ApiKey.member_id == member.id, ApiKey.revoked_at.is_(None)))
    for key in keys:
        if not _is_bounded(key) and not _has_expired(key):
            key.administrates = True
    session.flush()


def administrators_with_key(session: Session) -> set[str]:
    """Return the members who can administrate the installation at present: those with an unbounded key that opens."""
    return set(_administrating_keys(session).values())


def find_caller(session: Session, secret: str) -> Caller | None:
    """Return whose key this is and what it may, None where no key that is good at present has this SHA-256.

    The lookup goes by the hash, so that how long it takes tells nothing about the keys there are.
    """
    found = session.execute(
        select(ApiKey, Member).join(Member, Member.id == ApiKey.member_id).where(ApiKey.sha256 == _hashed(secret))
    ).one_or_none()
    if found is None:
        return None
    key, member = found
    if key.revoked_at is not None or member.removed_at is not None or _has_expired(key):
        return None
    roles = select(Membership.workspace_id, Membership.role).where(Membership.member_id == member.id)
    return Caller(
        name=member.name,
        member_id=member.id,
        key_id=key.id,
        is_administrator=member.is_administrator,
        roles={row.workspace_id: row.role for row in session.execute(roles)},
        at_most=key.at_most,
        only=None if key.only_workspaces is None else frozenset(key.only_workspaces),
    )


def is_use_due(session: Session, key_id: str) -> bool:
    """Tell whether the key's last use was noted so long ago that it should be noted anew."""
    last: datetime | None = session.scalar(select(ApiKey.last_used_at).where(ApiKey.id == key_id))
    return last is None or last < now() - LAST_USE_EVERY


def note_use(session: Session, key_id: str) -> None:
    """Note that the key was used just now."""
    session.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=now()))


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _end_within(maker: ApiKey | None, asked: datetime | None) -> datetime | None:
    if maker is None or maker.expires_at is None:
        return asked
    if asked is not None and asked > maker.expires_at:
        raise ForbiddenError(
            f"{maker.id} ends at {maker.expires_at.isoformat()} and makes no key that ends at {asked.isoformat()}",
            hint="leave expires_at out, give that moment or an earlier one, or use a key that ends later",
            code="outlives_its_maker",
        )
    return maker.expires_at if asked is None else asked


def _has_expired(key: ApiKey) -> bool:
    return key.expires_at is not None and key.expires_at <= now()


def _is_bounded(key: ApiKey) -> bool:
    return key.at_most is not None or key.only_workspaces is not None


def _administrating_keys(session: Session) -> dict[str, str]:
    """Return the members by the key with which they can administrate the installation at present."""
    statement = (
        select(ApiKey)
        .join(Member, Member.id == ApiKey.member_id)
        .where(Member.is_administrator, Member.removed_at.is_(None), ApiKey.revoked_at.is_(None))
    )
    keys = session.scalars(statement).all()
    return {key.id: key.member_id for key in keys if not _is_bounded(key) and not _has_expired(key)}
