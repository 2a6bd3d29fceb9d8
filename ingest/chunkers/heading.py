"""Chunks that follow the headings of a document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from configs.part import BAKE_TIME
from configs.span import Span
from ingest.chunkers import Chunker
from ingest.cutting import Cutting, is_blank, next_character
from ingest.document import ChunkingTools, ParsedDocument, Piece, Tokens

LARGEST_BLOCK_IN_SIZES = 4


@dataclass(frozen=True, slots=True)
class _Section:
    """A heading with the text below it, up to the next heading; level 0 is what stands before the first."""

    span: Span
    level: int


class Heading(Chunker):
    """Follow the headings: a section is a chunk, small neighbours are packed, tables and fenced code stay whole.

    - Neighbouring sections are packed up to `size_tokens`, never across a heading of level 1 or 2, unless what stands
      before that heading (or, at the end of the document, behind it) has fewer than `min_tokens` tokens.
    - A heading without text of its own belongs to the section that follows.
    - A section that is too large is cut as `recursive` does, but not right below a heading. A table or fenced code of
      up to 4 times the size is not cut: with the headings right above it, it may be a chunk that exceeds the size. A
      larger one is cut like text.
    - A document without headings is one section.
    """

    kind: Literal["heading"]
    size_tokens: int = Field(
        400,
        ge=16,
        le=8192,
        description="largest chunk, in tokens of `tokenizer`; a table or fenced code may have 4 times as many",
        json_schema_extra=BAKE_TIME,
    )
    min_tokens: int = Field(
        50,
        ge=0,
        le=8192,
        description="a section with fewer tokens may join its neighbour across a heading of level 1 or 2",
        json_schema_extra=BAKE_TIME,
    )

    def split(self, document: ParsedDocument, tools: ChunkingTools) -> Iterator[Piece]:
        """Yield the pieces of `document` in order."""
        text, tokens = document.text, tools.tokens(document.text)
        cutting = Cutting(text, tokens, self.size_tokens, whole=_kept_whole(document, tokens, self.size_tokens))
        for span in self._packed(_sections(document), tokens):
            yield from (Piece(span=piece) for piece in cutting.cut(span))

    def _packed(self, sections: list[_Section], tokens: Tokens) -> list[Span]:
        packed: list[Span] = []
        for section in sections:
            if packed:
                both = Span(packed[-1].start, section.span.end)
                may_join = section.level > 2 or self._is_small(packed[-1], tokens)
                if may_join and tokens.count(both.start, both.end) <= self.size_tokens:
                    packed[-1] = both
                    continue
            packed.append(section.span)
        if len(packed) > 1 and self._is_small(packed[-1], tokens):
            both = Span(packed[-2].start, packed[-1].end)
            if tokens.count(both.start, both.end) <= self.size_tokens:
                packed[-2:] = [both]
        return packed

    def _is_small(self, span: Span, tokens: Tokens) -> bool:
        return tokens.count(span.start, span.end) < self.min_tokens


def _sections(document: ParsedDocument) -> list[_Section]:
    """Return the sections, which together are the document, none blank; headings without text are part of the next."""
    text, length = document.text, len(document.text)
    sections: list[_Section] = []
    start, level, body = 0, 0, 0
    for heading in (block for block in document.blocks if block.kind == "heading"):
        if not is_blank(text, Span(body, max(body, heading.span.start))):
            sections.append(_Section(Span(start, heading.span.start), level))
            start, level = heading.span.start, heading.level
        else:
            level = min(level or heading.level, heading.level)
        body = heading.span.end
    if not is_blank(text, Span(start, length)):
        sections.append(_Section(Span(start, length), level))
    return sections


def _kept_whole(document: ParsedDocument, tokens: Tokens, size_tokens: int) -> Iterator[Span]:
    """Yield tables and fenced code up to the limit, and each heading with the first character below it.

    A run of headings is kept together up to `size_tokens`, white space around it counted: it goes with the piece.
    """
    text, lead, limit_tokens = document.text, Span(0, 0), LARGEST_BLOCK_IN_SIZES * size_tokens
    for block in document.blocks:
        span = block.span
        if block.kind == "heading":
            below = min(next_character(text, span.end) + 1, len(text))
            start = lead.start if len(lead) and next_character(text, lead.end) == span.start else span.start
            lead = Span(0, 0)
            around = 0 if next_character(text, 0) == start else start, next_character(text, below)
            if tokens.count(*around) <= size_tokens:
                lead = Span(start, span.end)
                yield Span(span.start, below)
        elif block.kind in ("table", "code") and tokens.count(span.start, span.end) <= limit_tokens:
            yield span
