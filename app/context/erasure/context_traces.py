"""What saved contexts hold of documents and people: receipts and requests; afterwards a replay answers 410."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from app.context.erasure.owners import Documents, Owner, Person, names_one_of
from app.context.erasure.records import Counts
from app.context.saved_contexts import ContextRow, erased_receipt
from indexes.database.engine import now

CONTEXTS_PER_BATCH = 500
KEPT = ("strategy", "index_id", "missing_documents")
"""What stays of a request: how the context was found, not what for."""

_COLUMNS = (ContextRow.receipt, ContextRow.request)


def _erase_documents(session: Session, documents: Documents) -> Counts:
    return _erase(session, documents.workspace_id, names_one_of(ContextRow.receipt, *documents.ids))


def _erase_person(session: Session, person: Person) -> Counts:
    if person.memory_id is not None:
        named = [names_one_of(column, person.memory_id) for column in _COLUMNS]
    else:
        named = [ContextRow.user_id == person.user_id, names_one_of(ContextRow.request, f"user:{person.user_id}")]
    return _erase(session, person.workspace_id, or_(*named))


def _erase(session: Session, workspace_id: str, names_it: ColumnElement[bool]) -> Counts:
    """Leave of each context its id, when it was made, and how it was found; question, filter and principals go too."""
    statement = select(ContextRow).where(ContextRow.workspace_id == workspace_id, names_it).limit(CONTEXTS_PER_BATCH)
    rows = session.scalars(statement).all()
    for row in rows:
        row.request = {**{name: row.request.get(name) for name in KEPT}, "principals": [], "filter": None}
        row.user_id, row.receipt = None, erased_receipt(now())
    session.flush()
    return {"contexts": len(rows)} if rows else {}


def _expire(session: Session, workspace_id: str, before: datetime) -> int:
    old = ContextRow.workspace_id == workspace_id, ContextRow.created_at < before
    ids = list(session.scalars(select(ContextRow.id).where(*old).limit(CONTEXTS_PER_BATCH)))
    session.execute(delete(ContextRow).where(ContextRow.id.in_(ids)))
    return len(ids)


CONTEXT_TRACES = Owner(erase_documents=_erase_documents, erase_person=_erase_person, expire={"contexts": _expire})
