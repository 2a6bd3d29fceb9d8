"""What is known of users, remembered between requests and checked each time against the marks on the user's row.

A part of a user (see `users.revisions`) is read again where its mark changed, or where the moment has come at which
something begins or ends to hold. The marks change in the unit of work that changes the part, so what this returns is
what a fresh reading would, in every process, from the commit on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from app.context.personal.remembered import Remembered
from app.context.users.known import (
    KnownUser,
    Memory,
    facts_of,
    feedback_of,
    groups_of,
    memories_of,
    preferences_of,
    turns_of,
)
from app.context.users.memories import uses_of
from app.context.users.next_change import next_change
from app.context.users.revisions import KnownPart
from app.context.users.tables import PersonalisationRow, UserRow

MOST_USERS = 256

_of_workspace = (
    select(PersonalisationRow.revision)
    .where(PersonalisationRow.workspace_id == bindparam("workspace_id"))
    .scalar_subquery()
)
_OF_NOBODY = select(_of_workspace.label("personalisation_revision"))
_OF_USER = select(
    UserRow.deleted_at, UserRow.opted_out, UserRow.profile_revision, UserRow.memories_revision, UserRow.uses_revision,
    UserRow.turns_revision, UserRow.feedback_revision, _of_workspace.label("personalisation_revision"),
).where(UserRow.workspace_id == bindparam("workspace_id"), UserRow.id == bindparam("user_id"))  # fmt: skip

Marks = Row[Any]


def read_marks(session: Session, workspace_id: str, user_id: str | None) -> Marks | None:
    """Return the marks of the workspace and of the user where one is named; None where there is no such user.

    To be read before what they are the marks of: then what is newer than they are is only read once more.
    """
    if user_id is None:
        return session.connection().execute(_OF_NOBODY, {"workspace_id": workspace_id}).one()
    return session.connection().execute(_OF_USER, {"workspace_id": workspace_id, "user_id": user_id}).one_or_none()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """Fields of a KnownUser, true from `since` until `until` as long as the marks stay as they are."""

    fields: Mapping[str, Any]
    revision: str
    since: datetime
    until: datetime | None
    uses_revision: str = ""

    def holds(self, revision: str, moment: datetime) -> bool:
        return self.revision == revision and self.since <= moment and (self.until is None or moment < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    known: KnownUser
    parts: Mapping[KnownPart, _Held]


def _read_profile(session: Session, workspace_id: str, user_id: str, moment: datetime) -> dict[str, Any]:
    return {
        "groups": groups_of(session, workspace_id, user_id),
        "preferences": preferences_of(session, workspace_id, user_id, moment),
        "facts": facts_of(session, workspace_id, user_id, valid_at=moment, known_at=moment),
    }


_READERS: dict[KnownPart, Callable[[Session, str, str, datetime], dict[str, Any]]] = {
    "profile": _read_profile,
    "memories": lambda *where: {"memories": memories_of(*where)},
    "turns": lambda *where: {"turns": turns_of(*where)},
    "feedback": lambda *where: {"feedback": feedback_of(*where)},
}


class KnownUsers:
    """Remembers the MOST_USERS users that were asked about last; one for a process, safe from any thread."""

    def __init__(self) -> None:
        self._entries: Remembered[tuple[str, str], _Entry] = Remembered(MOST_USERS)

    def of(self, session: Session, workspace_id: str, user_id: str, marks: Marks, moment: datetime) -> KnownUser:
        """Return what is known at `moment`, which is now, of a user with these marks, who is neither deleted nor opted
        out.
        """
        key = (workspace_id, user_id)
        entry = self._entries.get(key)
        before = entry.parts if entry is not None else {}
        parts: dict[KnownPart, _Held] = {}
        for part in _READERS:
            held = before.get(part)
            if held is not None and not held.holds(getattr(marks, f"{part}_revision"), moment):
                held = None
            if part == "memories" and held is not None and held.uses_revision != marks.uses_revision:
                held = _used_anew(session, workspace_id, user_id, held, marks, moment)
            parts[part] = held or _read(session, workspace_id, user_id, part, marks, moment)
        if entry is not None and all(parts[part] is before[part] for part in parts):
            return entry.known
        known = KnownUser(
            user_id=user_id, **{name: value for held in parts.values() for name, value in held.fields.items()}
        )
        self._entries.put(key, _Entry(known=known, parts=parts))
        return known

    def used(
        self, workspace_id: str, user_id: str, memory_ids: Collection[str], at: datetime, revisions: tuple[str, str]
    ) -> None:
        """Take over that these memories, and no others, were used `at` a moment; it changed the mark of uses from the
        first of `revisions` to the second. What is remembered under another mark stays, to be read anew when asked for.
        """
        key = (workspace_id, user_id)
        entry = self._entries.get(key)
        if entry is None or entry.parts["memories"].uses_revision != revisions[0]:
            return
        held = entry.parts["memories"]
        memories = _with_uses(held.fields["memories"], dict.fromkeys(memory_ids, at))
        held = replace(held, fields={"memories": memories}, since=max(held.since, at), uses_revision=revisions[1])
        after = _Entry(known=replace(entry.known, memories=memories), parts={**entry.parts, "memories": held})
        self._entries.replace(key, entry, after)

    def drop(self, workspace_id: str, user_id: str) -> None:
        """Forget a user."""
        self._entries.drop((workspace_id, user_id))

    def clear(self) -> None:
        """Forget everybody."""
        self._entries.clear()


def _read(session: Session, workspace_id: str, user_id: str, part: KnownPart, marks: Marks, moment: datetime) -> _Held:
    return _Held(
        fields=_READERS[part](session, workspace_id, user_id, moment),
        revision=getattr(marks, f"{part}_revision"),
        since=moment,
        until=next_change(session, workspace_id, user_id, part, moment),
        uses_revision=marks.uses_revision,
    )


def _used_anew(
    session: Session, workspace_id: str, user_id: str, held: _Held, marks: Marks, moment: datetime
) -> _Held | None:
    """Return the memories with the last uses of now; None where a clock runs ahead, and they have to be read anew."""
    uses = uses_of(session, workspace_id, user_id)
    if any(used_at > moment for used_at in uses.values()):
        return None
    memories = _with_uses(held.fields["memories"], uses)
    return replace(held, fields={"memories": memories}, since=moment, uses_revision=marks.uses_revision)


def _with_uses(memories: tuple[Memory, ...], uses: Mapping[str, datetime]) -> tuple[Memory, ...]:
    """Return the memories with these last uses; the others are the same objects."""
    return tuple(
        memory
        if (used_at := uses.get(memory.id)) is None or used_at == memory.last_used_at
        else replace(memory, last_used_at=used_at)
        for memory in memories
    )
