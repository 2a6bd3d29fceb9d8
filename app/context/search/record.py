"""What search options did with a request as a whole: kept in receipts, so that its result can be told again."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

Details = dict[str, int | float]


class SearchRecord(BaseModel):
    """The options that acted on a search, in their order; null for one that is off. It holds no text of documents."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query_expansion: Details | None = Field(
        None,
        description="`lead` of the first passages in standard deviations, whether they were `used`, how many `terms` "
        "were added; of several wordings how many `wordings` differ",
    )
    moment: datetime | None = Field(None, description="from which ages were counted; null without recency")
    reranker: Details | None = Field(
        None, description="how many hits were `reranked`; `cut_pairs` were longer than the model reads"
    )
    dropped_by_cap: int | None = Field(None, description="hits beyond what one source may have")
