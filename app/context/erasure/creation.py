"""From what is to be forgotten to the job that does it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from sqlalchemy.orm import Session

from app.context.erasure.documents import resolve
from app.context.erasure.job import ERASE
from app.context.erasure.owners import Person
from app.context.erasure.personal import has_person
from app.context.erasure.records import ErasureRow, TargetKind, erasures_of, hash_of
from app.context.users.known import UserName
from configs.errors import NotFoundError
from configs.part import JsonObject
from configs.text import Text
from indexes.database.catalog import load_workspace
from indexes.database.engine import new_id, now
from indexes.database.tables import Job
from indexes.jobs import FINAL_STATES, create_job

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
LONGEST_REQUEST = 200


class NewErasure(BaseModel):
    """What to destroy: exactly one document, source, memory or user."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    document_id: Key | None = Field(None, description="a document with all its versions, deleted before or not")
    external_id: Annotated[Text, StringConstraints(min_length=1, max_length=500)] | None = Field(
        None, description="a source: every document that ever had this id of yours"
    )
    user_id: UserName | None = Field(None, description="a user with everything held on it; with `memory_id` only that")
    memory_id: Key | None = Field(None, description="a memory of the user `user_id`")
    request: Annotated[Text, StringConstraints(max_length=LONGEST_REQUEST)] = Field(
        "", description="your own name of the request, such as a ticket's number, for the receipt; name nobody in it"
    )

    @model_validator(mode="after")
    def _names_one_target(self) -> Self:
        named = [name for name in ("document_id", "external_id", "user_id") if getattr(self, name) is not None]
        if len(named) != 1:
            raise ValueError(f"give exactly one of document_id, external_id and user_id, got {named or 'none'}")
        if self.memory_id is not None and self.user_id is None:
            raise ValueError("`memory_id` needs the `user_id` whose memory it is")
        return self

    @property
    def kind(self) -> TargetKind:
        """Return what kind of target it is."""
        if self.memory_id is not None:
            return "memory"
        return "document" if self.document_id is not None else "source" if self.external_id is not None else "user"

    def hashed(self, workspace_id: str) -> str:
        """Return what the receipt knows the target by."""
        names = (self.document_id, self.external_id, self.user_id, self.memory_id)
        return hash_of(workspace_id, self.kind, *(name for name in names if name is not None))


def create_erasure(
    session: Session, workspace_id: str, asked: NewErasure, erasure_id: str = "", job_id: str = ""
) -> ErasureRow:
    """Save the erasure and the job that does it, in the caller's unit of work; return it.

    Asked again while it runs, it is the same one. Asked again later it looks once more, and takes over what a failed
    or cancelled one left. Raises NotFoundError for a target that is not in the workspace and never was erased there.
    """
    load_workspace(session, workspace_id)
    target = asked.hashed(workspace_id)
    earlier = erasures_of(session, workspace_id, target)
    for one in earlier:
        running = session.get(Job, one.job_id)
        if running is not None and running.state not in FINAL_STATES:
            return one
    scope = _scope(session, workspace_id, asked, is_known=bool(earlier))
    for one in earlier:  # what an unfinished one was to erase may have lost the rows that lead to it
        left = {*scope.get("document_ids", []), *one.scope.get("document_ids", [])}
        if left:
            scope = {"document_ids": sorted(left)}
        one.scope = {}
    identifier = erasure_id or new_id("erasure")
    job = create_job(session, workspace_id, ERASE, {"erasure_id": identifier}, job_id)
    row = ErasureRow(
        id=identifier, workspace_id=workspace_id, job_id=job, kind=asked.kind, target_sha256=target,
        request=asked.request, scope=scope, counts={}, requested_at=now(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def _scope(session: Session, workspace_id: str, asked: NewErasure, *, is_known: bool) -> JsonObject:
    if asked.user_id is not None:
        person = Person(workspace_id=workspace_id, user_id=asked.user_id, memory_id=asked.memory_id)
        if not is_known and not has_person(session, person):
            raise NotFoundError(asked.kind, asked.memory_id or asked.user_id)
        scope: JsonObject = {"user_id": asked.user_id}
        return scope if asked.memory_id is None else {**scope, "memory_id": asked.memory_id}
    ids = resolve(session, workspace_id, asked.document_id, asked.external_id)
    if not ids and not is_known:
        raise NotFoundError(asked.kind, str(asked.document_id or asked.external_id))
    return {"document_ids": sorted(ids)}
