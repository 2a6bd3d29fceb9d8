"""Chunks that hold together best: neighbouring pieces grouped by a dynamic programme over their similarity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from configs.part import BAKE_TIME
from configs.span import Span
from ingest.chunkers import Chunker
from ingest.cutting import Cutting
from ingest.document import ChunkingTools, ParsedDocument, Piece, Tokens
from ingest.embedders import Embedder
from ingest.embedders.sentence_transformer import SentenceTransformer
from ingest.segmentation import best_segmentation


class ClusterSemantic(Chunker):
    """Group neighbouring pieces into the chunks that hold together best (Smith and Troynikov, Chroma 2024).

    The text is cut into pieces of about `piece_tokens`; of all ways to join neighbours into chunks of at most
    `size_tokens`, the one is taken in which the pieces of a chunk are most alike, measured against the document's mean
    similarity. A comparator: published gains over `recursive` are small. Costs a second pass of the embedder over the
    whole text.
    """

    kind: Literal["cluster_semantic"]
    embedder: Embedder = Field(
        SentenceTransformer(kind="sentence_transformer"),
        description="what measures how alike pieces are; need not be the embedder of the index",
        json_schema_extra=BAKE_TIME,
    )
    piece_tokens: int = Field(
        50,
        ge=8,
        le=1024,
        description="largest piece that is embedded on its own; at most half of `size_tokens`",
        json_schema_extra=BAKE_TIME,
    )
    size_tokens: int = Field(
        400, ge=16, le=8192, description="largest chunk, in tokens of `tokenizer`", json_schema_extra=BAKE_TIME
    )

    @model_validator(mode="after")
    def _pieces_can_be_joined(self) -> Self:
        if 2 * self.piece_tokens > self.size_tokens:
            raise ValueError(
                f"piece_tokens {self.piece_tokens} is more than half of size_tokens {self.size_tokens}: "
                "no two pieces could be joined"
            )
        return self

    def resolved(self) -> Self:
        """Return the chunker with its embedder resolved; raises what that and `Chunker.resolved` raise."""
        return super().resolved().model_copy(update={"embedder": self.embedder.resolved()})

    @property
    def encoded_per_token(self) -> float:
        """Return 1: each piece is encoded once."""
        return 1.0

    def split(self, document: ParsedDocument, tools: ChunkingTools) -> Iterator[Piece]:
        """Yield the pieces of `document` in order."""
        text, tokens = document.text, tools.tokens(document.text)
        pieces = Cutting(text, tokens, self.piece_tokens).cut(Span(0, len(text)))
        if not pieces:
            return
        vectors = tools.vectors(self.embedder, [text[piece.start : piece.end] for piece in pieces])
        start = 0
        for end in best_segmentation(vectors, self._earliest(pieces, tokens)):
            yield Piece(span=Span(pieces[start].start, pieces[end - 1].end))
            start = end

    def _earliest(self, pieces: Sequence[Span], tokens: Tokens) -> list[int]:
        """Return for each piece the first one that a chunk ending with it may begin with."""
        earliest: list[int] = []
        first = 0
        for number, piece in enumerate(pieces):
            while first < number and tokens.count(pieces[first].start, piece.end) > self.size_tokens:
                first += 1
            earliest.append(first)
        return earliest
