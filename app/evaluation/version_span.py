"""A span of one document version: what hits and answers of different strategies have in common."""

from __future__ import annotations

from dataclasses import dataclass

from configs.span import Span


@dataclass(frozen=True, slots=True, order=True)
class VersionSpan:
    """A span with the version in whose text it lies; spans of different versions share nothing."""

    version_id: str
    span: Span

    def __len__(self) -> int:
        return len(self.span)

    def overlap(self, other: VersionSpan) -> int:
        """Return how many characters both share; spans that merely touch share 0."""
        return self.span.overlap(other.span) if self.version_id == other.version_id else 0
