"""Chunks of whole table rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from configs.part import BAKE_TIME
from configs.span import Span
from ingest.chunkers import Chunker
from ingest.cutting import Cutting, is_blank
from ingest.document import ChunkingTools, ParsedDocument, Piece, Tokens

HEADER_SHARE = 4
"""A header of more than a quarter of the size is not repeated: it would outweigh the rows."""

_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n|$)")
_DELIMITER_ROW = re.compile(r"[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?\s*")


class Table(Chunker):
    """Keep a table whole where it fits, else cut it between rows and put its header in front of each group of rows.

    Costs no more than `recursive` and pays where answers stand in tables: without its header a row says nothing. The
    header (a Markdown table's delimiter row included) is repeated when a group is indexed and when it is sent, at most
    a quarter of the size in tokens; a longer one stands with the first rows only. The rows of a CSV file are records
    that name their columns themselves: each stays whole where it fits. A single row that is too large is cut like text,
    and what is no table as `recursive` does.
    """

    kind: Literal["table"]
    size_tokens: int = Field(
        200,
        ge=16,
        le=8192,
        description="largest chunk, in tokens of `tokenizer`, a repeated header not counted",
        json_schema_extra=BAKE_TIME,
    )

    def split(self, document: ParsedDocument, tools: ChunkingTools) -> Iterator[Piece]:
        """Yield the pieces of `document` in order."""
        text, tokens = document.text, tools.tokens(document.text)
        whole = [
            block.span
            for block in document.blocks
            if block.kind in ("table", "record") and self._fits(block.span, tokens)
        ]
        cutting = Cutting(text, tokens, self.size_tokens, whole=whole)
        position = 0
        for table in self._too_large(document, tokens):
            if table.start < position:  # a table inside the last one
                continue
            yield from (Piece(span=span) for span in cutting.cut(Span(position, table.start)))
            yield from self._row_groups(text, table, tokens, cutting)
            position = table.end
        yield from (Piece(span=span) for span in cutting.cut(Span(position, len(text))))

    def remarks(self, document: ParsedDocument, tools: ChunkingTools) -> list[str]:
        """Say how many tables are cut without their header."""
        tokens = tools.tokens(document.text)
        headers = [_rows(document.text, table)[0] for table in self._too_large(document, tokens)]
        limit_tokens = self.size_tokens // HEADER_SHARE
        long = sum(not self._is_repeated(header, tokens) for header in headers)
        said = f"{long} of the tables are cut without repeating their header: it has more than {limit_tokens} tokens"
        return [said] if long else []

    def _row_groups(self, text: str, table: Span, tokens: Tokens, cutting: Cutting) -> Iterator[Piece]:
        header, *rows = _rows(text, table)
        lead = (header,) if self._is_repeated(header, tokens) else ()
        group = header
        for row in rows:
            if self._fits(Span(group.start, row.end), tokens):
                group = Span(group.start, row.end)
                continue
            yield from self._group(text, group, table, lead, tokens, cutting)
            group = row
        yield from self._group(text, group, table, lead, tokens, cutting)

    def _group(
        self, text: str, group: Span, table: Span, lead: tuple[Span, ...], tokens: Tokens, cutting: Cutting
    ) -> Iterator[Piece]:
        if not self._fits(group, tokens):
            yield from (Piece(span=span) for span in cutting.cut(group))
        elif not is_blank(text, group):
            yield Piece(span=group, lead=lead if group.start > table.start else ())

    def _too_large(self, document: ParsedDocument, tokens: Tokens) -> Iterator[Span]:
        return (block.span for block in document.blocks if block.kind == "table" and not self._fits(block.span, tokens))

    def _is_repeated(self, header: Span, tokens: Tokens) -> bool:
        return tokens.count(header.start, header.end) <= self.size_tokens // HEADER_SHARE

    def _fits(self, span: Span, tokens: Tokens) -> bool:
        return tokens.count(span.start, span.end) <= self.size_tokens


def _rows(text: str, table: Span) -> list[Span]:
    """Return the table's lines, line ends included; the first is the header, a delimiter row below it included."""
    matches = _LINE.finditer(text, table.start, table.end)
    lines = [Span(*match.span()) for match in matches if match.end() > match.start()]
    if len(lines) > 1 and _DELIMITER_ROW.fullmatch(text, lines[1].start, lines[1].end):
        lines[:2] = [Span(lines[0].start, lines[1].end)]
    return lines
