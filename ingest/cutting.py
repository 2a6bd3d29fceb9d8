"""Cutting a stretch of text at the coarsest separator that fits, and merging what fits together."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from configs.span import Span, union
from ingest.document import Tokens

SEPARATORS = ("\n\n", "\n", ". ", "? ", "! ", "; ", ", ", " ")
"""From coarse to fine: paragraphs, lines, sentences, clauses, words."""


def is_blank(text: str, span: Span) -> bool:
    """Tell whether the span holds white space only, or nothing."""
    return not text[span.start : span.end].strip()


def next_character(text: str, position: int) -> int:
    """Return the position of the first non-space character from `position` on, or the text's length."""
    while position < len(text) and text[position].isspace():
        position += 1
    return position


class Cutting:
    """Cuts stretches of one text into spans of at most `size_tokens` tokens.

    A stretch that is too large is split after each occurrence of the coarsest separator (which stays with the text on
    its left), neighbours are merged greedily while they fit, what is still too large is split by the next separator;
    last come cuts between tokens. Each level reads a stretch once, so time is linear in the text.

    A line feed in a separator also matches CR LF, two of them also match a line of blanks, and further blank lines
    after them stay with it. Nothing is split at a separator inside one of the spans `whole`, and such a span stays one
    piece even where it is too large, provided that separators end right before and after it.
    """

    def __init__(
        self,
        text: str,
        tokens: Tokens,
        size_tokens: int,
        separators: Iterable[str] = SEPARATORS,
        whole: Iterable[Span] = (),
    ) -> None:
        self._text = text
        self._tokens = tokens
        self._size = size_tokens
        self._patterns = [_pattern(separator) for separator in separators]
        self._whole = union(list(whole))
        self._whole_starts = [span.start for span in self._whole]

    def cut(self, span: Span) -> list[Span]:
        """Return the spans that `span` is cut into, sorted and disjoint, none blank.

        Together they are `span`, except for white space that neither fits into its left neighbour nor has one.
        """
        spans: list[Span] = []
        for start, end in self._pieces(span.start, span.end, 0):
            piece = Span(start, end)
            if not is_blank(self._text, piece):
                spans.append(piece)
            elif spans and spans[-1].end == start and self._fits(spans[-1].start, end):
                spans[-1] = Span(spans[-1].start, end)
        return spans

    def _fits(self, start: int, end: int) -> bool:
        return self._tokens.count(start, end) <= self._size

    def _pieces(self, start: int, end: int, level: int) -> Iterator[tuple[int, int]]:
        if self._fits(start, end) or self._is_whole(start, end):
            yield start, end
        elif level == len(self._patterns):
            yield from self._between_tokens(start, end)
        else:
            yield from self._at_separators(start, end, level)

    def _at_separators(self, start: int, end: int, level: int) -> Iterator[tuple[int, int]]:
        reached = start
        for stop in self._stops(start, end, level):
            if self._fits(start, stop):
                reached = stop
                continue
            if reached > start:
                yield start, reached
                start = reached
            if not self._fits(start, stop):
                yield from self._pieces(start, stop, level + 1)
                start = stop
            reached = stop
        if reached > start:
            yield start, reached

    def _stops(self, start: int, end: int, level: int) -> Iterator[int]:
        """Yield the positions after each separator, and the end."""
        stop = start
        for match in self._patterns[level].finditer(self._text, start, end):
            if not self._is_inside_whole(match.end()):
                stop = match.end()
                yield stop
        if stop < end:
            yield end

    def _is_whole(self, start: int, end: int) -> bool:
        first = next_character(self._text, start)
        index = bisect.bisect_right(self._whole_starts, first) - 1
        return index >= 0 and next_character(self._text, self._whole[index].end) >= end

    def _is_inside_whole(self, position: int) -> bool:
        index = bisect.bisect_left(self._whole_starts, position) - 1
        return index >= 0 and position < self._whole[index].end

    def _between_tokens(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        starts, ends = self._tokens.starts, self._tokens.ends
        first, last = bisect.bisect_right(ends, start), bisect.bisect_left(starts, end)
        while last - first > self._size:
            following = token_boundary(self._tokens, first + self._size, least=first + 1)
            yield start, starts[following]
            start, first = starts[following], following
        yield start, end


def token_boundary(tokens: Tokens, index: int, *, least: int) -> int:
    """Return the largest index from `least` to `index` whose token shares no character with the one before it.

    A byte-level tokenizer makes several tokens of one character, and a text cannot be cut between those. Where every
    index fails, `index` itself is returned.
    """
    for candidate in range(index, least - 1, -1):
        if tokens.starts[candidate] >= tokens.ends[candidate - 1]:
            return candidate
    return index


@lru_cache(maxsize=64)
def _pattern(separator: str) -> re.Pattern[str]:
    newline = re.escape("\n")
    between_newlines = f"{re.escape(newline)}(?={re.escape(newline)})"
    expression = re.sub(between_newlines, lambda match: match.group() + r"[^\S\n]*", re.escape(separator))
    if separator.endswith("\n"):
        expression += r"(?:[^\S\n]*\n)*"
    return re.compile(expression)
