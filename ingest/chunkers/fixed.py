"""Chunks of a fixed number of tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from configs.part import BAKE_TIME
from configs.span import Span
from ingest.chunkers import Chunker
from ingest.cutting import is_blank, token_boundary
from ingest.document import ChunkingTools, ParsedDocument, Piece


class Fixed(Chunker):
    """Every chunk has the same number of tokens, wherever that cuts; neighbours may overlap.

    N tokens give 1 + ceil(max(0, N - size) / (size - overlap)) chunks, and neighbours share exactly `overlap_tokens`.
    Characters that yield no token stay with the token before them. (Where several tokens stand for one character, as in
    byte-level tokenizers, a cut moves to the nearest character.)
    """

    kind: Literal["fixed"]
    size_tokens: int = Field(
        200, ge=16, le=8192, description="largest chunk, in tokens of `tokenizer`", json_schema_extra=BAKE_TIME
    )
    overlap_tokens: int = Field(
        0,
        ge=0,
        le=8191,
        description="tokens that neighbouring chunks share; smaller than `size_tokens`",
        json_schema_extra=BAKE_TIME,
    )

    @model_validator(mode="after")
    def _overlap_is_smaller(self) -> Self:
        if self.overlap_tokens >= self.size_tokens:
            raise ValueError(
                f"overlap_tokens ({self.overlap_tokens}) must be smaller than size_tokens ({self.size_tokens})"
            )
        return self

    @property
    def usual_tokens(self) -> float:
        """Return the size, which every piece but the last has."""
        return self.size_tokens

    @property
    def repetition(self) -> float:
        """Return by how much the overlap lengthens the text."""
        return self.size_tokens / (self.size_tokens - self.overlap_tokens)

    def split(self, document: ParsedDocument, tools: ChunkingTools) -> Iterator[Piece]:
        """Yield the pieces of `document` in order."""
        text, tokens = document.text, tools.tokens(document.text)
        count = len(tokens.starts)
        first, start = 0, 0
        while True:
            following, end = count, len(text)
            if first + self.size_tokens < count:
                following = token_boundary(tokens, first + self.size_tokens, least=first + 1)
                end = tokens.starts[following]
            if not is_blank(text, Span(start, end)):
                yield Piece(span=Span(start, end))
            if following == count:
                return
            first = max(first + 1, following - self.overlap_tokens)
            while tokens.starts[first] < tokens.ends[first - 1]:
                first += 1
            start = tokens.starts[first]
