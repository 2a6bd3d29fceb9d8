"""What the cuts between chunks separate: sentences, tables, code, and headings from their text."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from itertools import accumulate

from configs.span import Span
from ingest.cutting import next_character
from ingest.document import BlockKind, ParsedDocument
from ingest.sentences import is_inside_sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """What the cuts of one chunking separate.

    `cut_sentences` counts the cut positions inside a sentence (`ingest.sentences`), those inside tables and code left
    out. `cut_tables` and `cut_code_blocks` count the blocks that no chunk holds whole. `separated_headings` counts the
    headings that no chunk holds together with the first character below them.
    """

    cut_sentences: int
    cut_tables: int
    cut_code_blocks: int
    separated_headings: int


def damage_of(document: ParsedDocument, spans: list[Span]) -> Damage:
    """Return what cutting the document into `spans`, sorted by start, separates."""
    text = document.text
    starts = [span.start for span in spans]
    furthest = list(accumulate((span.end for span in spans), max))

    def holds(start: int, end: int) -> bool:
        index = bisect.bisect_right(starts, start) - 1
        return index >= 0 and furthest[index] >= end

    tables, codes, headings = (_spans(document, kind) for kind in ("table", "code", "heading"))
    below = [(heading, next_character(text, heading.end)) for heading in headings]
    return Damage(
        cut_sentences=_cut_sentences(document, spans, tables + codes),
        cut_tables=sum(not holds(table.start, table.end) for table in tables),
        cut_code_blocks=sum(not holds(code.start, code.end) for code in codes),
        separated_headings=sum(first < len(text) and not holds(heading.start, first + 1) for heading, first in below),
    )


def _spans(document: ParsedDocument, kind: BlockKind) -> list[Span]:
    """Return the blocks of one kind without the white space around them; empty ones are left out."""
    spans = []
    for block in document.blocks:
        inside = document.text[block.span.start : block.span.end]
        if block.kind == kind and inside.strip():
            start = block.span.start + len(inside) - len(inside.lstrip())
            spans.append(Span(start, block.span.end - len(inside) + len(inside.rstrip())))
    return spans


def _cut_sentences(document: ParsedDocument, spans: list[Span], blocks: list[Span]) -> int:
    text = document.text
    blocks = sorted(blocks)
    block_starts = [block.start for block in blocks]
    lines = _spans(document, "heading") + _spans(document, "record")
    edges = {edge for block in blocks + lines for edge in (block.start, block.end)}
    cuts = {_last_character_end(text, position) for span in spans for position in (span.start, span.end)}
    count = 0
    for cut in cuts:
        index = bisect.bisect_left(block_starts, cut) - 1
        is_in_block = index >= 0 and cut < blocks[index].end
        is_at_edge = cut in edges or next_character(text, cut) in edges
        count += not is_in_block and not is_at_edge and is_inside_sentence(text, cut)
    return count


def _last_character_end(text: str, position: int) -> int:
    """Return the position behind the last non-space character before `position`, or 0."""
    while position > 0 and text[position - 1].isspace():
        position -= 1
    return position
