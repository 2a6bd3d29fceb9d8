"""Answers kept for an Idempotency-Key that may name what is erased."""

from __future__ import annotations

from itertools import islice

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.api.idempotency_claims import IdempotencyRow
from app.context.erasure.owners import Documents, Owner, Person
from app.context.erasure.records import Counts

BODIES_AT_ONCE = 100
KEYS_PER_BATCH = 1_000


def _erase_documents(session: Session, documents: Documents) -> Counts:
    """Delete a batch of the answers that name one of the documents or its versions."""
    quoted = [f'"{one}"'.encode() for one in (*documents.ids, *documents.version_ids)]
    kept = select(IdempotencyRow.key, IdempotencyRow.body).where(IdempotencyRow.workspace_id == documents.workspace_id)
    rows = session.execute(kept.execution_options(yield_per=BODIES_AT_ONCE))
    naming = (key for key, body in rows if any(one in body for one in quoted))
    keys = list(islice(naming, KEYS_PER_BATCH))
    rows.close()
    session.execute(delete(IdempotencyRow).where(IdempotencyRow.key.in_(keys)))
    return _counts(len(keys))


def _erase_person(session: Session, person: Person) -> Counts:
    """Delete every answer of the workspace: one may repeat what a person said without naming anybody."""
    mine = IdempotencyRow.workspace_id == person.workspace_id
    kept = session.scalar(select(func.count()).select_from(IdempotencyRow).where(mine)) or 0
    session.execute(delete(IdempotencyRow).where(mine))
    return _counts(kept)


def _counts(deleted: int) -> Counts:
    return {"kept_answers": deleted} if deleted else {}


KEPT_ANSWERS = Owner(erase_documents=_erase_documents, erase_person=_erase_person)
