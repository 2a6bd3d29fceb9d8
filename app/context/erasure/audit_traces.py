"""What the audit log says of documents and people who are erased: that something happened stays, not to whom."""

from __future__ import annotations

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.context.erasure.owners import Documents, Owner, Person, names_one_of
from app.context.erasure.records import Counts
from indexes.database.audit import AuditRow

ROWS_PER_BATCH = 1_000


def _erase_documents(session: Session, documents: Documents) -> Counts:
    """Empty a batch of the entries that describe one of the documents."""
    rows = (f"documents/{one}" for one in documents.ids)
    return _emptied(session, documents.workspace_id, *rows)


def _erase_person(session: Session, person: Person) -> Counts:
    """Empty a batch of the entries that name the user, as the one concerned or in an access list."""
    if person.memory_id is not None:
        return {}
    return _emptied(session, person.workspace_id, person.user_id, f"user:{person.user_id}")


def _emptied(session: Session, workspace_id: str, *names: str) -> Counts:
    is_named = or_(names_one_of(AuditRow.objects, *names), names_one_of(AuditRow.changes, *names))
    found = select(AuditRow.id).where(AuditRow.workspace_id == workspace_id, is_named).limit(ROWS_PER_BATCH)
    ids = session.scalars(found).all()
    session.execute(update(AuditRow).where(AuditRow.id.in_(ids)).values(objects={}, changes=[]))
    return {"audit_entries": len(ids)} if ids else {}


AUDIT_LOG = Owner(erase_documents=_erase_documents, erase_person=_erase_person)
