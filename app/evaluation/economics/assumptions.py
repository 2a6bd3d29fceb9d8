"""What a calculation of costs takes for granted; every value can be replaced, and its weight is shown."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from app.evaluation.economics.caching import CacheTerms, terms_of
from app.evaluation.economics.prices import ModelPrice

DAYS_PER_MONTH = 365.25 / 12
MOST_TOKENS = 10**12


class Assumptions(BaseModel):
    """The use that is expected. Only `corpus_tokens` and `retrieved_tokens` have no default: they can be measured."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    corpus_tokens: int = Field(ge=0, le=MOST_TOKENS, description="all documents, as whole documents are sent")
    retrieved_tokens: int = Field(ge=0, le=MOST_TOKENS, description="retrieved text of a request with its envelope")
    requests_per_day: float = Field(1_000.0, gt=0, le=1e12, description="on average, at random over the day")
    instruction_tokens: int = Field(300, ge=0, le=MOST_TOKENS, description="sent first, the same in every request")
    question_tokens: int = Field(50, ge=0, le=MOST_TOKENS, description="the question, sent last")
    output_tokens: int = Field(300, ge=0, le=MOST_TOKENS, description="length of an answer")
    cache_lifetime_seconds: float = Field(300.0, ge=0, le=1e9, description="how long an unused prefix stays cached")
    cache_write_multiplier: float | None = Field(
        None, ge=0, le=1_000, description="of the input price; default: the model's, by the lifetime"
    )
    cache_read_multiplier: float | None = Field(
        None, ge=0, le=1_000, description="of the input price; default: the model's"
    )
    smallest_cached_tokens: int = Field(
        1_024, ge=0, le=MOST_TOKENS, description="shorter prefixes are not cached; 1,024 to 4,096 by model"
    )
    context_window_tokens: int | None = Field(
        None,
        ge=1,
        le=MOST_TOKENS,
        description="what the model reads and writes at most; default: the model's, if known",
    )
    embedded_tokens: int | None = Field(
        None, ge=0, le=MOST_TOKENS, description="chunks with overlap and prefixes; default: the corpus"
    )
    embedding_usd_per_million: float = Field(
        0.0, ge=0, le=1e6, description="per million tokens; 0: the embedder runs on own machines"
    )
    reembedded_share_per_month: float = Field(
        0.1, ge=0, le=1_000, description="share of the corpus that is embedded again each month"
    )
    months: float = Field(12.0, gt=0, le=1_200, description="time over which the first ingest is spread")
    retrieval_usd_per_request: float = Field(0.0, ge=0, le=1e6, description="search, reranking, encoding the question")
    hosting_usd_per_month: float = Field(0.0, ge=0, le=1e9, description="keeping the index")

    @property
    def requests_per_month(self) -> float:
        """Return the requests of a mean month."""
        return self.requests_per_day * DAYS_PER_MONTH

    def completed(self, price: ModelPrice | None) -> Assumptions:
        """Return the assumptions with every default that is taken from the model or the corpus filled in."""
        terms = self.cache_terms(price)
        window_tokens = self.context_window_tokens
        if window_tokens is None and price is not None:
            window_tokens = price.context_window_tokens
        return self.model_copy(
            update={
                "cache_write_multiplier": terms.write_multiplier,
                "cache_read_multiplier": terms.read_multiplier,
                "context_window_tokens": window_tokens,
                "embedded_tokens": self.corpus_tokens if self.embedded_tokens is None else self.embedded_tokens,
            }
        )

    def cache_terms(self, price: ModelPrice | None) -> CacheTerms:
        """Return the terms given here, else those of the model, else 1: no cache rate is known."""
        own = CacheTerms(write_multiplier=1.0, read_multiplier=1.0)
        if price is not None:
            own = terms_of(price, self.cache_lifetime_seconds)
        write, read = self.cache_write_multiplier, self.cache_read_multiplier
        return CacheTerms(
            write_multiplier=own.write_multiplier if write is None else write,
            read_multiplier=own.read_multiplier if read is None else read,
        )
