"""What users let know about documents: directly, or about a source of a context by its label."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.context.saved_contexts import check_reader, load_context
from app.context.users.known import Feedback, KnownUser, Signal, groups_of, principal_of
from app.context.users.registration import user_to_write
from app.context.users.tables import FeedbackRow, UserRow
from configs.errors import NotFoundError
from configs.text import Text
from indexes.access import Principal
from indexes.database.catalog import load_document, page
from indexes.database.engine import new_id, now

_ABOUT_DOCUMENTS = (
    select(
        FeedbackRow.id, FeedbackRow.document_id, FeedbackRow.signal, FeedbackRow.rank, FeedbackRow.context_id,
        FeedbackRow.created_at,
    )
    .join(UserRow, (UserRow.workspace_id == FeedbackRow.workspace_id) & (UserRow.id == FeedbackRow.user_id))
    .where(UserRow.deleted_at.is_(None), UserRow.opted_out.is_(False), FeedbackRow.hidden_at.is_(None))
    .where(FeedbackRow.workspace_id == bindparam("workspace_id"), FeedbackRow.user_id != bindparam("besides_user_id"))
    .where(FeedbackRow.document_id.in_(bindparam("document_ids", expanding=True)))
    .where(FeedbackRow.created_at <= bindparam("moment"))
    .order_by(FeedbackRow.created_at, FeedbackRow.id)
)  # fmt: skip
"""Made once: it is asked with each question."""

Reference = Annotated[Text, StringConstraints(min_length=1, max_length=64)]


class NewFeedback(BaseModel):
    """A signal on a document, named by id, or by the label it has in a context."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    signal: Signal = Field(description="thumb_up, thumb_down, click; used and unused: whether an answer drew on it")
    document_id: Reference | None = Field(None, description="id of the document, instead of `label`")
    context_id: Reference | None = Field(None, description="the context in which the user saw it")
    label: Reference | None = Field(None, description="label of the source in that context, such as S1")
    rank: int | None = Field(
        None, ge=1, le=1_000, description="where the user saw it, from 1; default: its place among the sources"
    )

    @model_validator(mode="after")
    def _names_one_document(self) -> Self:
        if (self.document_id is None) == (self.label is None):
            raise ValueError("name the document by `document_id` or by `label`, not both")
        if self.label is not None and self.context_id is None:
            raise ValueError("`label` goes with `context_id`")
        return self


def record_feedback(
    session: Session, workspace_id: str, user_id: str, new: NewFeedback, *, at: datetime | None = None
) -> FeedbackRow:
    """Keep feedback of a user.

    Raises NotFoundError for a context, label or document that is not there; a document that the user may not read is
    not there either.
    """
    user_to_write(session, workspace_id, user_id, "feedback")
    principal = principal_of(KnownUser(user_id=user_id, groups=groups_of(session, workspace_id, user_id)))
    document_id, rank = _document_of(session, workspace_id, new, principal)
    named = NotFoundError("document", document_id) if new.label is None else _unknown_label(new)
    try:
        document = load_document(session, workspace_id, document_id)
    except NotFoundError:
        raise named from None
    if not principal.may_read(document.access):
        raise named
    row = FeedbackRow(
        id=new_id("feedback"), workspace_id=workspace_id, user_id=user_id, document_id=document_id,
        signal=new.signal, rank=rank, context_id=new.context_id, created_at=at or now(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def list_feedback(
    session: Session, workspace_id: str, user_id: str, *, limit: int, cursor: str | None
) -> tuple[list[FeedbackRow], str | None]:
    """Return a page of feedback, oldest first, and the cursor of the next page."""
    mine = (FeedbackRow.workspace_id == workspace_id, FeedbackRow.user_id == user_id, FeedbackRow.hidden_at.is_(None))
    statement = select(FeedbackRow).where(*mine)
    rows, following = page(session, statement, FeedbackRow.created_at, FeedbackRow.id, limit=limit, cursor=cursor)
    return [row[0] for row in rows], following


def workspace_feedback(
    session: Session, workspace_id: str, document_ids: Collection[str], *, as_of: datetime, besides_user_id: str
) -> tuple[Feedback, ...]:  # fmt: skip
    """Return what all users, besides one, let know about documents by a moment, oldest first; deleted users and those
    who opted out have no say.
    """
    found = session.connection().execute(
        _ABOUT_DOCUMENTS,
        {
            "workspace_id": workspace_id,
            "document_ids": list(document_ids),
            "moment": as_of,
            "besides_user_id": besides_user_id,
        },
    )
    return tuple(Feedback(**one) for one in found.mappings())


def _document_of(session: Session, workspace_id: str, new: NewFeedback, principal: Principal) -> tuple[str, int | None]:
    """Return the document that is meant, and where it stood; another user's context is not there."""
    if new.context_id is None:
        return str(new.document_id), new.rank
    context = load_context(session, workspace_id, new.context_id)
    check_reader(context, principal)
    sources = context.receipt["sources"]
    for place, source in enumerate(sources, start=1):
        if source["label"] == new.label or (new.label is None and source["document_id"] == new.document_id):
            return str(source["document_id"]), new.rank or place
    if new.label is not None:
        raise _unknown_label(new)
    return str(new.document_id), new.rank


def _unknown_label(new: NewFeedback) -> NotFoundError:
    hint = "GET …/contexts/{context_id} lists the labels of a context under `citations`"
    return NotFoundError("source", f"{new.label} of context {new.context_id}", hint=hint)
