"""Chunks whose vectors know the text around them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from configs.part import BAKE_TIME
from configs.span import Span
from ingest.chunkers import Chunker
from ingest.cutting import Cutting
from ingest.document import ChunkingTools, ParsedDocument, Piece


class Late(Chunker):
    """Late chunking (Günther et al. 2024): the model reads a chunk with what is around it, then averages its tokens.

    The chunks are those of `recursive`; their vectors are the mean of their tokens' vectors in a window of the model's
    size, which begins up to a quarter of the window before the chunk. "The city" in one chunk so knows of the "Berlin"
    in the one before. Pays in long documents with many back references, little in short ones. Costs up to twice the
    encoding of `recursive`, and an embedding model that averages its tokens: others are refused. With `context_prefix`
    the title opens each window; headings are part of the text anyway.
    """

    pools_tokens: ClassVar[bool] = True

    kind: Literal["late"]
    size_tokens: int = Field(
        100,
        ge=16,
        le=8192,
        description="largest chunk, in tokens of `tokenizer`; small ones gain most from the text around them",
        json_schema_extra=BAKE_TIME,
    )

    def split(self, document: ParsedDocument, tools: ChunkingTools) -> Iterator[Piece]:
        """Yield the pieces of `document` in order."""
        cutting = Cutting(document.text, tools.tokens(document.text), self.size_tokens)
        for span in cutting.cut(Span(0, len(document.text))):
            yield Piece(span=span)
