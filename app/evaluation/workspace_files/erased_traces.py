"""What ended imports remember of documents and users that are erased."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.erasure.owners import Documents, Owner, Person
from app.context.erasure.records import Counts
from app.evaluation.workspace_files.importing import IMPORT
from configs.part import JsonObject
from indexes.database.tables import Job
from indexes.jobs import FINAL_STATES

BLANK: JsonObject = {"erased": True}


def _of_documents(session: Session, documents: Documents) -> Counts:
    return _blank(session, documents.workspace_id, (*documents.names, *documents.ids))


def _of_person(session: Session, person: Person) -> Counts:
    return _blank(session, person.workspace_id, (person.user_id,)) if person.memory_id is None else {}


def _blank(session: Session, workspace_id: str, names: Iterable[str]) -> Counts:
    """Blank what ended imports were told, and what they answered, where either names one of the `names`."""
    written = [json.dumps(name)[1:-1] for name in names if name]
    ended = Job.workspace_id == workspace_id, Job.kind == IMPORT, Job.state.in_(FINAL_STATES)
    blanked = 0
    for job in session.scalars(select(Job).where(*ended)):
        kept = json.dumps([job.arguments, job.result])
        if job.arguments != BLANK and any(name in kept for name in written):
            job.arguments, job.result = BLANK, BLANK
            blanked += 1
    session.flush()
    return {"imports": blanked} if blanked else {}


IMPORT_TRACES = Owner(erase_documents=_of_documents, erase_person=_of_person)
