"""Small chunks that are searched, and the large ones they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from configs.part import BAKE_TIME
from configs.span import Span
from ingest.chunkers import Chunker, Parents
from ingest.cutting import Cutting
from ingest.document import ChunkingTools, ParsedDocument, Piece


class ParentChild(Chunker):
    """Search small chunks, send the large one around them: found by a detail, read in context.

    The text is cut as `recursive` does, first into parents, then each parent into children. Children alone are indexed.
    The retrieval setup says what takes their place: `"expansion": {"kind": "parent"}` always sends the parent,
    `auto_merge` only where more than a share of its children were found. Pays where answers need a section and
    questions name a detail. Costs the vectors of the small chunks, and fewer different sources in the same budget.
    """

    parents: ClassVar[Parents] = "shared"

    kind: Literal["parent_child"]
    child_tokens: int = Field(
        100,
        ge=16,
        le=4096,
        description="largest child, in tokens of `tokenizer`: what is searched",
        json_schema_extra=BAKE_TIME,
    )
    parent_tokens: int = Field(
        600,
        ge=32,
        le=8192,
        description="largest parent, in tokens of `tokenizer`: what is sent; more than `child_tokens`",
        json_schema_extra=BAKE_TIME,
    )

    @model_validator(mode="after")
    def _children_are_smaller(self) -> Self:
        if self.child_tokens >= self.parent_tokens:
            raise ValueError(
                f"child_tokens {self.child_tokens} must be less than parent_tokens {self.parent_tokens}: "
                "a parent is what its children are cut from"
            )
        return self

    @property
    def size_limit_tokens(self) -> int | None:
        """Return the largest child."""
        return self.child_tokens

    def split(self, document: ParsedDocument, tools: ChunkingTools) -> Iterator[Piece]:
        """Yield the children in order, each with its parent."""
        text, tokens = document.text, tools.tokens(document.text)
        children = Cutting(text, tokens, self.child_tokens)
        for parent in Cutting(text, tokens, self.parent_tokens).cut(Span(0, len(text))):
            for span in children.cut(parent):
                yield Piece(span=span, parent=parent)
