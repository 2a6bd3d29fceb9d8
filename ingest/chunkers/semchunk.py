"""Chunks as the library semchunk cuts them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import semchunk
from pydantic import Field

from configs.part import BAKE_TIME
from configs.span import Span
from ingest.chunkers import Chunker
from ingest.cutting import Cutting, is_blank
from ingest.document import ChunkingTools, ParsedDocument, Piece
from ingest.tokenizers import DEFAULT_TOKENIZER, count_tokens
from ingest.word_counts import WORD_COUNTS

CHARACTERS_PER_TOKEN_AT_MOST = 16
"""So many characters count as a token at least: without tokens (a run of blanks) the library's search takes quadratic
time."""


class Semchunk(Chunker):
    """What the library semchunk makes of the text: split at the longest runs of white space, then at punctuation.

    For comparison with systems that use it. It takes two to four times as long as `recursive` and knows no headings,
    tables or code. White space between chunks stands in none. A chunk that turns out longer than the size, and a text
    that the library gives up on (hundreds of runs of white space, each of another length), is cut as `recursive` does.
    """

    kind: Literal["semchunk"]
    size_tokens: int = Field(
        200, ge=16, le=8192, description="largest chunk, in tokens of `tokenizer`", json_schema_extra=BAKE_TIME
    )

    def split(self, document: ParsedDocument, tools: ChunkingTools) -> Iterator[Piece]:
        """Yield the pieces of `document` in order."""
        text, tokens = document.text, tools.tokens(document.text)
        cutting = Cutting(text, tokens, self.size_tokens)
        for start, end in self._offsets(text):
            if tokens.count(start, end) > self.size_tokens:
                yield from (Piece(span=span) for span in cutting.cut(Span(start, end)))
            elif not is_blank(text, Span(start, end)):
                yield Piece(span=Span(start, end))

    def _offsets(self, text: str) -> list[tuple[int, int]]:
        try:
            _, offsets = semchunk.chunk(text, self.size_tokens, self._counter(), memoize=False, offsets=True)
        except RecursionError:
            return [(0, len(text))]
        return list(offsets)

    def _counter(self) -> Callable[[str], int]:
        """Return what counts for the library; of what is far too long, only as much is read as shows it."""
        read_characters = 2 * CHARACTERS_PER_TOKEN_AT_MOST * self.size_tokens
        is_counted_by_words = self.tokenizer == DEFAULT_TOKENIZER

        def count(text: str) -> int:
            head = text[:read_characters]
            exactly = WORD_COUNTS.count(head) if is_counted_by_words else count_tokens(head, self.tokenizer)
            tokens = max(exactly, len(head) // CHARACTERS_PER_TOKEN_AT_MOST)
            return tokens if len(head) == len(text) else tokens * len(text) // read_characters

        return count
