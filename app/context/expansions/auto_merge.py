"""Parents in the place of their children where enough of these were found."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from pydantic import Field

from app.context.expansions import Expansion, FoundChunks
from configs.part import LIVE
from configs.span import Span
from ingest.chunkers import Chunker


class AutoMerge(Expansion):
    """Send a parent where more than a share of its children were found, else the children (auto-merging retrieval).

    For the chunker `parent_child`. Counted among all `candidates` of the setup: fewer candidates merge less. Pays where
    some questions need a detail and others a whole section.
    """

    kind: Literal["auto_merge"]
    ratio: float = Field(
        0.5,
        ge=0.0,
        lt=1.0,
        description="a parent takes the place of its children where more than this share of them is among the "
        "candidates; 0 always merges",
        json_schema_extra=LIVE,
    )

    def check_chunker(self, chunker: Chunker) -> None:
        """Refuse chunkers whose chunks have no parents in common."""
        if chunker.parents != "shared":
            raise ValueError(
                f"the chunks of {chunker.kind_of_class()} have no parents in common that could take their place; "
                "take the chunker parent_child, or another expansion"
            )

    def widened(self, found: FoundChunks) -> list[Span]:
        """Return the parent of chunks of which enough were found, the own span of the others."""
        parents = found.parents()
        families = [(hit.version_id, parent) for hit, parent in zip(found.hits, parents, strict=True)]
        counts = Counter(families)
        return [
            parent if counts[family] > self.ratio * siblings else hit.span
            for hit, parent, family, siblings in zip(found.hits, parents, families, found.siblings(), strict=True)
        ]
