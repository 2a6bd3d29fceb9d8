"""The question sets a workspace keeps: named, immutable, and known by a hash of their content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column, undefer

from app.evaluation.labels import locate_questions
from app.evaluation.questions import NewQuestion, Origin, Question
from configs.errors import ConflictError, NotFoundError
from configs.part import fingerprint_of
from indexes.database.catalog import page
from indexes.database.engine import Base, Json, UtcDateTime, now
from indexes.database.tables import Identifier

MOST_QUESTIONS = 5_000


class QuestionSetRow(Base):
    """A named set of questions; it never changes. `questions` holds `Question` as JSON, never document text."""

    __tablename__ = "question_sets"
    audited: ClassVar = ("name", "content_hash", "question_count", "pinned_count")

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(Identifier, primary_key=True)
    content_hash: Mapped[str] = mapped_column(String(20))
    question_count: Mapped[int]
    questions: Mapped[list[dict[str, Any]]] = mapped_column(Json, deferred=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    @property
    def pinned_count(self) -> int:
        """Return how many questions must pass."""
        return sum(bool(question.get("pinned")) for question in self.questions)

    def parsed(self) -> list[Question]:
        """Return the questions as values."""
        return [Question.model_validate(question) for question in self.questions]


class LabelCounts(BaseModel):
    """What is marked in a set."""

    model_config = ConfigDict(frozen=True)

    spans: int = Field(description="labels that mark a span")
    documents: int = Field(description="labels that mark a whole document")
    unlabelled: int = Field(description="questions without labels: they can be compared, but not scored")
    unanswerable: int = Field(description="questions that the documents hold no answer to")
    pinned: int = Field(description="questions that must pass")
    origins: dict[Origin, int] = Field(description="questions by where they come from")
    clusters: int = Field(description="clusters that are named")
    users: int = Field(0, description="users who ask; 0 where no question names one")


def label_counts(questions: Sequence[Question]) -> LabelCounts:
    """Return what is marked in the questions."""
    spans = sum(len(question.places) for question in questions)
    return LabelCounts(
        spans=spans,
        documents=sum(len(question.evidence) for question in questions) - spans,
        unlabelled=sum(not question.evidence and not question.unanswerable for question in questions),
        unanswerable=sum(question.unanswerable for question in questions),
        pinned=sum(question.pinned for question in questions),
        origins=Counter(question.origin for question in questions),
        clusters=len({question.cluster for question in questions} - {None}),
        users=len({question.user_id for question in questions} - {None}),
    )


def save_question_set(
    session: Session, workspace_id: str, name: str, questions: Sequence[NewQuestion]
) -> tuple[QuestionSetRow, bool]:
    """Locate the questions and save them under `name`; return the set and whether it is new.

    Raises what `locate_questions` and `save_located` raise.
    """
    return save_located(session, workspace_id, name, locate_questions(session, workspace_id, questions))


def save_located(
    session: Session, workspace_id: str, name: str, questions: Sequence[Question]
) -> tuple[QuestionSetRow, bool]:
    """Save located questions under `name`; return the set and whether it is new.

    What equals the set of that name already is that set; other content under a taken name raises ConflictError
    `question_set_exists`.
    """
    content = [question.stored() for question in questions]
    content_hash = fingerprint_of(content)
    known = session.get(QuestionSetRow, (workspace_id, name), options=[undefer(QuestionSetRow.questions)])
    if known is not None and known.content_hash != content_hash:
        raise ConflictError(
            f"there is a question set {name!r} with other content (hash {known.content_hash})",
            hint="a set never changes: take another name, or delete the old one first",
            code="question_set_exists",
        )
    if known is not None:
        return known, False
    row = QuestionSetRow(
        workspace_id=workspace_id, name=name, content_hash=content_hash, question_count=len(content),
        questions=content, created_at=now(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row, True


def load_question_set(session: Session, workspace_id: str, name: str) -> QuestionSetRow:
    """Return the set with its questions, or raise NotFoundError."""
    options = [undefer(QuestionSetRow.questions)]
    row = session.get(QuestionSetRow, (workspace_id, name), options=options)
    if row is None:
        raise NotFoundError("question set", name, hint="list them with GET …/question-sets, or save it with POST")
    return row


def list_question_sets(
    session: Session, workspace_id: str, *, limit: int, cursor: str | None
) -> tuple[list[QuestionSetRow], str | None]:
    """Return a page of sets without their questions, oldest first, and the cursor of the next page."""
    statement = select(QuestionSetRow).where(QuestionSetRow.workspace_id == workspace_id)
    moment, name = QuestionSetRow.created_at, QuestionSetRow.name
    rows, following = page(session, statement, moment, name, limit=limit, cursor=cursor)
    return [row[0] for row in rows], following


def delete_question_set(session: Session, workspace_id: str, name: str) -> None:
    """Delete the set; deleting what does not exist changes nothing."""
    matches = (QuestionSetRow.workspace_id == workspace_id, QuestionSetRow.name == name)
    session.execute(delete(QuestionSetRow).where(*matches))
