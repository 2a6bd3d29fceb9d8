"""Chunks of whole sentences."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from configs.part import BAKE_TIME
from configs.span import Span, union
from ingest.chunkers import USUAL_SENTENCE_TOKENS, Chunker
from ingest.cutting import Cutting, is_blank, next_character
from ingest.document import Block, ChunkingTools, ParsedDocument, Piece, Tokens
from ingest.sentences import sentence_starts


class Sentence(Chunker):
    """Pack whole sentences, one after the other, while they fit; neighbours may share sentences.

    Takes up to twice as long as `recursive`, and pays for prose: no chunk begins or ends in the middle of a sentence.
    Abbreviations (Dr., Gen., e.g.), decimals, days (3. Oktober) and the numbers of list items end no sentence; a list
    item is one, a heading belongs to the sentence below it, and a table, fenced code or record stays whole where it
    fits. What has no sentence ends, or a sentence that is too long, is cut as `recursive` does and shares nothing with
    its neighbours.
    """

    revision: ClassVar[int] = 2

    kind: Literal["sentence"]
    size_tokens: int = Field(
        200, ge=16, le=8192, description="largest chunk, in tokens of `tokenizer`", json_schema_extra=BAKE_TIME
    )
    overlap_sentences: int = Field(
        0,
        ge=0,
        le=10,
        description="sentences at the end of a chunk that the next one repeats, as many as leave room for a new one",
        json_schema_extra=BAKE_TIME,
    )

    @property
    def repetition(self) -> float:
        """Return by how much the shared sentences lengthen the text; a chunk has at least one new one."""
        shared = min(self.overlap_sentences * USUAL_SENTENCE_TOKENS, self.size_tokens / 1.3 - USUAL_SENTENCE_TOKENS)
        return 1.0 / (1.0 - max(0.0, shared) * 1.3 / self.size_tokens)

    def split(self, document: ParsedDocument, tools: ChunkingTools) -> Iterator[Piece]:
        """Yield the pieces of `document` in order."""
        text, tokens = document.text, tools.tokens(document.text)
        whole = [
            block.span
            for block in document.blocks
            if block.kind in ("table", "code", "record") and self._fits(block.span, tokens)
        ]
        cutting = Cutting(text, tokens, self.size_tokens, whole=whole)
        packed: list[Span] = []
        for sentence in _sentences(document, union(whole)):
            if self._fits(sentence, tokens):
                packed.append(sentence)
                continue
            yield from self._packed(packed, tokens)
            yield from (Piece(span=span) for span in cutting.cut(sentence))
            packed = []
        yield from self._packed(packed, tokens)

    def _packed(self, sentences: list[Span], tokens: Tokens) -> Iterator[Piece]:
        """Yield chunks of neighbouring sentences, each of which fits; every chunk has one that none has before it."""
        first, new = 0, 0
        while new < len(sentences):
            while not self._fits(Span(sentences[first].start, sentences[new].end), tokens):
                first += 1
            while new < len(sentences) and self._fits(Span(sentences[first].start, sentences[new].end), tokens):
                new += 1
            yield Piece(span=Span(sentences[first].start, sentences[new - 1].end))
            first = max(first + 1, new - self.overlap_sentences)

    def _fits(self, span: Span, tokens: Tokens) -> bool:
        return tokens.count(span.start, span.end) <= self.size_tokens


def _sentences(document: ParsedDocument, whole: list[Span]) -> Iterator[Span]:
    """Yield the sentences in order, none blank; `whole` stays in one, and a heading with what stands below it."""
    text = document.text
    borders = {len(text)}
    position = 0
    for kept in [*whole, Span(len(text), len(text))]:
        borders.update(sentence_starts(text, position, kept.start))
        position = kept.end
    borders.update(edge for block in document.blocks for edge in _edges(block))
    headings = [block.span for block in document.blocks if block.kind == "heading"]
    leads = union([Span(heading.start, next_character(text, heading.end)) for heading in headings])
    lead_starts = [lead.start for lead in leads]
    start = 0
    for border in sorted(borders):
        number = bisect.bisect_left(lead_starts, border) - 1
        is_below_heading = number >= 0 and border <= leads[number].end and border < len(text)
        if is_below_heading or is_blank(text, Span(start, border)):
            continue
        yield Span(start, border)
        start = border


def _edges(block: Block) -> tuple[int, ...]:
    """Return where a block ends the sentence before it, and its own."""
    if block.kind == "heading":
        return (block.span.start,)
    return (block.span.start, block.span.end) if block.kind in ("table", "code", "record") else ()
