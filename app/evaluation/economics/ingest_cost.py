"""What building an index costs, and keeping it up to date."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from app.context.estimate import TOKENS_PER_SECOND


def ingest_cost_usd(
    embedded_tokens: int, usd_per_million: float, reembedded_share_per_month: float, months: float
) -> float:
    """Return what embedding costs over `months`: the first ingest, and what is embedded again each month.

    `embedded_tokens` are those of all chunks, overlap and prefixes included. Every strategy is charged in full,
    whatever vectors it shares with others.
    """
    return embedded_tokens * usd_per_million / 1e6 * (1 + reembedded_share_per_month * months)


class IngestCost(BaseModel):
    """What building an index takes, and embedding again what changes; estimated, on two processor cores."""

    model_config = ConfigDict(frozen=True)

    seconds: float
    usd_once: float | None = Field(description="null where the price is unknown")
    usd_per_month: float | None


def ingest_cost(embedded_tokens: int, usd_per_million: float | None, reembedded_share_per_month: float) -> IngestCost:
    """Return the cost of embedding so many tokens once, and of each month after."""
    seconds = embedded_tokens / TOKENS_PER_SECOND
    if usd_per_million is None:
        return IngestCost(seconds=seconds, usd_once=None, usd_per_month=None)
    once = ingest_cost_usd(embedded_tokens, usd_per_million, 0.0, 0.0)
    first_month = ingest_cost_usd(embedded_tokens, usd_per_million, reembedded_share_per_month, 1.0)
    return IngestCost(seconds=seconds, usd_once=once, usd_per_month=first_month - once)
