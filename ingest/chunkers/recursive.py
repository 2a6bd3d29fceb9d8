"""Chunks cut at the coarsest separator that fits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from configs.part import BAKE_TIME
from configs.span import Span
from configs.text import Text
from ingest.chunkers import Chunker
from ingest.cutting import SEPARATORS, Cutting
from ingest.document import ChunkingTools, ParsedDocument, Piece

Separator = Annotated[Text, Field(min_length=1, max_length=20)]


class Recursive(Chunker):
    """Split at the coarsest separator that fits, then merge neighbours greedily up to the size.

    Chunks do not overlap. A paragraph that is too large is split into lines, then sentences, clauses, words and, last,
    between tokens.
    """

    kind: Literal["recursive"]
    size_tokens: int = Field(
        200, ge=16, le=8192, description="largest chunk, in tokens of `tokenizer`", json_schema_extra=BAKE_TIME
    )
    separators: tuple[Separator, ...] = Field(
        SEPARATORS,
        max_length=20,
        description="where to split, from coarse to fine; the separator stays with the text before it",
        json_schema_extra=BAKE_TIME,
    )

    def split(self, document: ParsedDocument, tools: ChunkingTools) -> Iterator[Piece]:
        """Yield the pieces of `document` in order."""
        cutting = Cutting(document.text, tools.tokens(document.text), self.size_tokens, self.separators)
        for span in cutting.cut(Span(0, len(document.text))):
            yield Piece(span=span)
