"""Chunks with those before and behind them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from app.context.expansions import Expansion, FoundChunks
from configs.part import LIVE
from configs.span import Span
from ingest.chunkers import Chunker


class Neighbours(Expansion):
    """Send each found chunk with its neighbours in the document: a live way to larger passages, without a new index.

    For chunkers without parents. Pays where small chunks are found well but cut answers in two. Costs tokens: with one
    neighbour on either side a passage is three times as long, and fewer sources fit.
    """

    kind: Literal["neighbours"]
    chunks: int = Field(
        1, ge=1, le=10, description="how many chunks on either side go with a found one", json_schema_extra=LIVE
    )

    def check_chunker(self, chunker: Chunker) -> None:
        """Refuse chunkers whose chunks have no neighbours, or parents that would not be used."""
        if chunker.is_whole:
            raise ValueError(f"the chunks of {chunker.kind_of_class()} have no neighbours; leave the expansion out")
        if chunker.parents != "none":
            raise ValueError(
                f"the parents of {chunker.kind_of_class()} would not be used; take the expansion parent, "
                "or a chunker without parents"
            )

    def widened(self, found: FoundChunks) -> list[Span]:
        """Return the spans of the chunks with their neighbours."""
        return found.around(self.chunks)
