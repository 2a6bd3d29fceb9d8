"""Questions whose answers are marked as spans of documents, and the sets a workspace keeps of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column, undefer

from app.evaluation.version_span import VersionSpan
from configs.errors import ConflictError, InvalidInputError, NotFoundError
from configs.part import fingerprint_of
from configs.span import Span
from configs.text import Text
from indexes.access import Principal
from indexes.database.catalog import load_document, load_version, page
from indexes.database.engine import Base, Json, UtcDateTime, now
from indexes.database.tables import Identifier, Version

POSITIONS_SHOWN = 10
LAST_OFFSET = 2**31 - 1

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
Tag = Annotated[Text, StringConstraints(min_length=1, max_length=100)]
QuestionText = Annotated[Text, StringConstraints(min_length=1, max_length=10_000, pattern=r"\S")]


class NewEvidence(BaseModel):
    """Where an answer stands, as it is sent: a span of a document's text, or a quote that occurs in it exactly once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    document_id: Key
    start: int | None = Field(None, ge=0, le=LAST_OFFSET, description="first code point of the answer")
    end: int | None = Field(None, ge=1, le=LAST_OFFSET, description="code point after the answer's last one")
    quote: Annotated[Text, StringConstraints(min_length=1, max_length=10_000)] | None = Field(
        None, description="the answer as it stands in the text, character by character; instead of `start` and `end`"
    )

    @model_validator(mode="after")
    def _marks_one_place(self) -> Self:
        offsets = [offset for offset in (self.start, self.end) if offset is not None]
        if len(offsets) != (2 if self.quote is None else 0):
            raise ValueError("give either `start` and `end`, or `quote`")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError(f"`start` must be less than `end`, got [{self.start}, {self.end})")
        return self


class NewQuestion(BaseModel):
    """A question as it is sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Key | None = Field(None, description="unique in its set; chosen by position if left out")
    question: QuestionText = Field(description="in the words of those who ask")
    evidence: tuple[NewEvidence, ...] = Field((), max_length=50, description="all places that make up the answer")
    tags: tuple[Tag, ...] = Field((), max_length=20, description="to tell kinds of questions apart")


class Evidence(BaseModel):
    """A span of the version that answered when it was marked."""

    model_config = ConfigDict(frozen=True)

    document_id: str
    version_id: str
    start: int
    end: int

    @property
    def place(self) -> VersionSpan:
        """Return the span with its version."""
        return VersionSpan(self.version_id, Span(self.start, self.end))


class Question(BaseModel):
    """A question with its evidence located."""

    model_config = ConfigDict(frozen=True)

    id: str
    question: str
    evidence: tuple[Evidence, ...]
    tags: tuple[str, ...]


class QuestionSetRow(Base):
    """A named set of questions; it never changes. `questions` holds `Question` as JSON, never document text."""

    __tablename__ = "question_sets"

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(Identifier, primary_key=True)
    content_hash: Mapped[str] = mapped_column(String(20))
    question_count: Mapped[int]
    questions: Mapped[list[dict[str, Any]]] = mapped_column(Json, deferred=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    def parsed(self) -> list[Question]:
        """Return the questions as values."""
        return [Question.model_validate(question) for question in self.questions]


def locate_questions(
    session: Session, workspace_id: str, questions: Sequence[NewQuestion], principal: Principal | None = None
) -> list[Question]:
    """Return the questions with ids, and their evidence as spans of the versions that answer at present.

    With a `principal`, documents it may not read do not exist. Raises InvalidInputError (`duplicate_question_ids`,
    `span_outside_document`, `quote_not_found`, `quote_ambiguous`), NotFoundError, and ConflictError
    `document_not_ready` where no version answers yet.
    """
    identifiers = _identifiers(questions)
    versions: dict[str, Version] = {}
    located = []
    for identifier, question in zip(identifiers, questions, strict=True):
        evidence = []
        for one in question.evidence:
            if one.document_id not in versions:
                versions[one.document_id] = _answering_version(session, workspace_id, one.document_id, principal)
            evidence.append(_locate(identifier, one, versions[one.document_id]))
        located.append(
            Question(id=identifier, question=question.question, evidence=tuple(evidence), tags=question.tags)
        )
    return located


def save_question_set(
    session: Session, workspace_id: str, name: str, questions: Sequence[NewQuestion]
) -> tuple[QuestionSetRow, bool]:
    """Save the questions under `name`; return the set and whether it is new.

    What equals the set of that name already is that set; other content under a taken name raises ConflictError
    `question_set_exists`. Other errors are those of `locate_questions`.
    """
    content = [question.model_dump(mode="json") for question in locate_questions(session, workspace_id, questions)]
    content_hash = fingerprint_of(content)
    known = session.get(QuestionSetRow, (workspace_id, name))
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


def _identifiers(questions: Sequence[NewQuestion]) -> list[str]:
    given = [question.id for question in questions if question.id is not None]
    repeated = [identifier for identifier, count in Counter(given).items() if count > 1]
    if repeated:
        raise InvalidInputError(
            f"several questions have the id {repeated[0]!r}",
            hint="give each question of the set its own id, or leave the ids out",
            code="duplicate_question_ids",
            ids=repeated[:POSITIONS_SHOWN],
        )
    taken = set(given)
    identifiers = []
    for position, question in enumerate(questions, start=1):
        identifier = question.id or f"q{position}"
        while question.id is None and identifier in taken:
            identifier += "-"
        identifiers.append(identifier)
    return identifiers


def _answering_version(session: Session, workspace_id: str, document_id: str, principal: Principal | None) -> Version:
    document = load_document(session, workspace_id, document_id)
    if principal is not None and not principal.may_read(document.access):
        raise NotFoundError("document", document_id)
    if document.ready_version_id is None:
        raise ConflictError(
            f"no version of document {document_id!r} answers yet",
            hint="wait until its state is `ready`, then mark answers in it",
            code="document_not_ready",
        )
    return load_version(session, workspace_id, document.ready_version_id, with_text=True)


def _locate(identifier: str, evidence: NewEvidence, version: Version) -> Evidence:
    text = version.text or ""
    where = f"question {identifier!r}, document {evidence.document_id!r}"
    if evidence.start is not None and evidence.end is not None:
        start, end = evidence.start, evidence.end
        if end > len(text):
            raise InvalidInputError(
                f"{where}: the span [{start}, {end}) ends after the text's {len(text)} characters",
                hint="take offsets from GET …/documents/{document_id}/text, or send a quote",
                code="span_outside_document",
                characters=len(text),
            )
    else:
        quote = evidence.quote or ""
        start = _only_occurrence(where, quote, text)
        end = start + len(quote)
    return Evidence(document_id=evidence.document_id, version_id=version.id, start=start, end=end)


def _only_occurrence(where: str, quote: str, text: str) -> int:
    matches, first, position = 0, [], text.find(quote)
    while position >= 0:
        matches += 1
        if matches <= POSITIONS_SHOWN:
            first.append(position)
        position = text.find(quote, position + 1)
    if matches == 1:
        return first[0]
    shown = quote if len(quote) <= 100 else f"{quote[:100]}…"
    raise InvalidInputError(
        f"{where}: the quote {shown!r} occurs {matches} times"
        + (f", at {', '.join(map(str, first))}" + ("" if matches <= POSITIONS_SHOWN else ", …") if first else ""),
        hint="quote more of the text, or send `start` and `end`"
        if matches
        else "copy it from GET …/documents/{document_id}/text; upper case, spaces and line breaks count",
        code="quote_ambiguous" if matches else "quote_not_found",
        matches=matches,
        positions=first,
    )
