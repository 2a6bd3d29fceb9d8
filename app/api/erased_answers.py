"""Answers kept for an Idempotency-Key that may name what is erased."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.api.idempotency import IdempotencyRow
from app.context.erasure.owners import Documents, Owner, Person
from app.context.erasure.records import Counts


def _erase_documents(session: Session, documents: Documents) -> Counts:
    """Delete the answers that name one of the documents or its versions."""
    quoted = [f'"{one}"'.encode() for one in (*documents.ids, *documents.version_ids)]
    kept = select(IdempotencyRow.key, IdempotencyRow.body).where(IdempotencyRow.workspace_id == documents.workspace_id)
    keys = [key for key, body in session.execute(kept) if any(one in body for one in quoted)]
    return _delete(session, keys)


def _erase_person(session: Session, person: Person) -> Counts:
    """Delete every answer of the workspace: one may repeat what a person said without naming anybody."""
    kept = IdempotencyRow.workspace_id == person.workspace_id
    return _delete(session, list(session.scalars(select(IdempotencyRow.key).where(kept))))


def _delete(session: Session, keys: list[str]) -> Counts:
    session.execute(delete(IdempotencyRow).where(IdempotencyRow.key.in_(keys)))
    return {"kept_answers": len(keys)} if keys else {}


KEPT_ANSWERS = Owner(name="kept answers", erase_documents=_erase_documents, erase_person=_erase_person)
