"""Which version of an alias answers a request: the active one, or the candidate for the users in its canary."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session

from app.context.aliases.records import active_of, candidate_of, load_alias, nothing_active
from app.context.saved_strategies import SavedStrategy

Role = Literal["active", "canary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The strategy version that answers a request to an alias, and as what."""

    alias: str
    role: Role
    saved: SavedStrategy


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredAs:
    """What is kept with a context of the alias that it was asked for through, and as what it answered.

    The questions of users who opted out are not `is_findable` among those that the alias was asked: their contexts are
    nobody's, so that nobody could be told whose they are.
    """

    alias: str
    role: Role
    is_findable: bool


def serve(session: Session, workspace_id: str, name: str, user_id: str | None) -> Served:
    """Return the version that answers for the alias; a request without a user is never in the canary.

    It is read from the database each time, so a promotion or a rollback counts in every process from its commit on.
    Raises NotFoundError, and ConflictError (`nothing_active`).
    """
    row = load_alias(session, workspace_id, name)
    if user_id is not None and is_in_canary(name, user_id, row.canary_percent):
        candidate = candidate_of(session, row)
        if candidate is not None:
            return Served(alias=name, role="canary", saved=candidate)
    active = active_of(session, row)
    if active is None:
        raise nothing_active(name)
    return Served(alias=name, role="active", saved=active)


def is_in_canary(alias: str, user_id: str, percent: int) -> bool:
    """Tell whether the user belongs to the `percent` of users that an alias's candidate answers.

    A user's place depends on the alias and the user alone: it never changes, whoever is in at one share is in at every
    larger one, and the canaries of two aliases are independent.
    """
    digest = hashlib.sha256(f"{alias}\0{user_id}".encode()).digest()
    return int.from_bytes(digest[:8]) < percent * 2**64 // 100
