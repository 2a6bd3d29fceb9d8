"""Questions whose answers are marked in documents: as they are sent, and as they are kept."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.context.users.known import UserName
from app.context.users.moments import Moment
from app.evaluation.version_span import VersionSpan
from configs.part import JsonObject
from configs.span import Span
from configs.text import Text

LAST_OFFSET = 2**31 - 1
LONGEST_QUOTE = 10_000
MOST_LABELS = 1_000

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
Tag = Annotated[Text, StringConstraints(min_length=1, max_length=100)]
QuestionText = Annotated[Text, StringConstraints(min_length=1, max_length=10_000, pattern=r"\S")]
ExternalId = Annotated[Text, StringConstraints(min_length=1, max_length=500)]
Grade = Annotated[int, Field(ge=1, le=3)]
Origin = Literal["sampled", "active", "pseudo"]
LabelSource = Literal["judgement", "click"]

GRADE = "how well it answers: 1 somewhat, 3 fully"
CLUSTER = "questions of one cluster are not independent: they come from one person, ticket or passage"
ORIGIN = (
    "`sampled`: as users ask; `active`: chosen because strategies differ on it; `pseudo`: made from the documents. "
    "Only sampled ones enter verdicts"
)
UNANSWERABLE = "the documents hold no answer; it measures abstention only"
PINNED = "must pass: reports name every strategy that misses its evidence"
USER_ID = "who asks: experiments answer with what was known of this user, and with this user's rights"
ASKED_AT = "when the user asked: nothing learnt of the user later enters; default: when the experiment is created"
LABEL_SOURCE = (
    "where the label comes from; `click` is refused: what users click depends on what was shown to them and where, so "
    "that clicks would prefer the strategy they were made with"
)


class NewEvidence(BaseModel):
    """Where an answer stands, as it is sent: a span of a document's text, a quote that occurs in it exactly once, or
    the whole document. A quote beside a span is what the text there must be.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    document_id: Key | None = Field(None, description="id of the document")
    external_id: ExternalId | None = Field(None, description="your own id of the document, instead of `document_id`")
    start: int | None = Field(None, ge=0, le=LAST_OFFSET, description="first code point of the answer")
    end: int | None = Field(None, ge=1, le=LAST_OFFSET, description="code point after the answer's last one")
    quote: Annotated[Text, StringConstraints(min_length=1, max_length=LONGEST_QUOTE)] | None = Field(
        None,
        description="the answer as it stands in the text, character by character; without it and without `start` and "
        "`end` the whole document is marked",
    )
    grade: Grade = Field(1, description=GRADE)
    source: LabelSource = Field("judgement", description=LABEL_SOURCE)

    @model_validator(mode="after")
    def _marks_one_place(self) -> Self:
        if (self.document_id is None) == (self.external_id is None):
            raise ValueError("give either `document_id` or `external_id`")
        if (self.start is None) != (self.end is None):
            raise ValueError("`start` and `end` go together")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError(f"`start` must be less than `end`, got [{self.start}, {self.end})")
        return self

    @property
    def is_whole_document(self) -> bool:
        """Tell whether no span is marked."""
        return self.start is None and self.quote is None


class NewQuestion(BaseModel):
    """A question as it is sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Key | None = Field(None, description="unique in its set; chosen by position if left out")
    question: QuestionText = Field(description="in the words of those who ask")
    evidence: tuple[NewEvidence, ...] = Field(
        (), max_length=MOST_LABELS, description="all places that make up the answer"
    )
    tags: tuple[Tag, ...] = Field((), max_length=20, description="to tell kinds of questions apart")
    cluster: Tag | None = Field(None, description=CLUSTER)
    origin: Origin = Field("sampled", description=ORIGIN)
    unanswerable: bool = Field(False, description=UNANSWERABLE)
    pinned: bool = Field(False, description=PINNED)
    user_id: UserName | None = Field(None, description=USER_ID)
    asked_at: Moment | None = Field(None, description=ASKED_AT)

    @model_validator(mode="after")
    def _is_answerable_where_answered(self) -> Self:
        if self.unanswerable and self.evidence:
            raise ValueError("an unanswerable question has no evidence")
        if self.asked_at is not None and self.user_id is None:
            raise ValueError("`asked_at` goes with `user_id`")
        return self


class Evidence(BaseModel):
    """A marked answer: a span of the version that answered when it was marked, or a whole document (then version,
    start and end are null).
    """

    model_config = ConfigDict(frozen=True)

    document_id: str
    version_id: str | None = None
    start: int | None = None
    end: int | None = None
    grade: int = Field(1, description=GRADE)

    @model_validator(mode="after")
    def _is_a_span_or_none(self) -> Self:
        if len({self.version_id is None, self.start is None, self.end is None}) > 1:
            raise ValueError("version, start and end are all there, or none is")
        return self

    @property
    def place(self) -> VersionSpan | None:
        """Return the span with its version, None for a whole document."""
        if self.version_id is None or self.start is None or self.end is None:
            return None
        return VersionSpan(self.version_id, Span(self.start, self.end))


class Question(BaseModel):
    """A question with its evidence located."""

    model_config = ConfigDict(frozen=True)

    id: str
    question: str
    evidence: tuple[Evidence, ...]
    tags: tuple[str, ...]
    cluster: str | None = Field(None, description=CLUSTER)
    origin: Origin = Field("sampled", description=ORIGIN)
    unanswerable: bool = Field(False, description=UNANSWERABLE)
    pinned: bool = Field(False, description=PINNED)
    user_id: str | None = Field(None, description=USER_ID)
    asked_at: Moment | None = Field(None, description=ASKED_AT)

    @property
    def places(self) -> list[VersionSpan]:
        """Return the marked spans, without whole documents."""
        return [evidence.place for evidence in self.evidence if evidence.place is not None]

    def stored(self) -> JsonObject:
        """Return the question as it is kept and hashed; what equals its default is left out, so that the hash of a set
        saved before a field existed stays what it was.
        """
        return self.model_dump(mode="json", exclude_defaults=True)
