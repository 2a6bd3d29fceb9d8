"""What embedding one question took on other machines, as answers and receipts tell it."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from ingest.metering import Meter


class EmbeddingRecord(BaseModel):
    """Calls to embedders on other machines for one request; all 0 where the embedder runs here, or there is none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calls: int = 0
    tokens: int = Field(0, description="as the provider counted them, else an estimate")
    cost_usd: float | None = Field(0.0, description="at the provider's list price; null where nobody knows it")

    @classmethod
    def of(cls, meter: Meter) -> Self:
        """Return what the meter has counted so far."""
        return cls(calls=meter.calls, tokens=meter.tokens, cost_usd=meter.cost_usd)
