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
from ingest.leads import lead_fits

_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n|$)")
_DASHES = re.compile("-+")
_DELIMITER_ROW = re.compile(r"[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?\s*")


class Table(Chunker):
    """Keep a table whole where it fits, else cut it between rows and put its header in front of each group of rows.

    Costs hardly more than `recursive`; pays where answers stand in tables: without its header a row says nothing. The
    header (a Markdown table's delimiter row included, two dashes a column) is repeated when a group is indexed and when
    it is sent, at most a quarter of the size in tokens; a longer one stands with the first rows only. The rows of a CSV
    file are records that name their columns themselves: each stays whole where it fits. A single row that is too large
    is cut like text, and what is no table as `recursive` does.
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
        tables = self._too_large(document, tools.tokens(document.text))
        long = sum(not self._lead(document.text, _rows(document.text, table)[0]) for table in tables)
        said = f"{long} of the tables are cut without repeating their header: it has more than a quarter of the size"
        return [said] if long else []

    def _row_groups(self, text: str, table: Span, tokens: Tokens, cutting: Cutting) -> Iterator[Piece]:
        header, *rows = _rows(text, table)
        lead = self._lead(text, header)
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

    def _lead(self, text: str, header: Span) -> tuple[Span, ...]:
        """Return the spans that repeat the header, none where they are too long.

        Of a delimiter row, two dashes of each column are enough (one could begin a list): dashes are tokens.
        """
        spans, start = [], header.start
        row = _delimiter_row(text, header)
        for dashes in _DASHES.finditer(text, row.start, row.end):
            spans.append(Span(start, min(dashes.start() + 2, dashes.end())))
            start = dashes.end()
        lead = (*spans, Span(start, header.end))
        return lead if lead_fits(text, lead, self.size_tokens, self.tokenizer) else ()

    def _fits(self, span: Span, tokens: Tokens) -> bool:
        return tokens.count(span.start, span.end) <= self.size_tokens


def _rows(text: str, table: Span) -> list[Span]:
    """Return the table's lines, line ends included; the first is the header, a delimiter row below it included."""
    matches = _LINE.finditer(text, table.start, table.end)
    lines = [Span(*match.span()) for match in matches if match.end() > match.start()]
    if len(lines) > 1 and _DELIMITER_ROW.fullmatch(text, lines[1].start, lines[1].end):
        lines[:2] = [Span(lines[0].start, lines[1].end)]
    return lines


def _delimiter_row(text: str, header: Span) -> Span:
    """Return the second line of the header, empty where there is none."""
    first = _LINE.match(text, header.start, header.end)
    return Span(first.end() if first else header.end, header.end)
