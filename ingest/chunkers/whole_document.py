"""The document as one chunk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from configs.span import Span
from ingest.chunkers import Chunker
from ingest.cutting import is_blank
from ingest.document import ChunkingTools, ParsedDocument, Piece


class WholeDocument(Chunker):
    """The whole document is one chunk, however long it is; embedders read as much of it as their window takes."""

    is_whole: ClassVar[bool] = True

    kind: Literal["whole_document"]

    def split(self, document: ParsedDocument, tools: ChunkingTools) -> Iterator[Piece]:  # noqa: ARG002  # nothing to count
        """Yield the whole document."""
        whole = Span(0, len(document.text))
        if not is_blank(document.text, whole):
            yield Piece(span=whole)
