"""Late chunking: windows of a text that hold whole chunks, and the mean of a chunk's token vectors in its window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from configs.span import Span
from ingest.tokenizers import text_windows

CONTEXT_SHARE = 4
"""A window begins up to a quarter of its tokens before its first chunk; `lead` has at most a quarter, too."""

Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TextTokens:
    """The tokens of a text without special ones: int64 [tokens] each; starts and ends are code points and rise."""

    ids: Int64
    starts: Int64
    ends: Int64

    @classmethod
    def of(cls, text: str, tokenizer: Any) -> TextTokens:
        """Return the tokens that a `tokenizers.Tokenizer` without truncation and padding makes."""
        ids: list[int] = []
        offsets: list[tuple[int, int]] = []
        for base, part in text_windows(text):
            encoding = tokenizer.encode(part, add_special_tokens=False)
            ids.extend(encoding.ids)
            offsets.extend((base + start, base + end) for start, end in encoding.offsets)
        places = np.array(offsets, dtype=np.int64).reshape(-1, 2)
        return cls(np.array(ids, dtype=np.int64), places[:, 0], places[:, 1])

    def range_of(self, span: Span) -> tuple[int, int]:
        """Return the first and past the last of the tokens that overlap the span."""
        first = int(np.searchsorted(self.ends, span.start, side="right"))
        return first, max(first, int(np.searchsorted(self.starts, span.end, side="left")))


@dataclass(frozen=True, slots=True)
class TokenWindow:
    """A run of a text's tokens that the model reads at once, with the parts of it that belong to chunks."""

    first: int
    last: int
    parts: tuple[tuple[int, int, int], ...]
    """(first token, past the last token, number of the chunk), counted in the text."""


def plan_windows(ranges: Sequence[tuple[int, int]], tokens: int, room_tokens: int) -> Iterator[TokenWindow]:
    """Yield windows of at most `room_tokens` of the text's `tokens`; `ranges` are those of the chunks, in order.

    Each chunk lies whole in one window, unless it alone has more tokens than the room; it is then divided. A window
    holds as many whole chunks as fit behind a quarter of context, and the text behind them as far as there is room.
    """
    parts = sorted(
        (start, min(start + room_tokens, last), number)
        for number, (first, last) in enumerate(ranges)
        for start in range(first, last, room_tokens)
    )
    position = 0
    while position < len(parts):
        begin, end, _ = parts[position]
        first = max(0, begin - min(room_tokens // CONTEXT_SHARE, room_tokens - (end - begin)))
        following = position + 1
        while following < len(parts) and parts[following][1] - first <= room_tokens:
            following += 1
        last = min(tokens, first + room_tokens)
        yield TokenWindow(max(0, last - room_tokens), last, tuple(parts[position:following]))
        position = following


def mean_by_chunk(windows: Sequence[TokenWindow], chunks: int, dimensions: int, vectors: Iterable[Float32]) -> Float32:
    """Return float32 [chunks, dimensions], the mean of each chunk's token vectors, zeros for one without tokens.

    `vectors` are those of each window, float32 [its tokens, dimensions], in order.
    """
    sums = np.zeros((chunks, dimensions), dtype=np.float64)
    counts = np.zeros(chunks, dtype=np.int64)
    for window, of_window in zip(windows, vectors, strict=True):
        for first, last, number in window.parts:
            sums[number] += of_window[first - window.first : last - window.first].sum(axis=0, dtype=np.float64)
            counts[number] += last - first
    return (sums / np.maximum(counts, 1)[:, np.newaxis]).astype(np.float32)
