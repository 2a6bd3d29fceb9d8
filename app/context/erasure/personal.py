"""The rows of users: a user with everything held on it, or one memory with what quotes it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.context.erasure.documents import delete_vectors
from app.context.erasure.owners import Documents, Owner, Person
from app.context.erasure.records import Counts
from app.context.users.revisions import KnownPart, mark_changed
from app.context.users.tables import (
    PERSONAL_TABLES,
    FeedbackRow,
    GroupMemberRow,
    MemoryRow,
    SuggestionRow,
    TurnRow,
    UserRow,
)
from indexes.database.engine import now

ROWS_PER_BATCH = 1_000
_WITH_IDS: tuple[Any, ...] = tuple(table for table in PERSONAL_TABLES if table is not GroupMemberRow)


def has_person(session: Session, person: Person) -> bool:
    """Tell whether the user, deleted or not, is there, and has the memory where one is named."""
    if person.memory_id is None:
        return session.get(UserRow, (person.workspace_id, person.user_id)) is not None
    row = session.get(MemoryRow, person.memory_id)
    return row is not None and (row.workspace_id, row.user_id) == (person.workspace_id, person.user_id)


def _detach(session: Session, person: Person) -> None:
    """Hide the user or the memory at once."""
    if person.memory_id is None:
        user = UserRow.workspace_id == person.workspace_id, UserRow.id == person.user_id, UserRow.deleted_at.is_(None)
        session.execute(update(UserRow).where(*user).values(deleted_at=now()))
    else:
        mark_changed(session, person.workspace_id, [person.user_id], "memories")
        memory = _memory(person), MemoryRow.hidden_at.is_(None)
        session.execute(update(MemoryRow).where(*memory).values(hidden_at=now()))


def _erase(session: Session, person: Person) -> Counts:
    return _erase_user(session, person) if person.memory_id is None else _erase_memory(session, person)


def _erase_user(session: Session, person: Person) -> Counts:
    """Delete a batch of rows of the first table that has any, the user's own row last."""
    member = GroupMemberRow.workspace_id == person.workspace_id, GroupMemberRow.user_id == person.user_id
    left = _deleted("group_members", session.execute(delete(GroupMemberRow).where(*member)))
    if left:
        return left
    for table in _WITH_IDS:
        own = table.workspace_id == person.workspace_id, table.user_id == person.user_id
        ids = list(session.scalars(select(table.id).where(*own).limit(ROWS_PER_BATCH)))
        if ids:
            if table is MemoryRow:
                _forget_vectors(session, ids)
            session.execute(delete(table).where(table.id.in_(ids)))
            return {table.__tablename__.removeprefix("user_"): len(ids)}
    user = UserRow.workspace_id == person.workspace_id, UserRow.id == person.user_id
    return _deleted("users", session.execute(delete(UserRow).where(*user)))


def _erase_memory(session: Session, person: Person) -> Counts:
    """Delete the memory, what was suggested and became it, and the references of memories that supersede it."""
    assert person.memory_id is not None
    mark_changed(session, person.workspace_id, [person.user_id], "memories")
    own = SuggestionRow.workspace_id == person.workspace_id, SuggestionRow.user_id == person.user_id
    suggested = session.execute(delete(SuggestionRow).where(*own, SuggestionRow.result_id == person.memory_id))
    later = MemoryRow.workspace_id == person.workspace_id, MemoryRow.supersedes == person.memory_id
    session.execute(update(MemoryRow).where(*later).values(supersedes=None))
    _forget_vectors(session, [person.memory_id])
    memories = session.execute(delete(MemoryRow).where(_memory(person)))
    return {**_deleted("suggestions", suggested), **_deleted("memories", memories)}


def _memory(person: Person) -> Any:
    own = MemoryRow.workspace_id == person.workspace_id, MemoryRow.user_id == person.user_id
    return (MemoryRow.id == person.memory_id) & own[0] & own[1]


def _forget_vectors(session: Session, memory_ids: Sequence[str]) -> None:
    """Delete cached vectors of the memories' texts that no chunk of a document and no other memory has."""
    texts = set(session.scalars(select(MemoryRow.text).where(MemoryRow.id.in_(memory_ids))))
    others = select(MemoryRow.text).where(MemoryRow.text.in_(texts), MemoryRow.id.not_in(memory_ids))
    only_here = texts - set(session.scalars(others))
    delete_vectors(session, {hashlib.sha256(text.encode()).hexdigest() for text in only_here}, [])


def _deleted(name: str, result: Any) -> dict[str, int]:
    count: int = result.rowcount
    return {name: count} if count else {}


def _expire_history(session: Session, workspace_id: str, before: datetime) -> int:
    """Delete old turns, and old suggestions, which quote them."""
    turns = _expired(session, TurnRow, workspace_id, before, "turns")
    return turns + _expired(session, SuggestionRow, workspace_id, before)


def _expire_feedback(session: Session, workspace_id: str, before: datetime) -> int:
    return _expired(session, FeedbackRow, workspace_id, before, "feedback")


def _expired(session: Session, table: Any, workspace_id: str, before: datetime, *parts: KnownPart) -> int:
    old = table.workspace_id == workspace_id, table.created_at < before
    return _removed(session, table, workspace_id, old, *parts)


def _erase_feedback(session: Session, documents: Documents) -> Counts:
    """Delete a batch of what users let know about the documents."""
    about = FeedbackRow.workspace_id == documents.workspace_id, FeedbackRow.document_id.in_(documents.ids)
    count = _removed(session, FeedbackRow, documents.workspace_id, about, "feedback")
    return {"feedback": count} if count else {}


def _removed(session: Session, table: Any, workspace_id: str, chosen: Sequence[Any], *parts: KnownPart) -> int:
    rows = session.execute(select(table.id, table.user_id).where(*chosen).limit(ROWS_PER_BATCH)).all()
    if parts:
        mark_changed(session, workspace_id, {row.user_id for row in rows}, *parts)
    session.execute(delete(table).where(table.id.in_([row.id for row in rows])))
    return len(rows)


PERSONAL_ROWS = Owner(
    detach_person=_detach,
    erase_documents=_erase_feedback,
    erase_person=_erase,
    expire={"history": _expire_history, "feedback": _expire_feedback},
)
