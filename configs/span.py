"""The values that travel through every layer: spans of a document's text and the chunks made of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open range `[start, end)` of Unicode code points in one document version's text."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"a span needs 0 <= start <= end, got [{self.start}, {self.end})")

    def __len__(self) -> int:
        return self.end - self.start

    def overlap(self, other: Span) -> int:
        """Return how many characters both spans share; spans that merely touch share 0."""
        return max(0, min(self.end, other.end) - max(self.start, other.start))


def union(spans: list[Span]) -> list[Span]:
    """Return the sorted, disjoint, non-empty spans that cover exactly the characters of `spans`."""
    merged: list[Span] = []
    for span in sorted(span for span in spans if len(span)):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


@dataclass(frozen=True, slots=True)
class Lead:
    """What a chunk cannot be read without, though it stands elsewhere: the header of a table, the signature of a class.

    `spans` are of the chunk's own version, in order, and `text` is what they say, one right after the other. It is in
    front of the chunk when that is indexed, and when it is sent.
    """

    spans: tuple[Span, ...] = ()
    text: str = ""


NO_LEAD = Lead()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A span of a document version with what is known about it.

    `prefix` is what stands in front of the text when it is embedded and indexed (title, heading path, lead); it is
    never part of the text: `version.text[span.start:span.end]` is the chunk's text, always. `tokens` counts that text
    alone, by the chunker's tokenizer. `parent` is the larger span a hit on this chunk stands for, where the chunker
    makes one. `lead` is what of the same text is repeated in front, as in `Lead`; `prefix` ends with it.
    """

    span: Span
    tokens: int
    heading_path: tuple[str, ...] = ()
    prefix: str = ""
    parent: Span | None = None
    lead: tuple[Span, ...] = ()
