"""The family of expansions: the larger text that is sent in the place of found chunks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from configs.part import Part, import_members
from configs.span import Span
from indexes.search import Hit
from ingest.chunkers import Chunker


class FoundChunks(Protocol):
    """What is stored about the chunks that were found, in the order of the hits."""

    @property
    def hits(self) -> Sequence[Hit]:
        """The found chunks, best first."""
        ...

    def parents(self) -> list[Span]:
        """Return the parent of each, its own span where it has none."""
        ...

    def siblings(self) -> list[int]:
        """Return how many chunks of the version have the parent of each, itself included."""
        ...

    def around(self, chunks: int) -> list[Span]:
        """Return the span from `chunks` chunks before each to as many behind it, in the same version."""
        ...


class Expansion(Part):
    """Replaces found chunks by the larger text that they stand for, once everything is found.

    Promises: a span for each found chunk, in their order, that holds the chunk and lies in its version, so nothing
    comes from another document, another version or from what the principal may not read; the same chunks give the same
    spans. All settings are live. What of several chunks falls together is merged afterwards: no character is sent
    twice, and the best chunk's rank and score are the merged one's (`app.context.expanding`).
    """

    def check_chunker(self, chunker: Chunker) -> None:
        """Raise ValueError where the expansion would do nothing with the chunks of this chunker."""

    @abstractmethod
    def widened(self, found: FoundChunks) -> list[Span]:
        """Return the span that each found chunk stands for."""


import_members(__name__, __path__)
