"""Chunks cut where the meaning of neighbouring sentences changes most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from configs.part import BAKE_TIME
from configs.span import Span
from ingest.chunkers import Chunker
from ingest.cutting import Cutting
from ingest.document import ChunkingTools, ParsedDocument, Piece
from ingest.embedders import Embedder
from ingest.embedders.sentence_transformer import SentenceTransformer
from ingest.sentences import sentence_spans

DISTANCE_DECIMALS = 6
"""Distances are levelled to so many decimals, so that the order of floating-point sums moves no cut."""


class Semantic(Chunker):
    """Cut where neighbouring sentences differ most in meaning (the percentile method of G. Kamradt).

    Each sentence is embedded with its neighbours; where the distance to the next is above the percentile of all
    distances in the document, a chunk ends. Chunks over `size_tokens` are cut as `recursive` does. A comparator:
    published comparisons find no gain over `recursive` that is worth its cost, which is a second pass of the embedder
    over every sentence with its neighbours. The share of cuts is fixed by the percentile, whatever the text.
    """

    revision: ClassVar[int] = 2

    kind: Literal["semantic"]
    embedder: Embedder = Field(
        SentenceTransformer(kind="sentence_transformer"),
        description="what measures the distance of sentences; need not be the embedder of the index",
        json_schema_extra=BAKE_TIME,
    )
    percentile: float = Field(
        95.0,
        ge=50.0,
        lt=100.0,
        description="a chunk ends where the distance is above this percentile of the document's distances",
        json_schema_extra=BAKE_TIME,
    )
    buffer_sentences: int = Field(
        1, ge=0, le=5, description="neighbours on either side embedded with a sentence", json_schema_extra=BAKE_TIME
    )
    size_tokens: int = Field(
        400, ge=16, le=8192, description="largest chunk, in tokens of `tokenizer`", json_schema_extra=BAKE_TIME
    )

    def resolved(self) -> Self:
        """Return the chunker with its embedder resolved; raises what that and `Chunker.resolved` raise."""
        return super().resolved().model_copy(update={"embedder": self.embedder.resolved()})

    @property
    def encoded_per_token(self) -> float:
        """Return how many windows a sentence is in."""
        return 2.0 * self.buffer_sentences + 1.0

    def split(self, document: ParsedDocument, tools: ChunkingTools) -> Iterator[Piece]:
        """Yield the pieces of `document` in order."""
        text = document.text
        sentences = list(sentence_spans(text))
        if not sentences:
            return
        cutting = Cutting(text, tools.tokens(text), self.size_tokens)
        vectors = tools.vectors(self.embedder, self._windows(text, sentences))
        start = 0
        for number in [*breaks(vectors, self.percentile), len(sentences)]:
            for span in cutting.cut(Span(sentences[start].start, sentences[number - 1].end)):
                yield Piece(span=span)
            start = number

    def _windows(self, text: str, sentences: Sequence[Span]) -> list[str]:
        last = len(sentences) - 1
        around = self.buffer_sentences
        return [
            text[sentences[max(0, number - around)].start : sentences[min(last, number + around)].end]
            for number in range(len(sentences))
        ]


def breaks(vectors: npt.NDArray[np.float32], percentile: float) -> list[int]:
    """Return before which rows of float32 [sentences, dimensions] (unit length) a chunk begins, ascending."""
    if len(vectors) < 2:
        return []
    wide = vectors.astype(np.float64)
    distances = np.round(1.0 - np.einsum("ij,ij->i", wide[:-1], wide[1:]), DISTANCE_DECIMALS)
    above: list[int] = np.flatnonzero(distances > np.percentile(distances, percentile)).tolist()
    return [number + 1 for number in above]
