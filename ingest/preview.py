"""What several chunkers would make of one document, with measures of size and damage; nothing is written."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from configs.span import Chunk, Span, union
from ingest.chunkers import Chunker
from ingest.chunking import chunk_document, indexed_text
from ingest.damage import Damage, damage_of
from ingest.document import ParsedDocument
from ingest.tokenizers import TokenizerTools, count_many

HISTOGRAM_BINS = 10

TokenCounter = Callable[[Sequence[str]], list[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Tokens of the chunks, prefixes not counted; `p95` is the nearest rank. All are 0 where there is no chunk."""

    count: int
    min: int
    median: float
    mean: float
    p95: int
    max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """How many chunks have `from_tokens` <= tokens < `below_tokens`."""

    from_tokens: int
    below_tokens: int
    chunks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkingPreview:
    """What one chunker makes of the document.

    `window_overruns` counts chunks whose indexed text (prefix included) has more tokens than the window; None without
    a window. `coverage` is the share of non-space characters that stand in a chunk. `duplicated` is the share of the
    chunks' characters that an earlier chunk holds already. `remarks` are the chunker's own, in sentences.
    """

    chunker: Chunker
    chunks: tuple[Chunk, ...]
    sizes: Sizes
    histogram: tuple[Bin, ...]
    window_overruns: int | None
    damage: Damage
    coverage: float
    duplicated: float
    remarks: tuple[str, ...]


def preview(
    document: ParsedDocument,
    chunkers: Sequence[Chunker],
    *,
    title: str,
    file_name: str = "",
    with_prefix: bool,
    window_tokens: int | None,
    count_window_tokens: TokenCounter | None = None,
) -> list[ChunkingPreview]:
    """Return one preview for each chunker, in order.

    Texts are held against the window by `count_window_tokens` (an embedder's own count), by default with the chunker's
    tokenizer; without a window nothing is counted.
    """
    tools = {name: TokenizerTools(name) for name in {chunker.tokenizer for chunker in chunkers}}
    previews = []
    for chunker in chunkers:
        own = tools[chunker.tokenizer]
        chunks = chunk_document(document, chunker, title=title, file_name=file_name, with_prefix=with_prefix, tools=own)
        overruns = None
        if window_tokens is not None:
            texts = [indexed_text(document.text, chunk) for chunk in chunks]
            counts = count_window_tokens(texts) if count_window_tokens else count_many(texts, chunker.tokenizer)
            overruns = sum(count > window_tokens for count in counts)
        previews.append(
            ChunkingPreview(
                chunker=chunker,
                chunks=tuple(chunks),
                sizes=_sizes([chunk.tokens for chunk in chunks]),
                histogram=_histogram([chunk.tokens for chunk in chunks]),
                window_overruns=overruns,
                damage=damage_of(document, [chunk.span for chunk in chunks]),
                coverage=_coverage(document.text, [chunk.span for chunk in chunks]),
                duplicated=_duplicated([chunk.span for chunk in chunks]),
                remarks=tuple(chunker.remarks(document, own)),
            )
        )
    return previews


def _sizes(tokens: list[int]) -> Sizes:
    if not tokens:
        return Sizes(count=0, min=0, median=0.0, mean=0.0, p95=0, max=0)
    ordered = sorted(tokens)
    return Sizes(
        count=len(ordered),
        min=ordered[0],
        median=float(statistics.median(ordered)),
        mean=sum(ordered) / len(ordered),
        p95=ordered[math.ceil(0.95 * len(ordered)) - 1],
        max=ordered[-1],
    )


def _histogram(tokens: list[int]) -> tuple[Bin, ...]:
    """Return bins of equal, whole width from 0 to beyond the largest chunk, at most HISTOGRAM_BINS of them."""
    if not tokens:
        return ()
    width = math.ceil((max(tokens) + 1) / HISTOGRAM_BINS)
    counts = [0] * (max(tokens) // width + 1)
    for size in tokens:
        counts[size // width] += 1
    return tuple(
        Bin(from_tokens=width * number, below_tokens=width * (number + 1), chunks=count)
        for number, count in enumerate(counts)
    )


def _coverage(text: str, spans: list[Span]) -> float:
    characters = _non_space(text)
    covered = sum(_non_space(text[span.start : span.end]) for span in union(spans))
    return covered / characters if characters else 1.0


def _non_space(text: str) -> int:
    return sum(len(word) for word in text.split())


def _duplicated(spans: list[Span]) -> float:
    total = sum(len(span) for span in spans)
    return 1.0 - sum(len(span) for span in union(spans)) / total if total else 0.0
