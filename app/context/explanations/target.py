"""What an explanation is about: a span, a quote or a whole document, as it is sent."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from configs.text import Text

LAST_OFFSET = 2**31 - 1
LONGEST_QUOTE = 10_000

DocumentName = Annotated[Text, StringConstraints(min_length=1, max_length=500)]


class Target(BaseModel):
    """The text that is looked for: a span of a document, a quote that occurs exactly once, or a whole document."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    document_id: DocumentName | None = Field(None, description="id of the document")
    external_id: DocumentName | None = Field(None, description="your own id of the document, instead of `document_id`")
    start: int | None = Field(
        None,
        ge=0,
        le=LAST_OFFSET,
        description="first code point, in the version that the context was made from, else in the one that answers now",
    )
    end: int | None = Field(None, ge=1, le=LAST_OFFSET, description="code point after the last one")
    quote: Annotated[Text, StringConstraints(min_length=1, max_length=LONGEST_QUOTE, pattern=r"\S")] | None = Field(
        None, description="text as it stands in a document, character by character; in the named one, else in any"
    )

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if self.document_id is not None and self.external_id is not None:
            raise ValueError("give either `document_id` or `external_id`")
        if (self.start is None) != (self.end is None):
            raise ValueError("`start` and `end` go together")
        if self.start is not None and self.quote is not None:
            raise ValueError("give either a span or a `quote`, not both")
        if self.name is None and self.quote is None:
            raise ValueError("give a `quote`, or a document by `document_id` or `external_id`")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError(f"`start` must be less than `end`, got [{self.start}, {self.end})")
        return self

    @property
    def name(self) -> str | None:
        """Return what the target calls its document."""
        return self.document_id if self.document_id is not None else self.external_id
