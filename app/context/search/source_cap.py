"""A cap on how many hits one source may have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from configs.part import LIVE, JsonObject, canonical_json
from configs.text import Text
from indexes.access import value_at
from indexes.search import Hit


class SourceCap(BaseModel):
    """Keep at most so many hits of one source, the best ones; the others are dropped, and receipts say so.

    Costs nothing; pays where one long document crowds out all others. It acts on what is found, before packing;
    `max_share_per_document` of a packer bounds what of a document is sent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hits: int = Field(3, ge=1, le=1_000, description="most hits of one source", json_schema_extra=LIVE)
    field: Annotated[Text, Field(min_length=1, max_length=200)] | None = Field(
        None,
        description="metadata field whose equal values make one source (`a.b` reaches into nested objects); a document "
        "without it is a source of its own. null: each document is a source",
        json_schema_extra=LIVE,
    )

    def split(self, hits: Sequence[Hit], metadata: Mapping[str, JsonObject]) -> tuple[list[Hit], list[Hit]]:
        """Return the hits that stay and those that are dropped, each in their order; `hits` come best first.

        `metadata` is that of the hits' documents by id.
        """
        sources = {one: self._source(one, values) for one, values in metadata.items()}
        taken: Counter[str] = Counter()
        kept: list[Hit] = []
        dropped: list[Hit] = []
        for hit in hits:
            source = sources[hit.document_id]
            (kept if taken[source] < self.hits else dropped).append(hit)
            taken[source] += 1
        return kept, dropped

    def _source(self, document_id: str, metadata: JsonObject) -> str:
        value: Any = None if self.field is None else value_at(metadata, self.field)
        return f"document {document_id}" if value is None else f"value {canonical_json(value)}"
