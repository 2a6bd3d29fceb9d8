"""Single sentences that stand for the sentences around them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from configs.part import BAKE_TIME
from configs.span import Span
from ingest.chunkers import USUAL_SENTENCE_TOKENS, Chunker, Parents
from ingest.cutting import Cutting
from ingest.document import ChunkingTools, ParsedDocument, Piece
from ingest.sentences import sentence_spans


class SentenceWindow(Chunker):
    """Index single sentences, send each with its neighbours: a precise search with enough around the find to be read.

    Pays for short factual answers in running text. Costs as many vectors as there are sentences, five to ten times
    those of `recursive`, and needs `"expansion": {"kind": "parent"}` in the retrieval setup, which puts the window in
    the sentence's place. A sentence over `size_tokens` (a table, a line of code) is cut as `recursive` does.
    """

    parents: ClassVar[Parents] = "own"
    revision: ClassVar[int] = 2

    kind: Literal["sentence_window"]
    window_sentences: int = Field(
        2,
        ge=1,
        le=20,
        description="sentences that go with a found one, on either side",
        json_schema_extra=BAKE_TIME,
    )
    size_tokens: int = Field(
        128,
        ge=16,
        le=8192,
        description="largest sentence, in tokens of `tokenizer`; a longer one is cut",
        json_schema_extra=BAKE_TIME,
    )

    @property
    def usual_tokens(self) -> float:
        """Return the tokens of a sentence, as far as the size allows."""
        return min(self.size_tokens, USUAL_SENTENCE_TOKENS)

    def split(self, document: ParsedDocument, tools: ChunkingTools) -> Iterator[Piece]:
        """Yield the sentences of `document` in order, each with its window as parent."""
        cutting = Cutting(document.text, tools.tokens(document.text), self.size_tokens)
        spans = [span for sentence in sentence_spans(document.text) for span in cutting.cut(sentence)]
        for number, span in enumerate(spans):
            first = spans[max(0, number - self.window_sentences)]
            last = spans[min(len(spans) - 1, number + self.window_sentences)]
            yield Piece(span=span, parent=Span(first.start, last.end))
