"""Retrieval, whole documents or nothing: what each costs per request and per month, and where two cost the same.

Costs only: what an answer is worth is another question, and is never subtracted from dollars.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.evaluation.economics.assumptions import Assumptions
from app.evaluation.economics.caching import (
    SharedRequest,
    expected_cost_usd,
    hit_probability,
    plain_cost_usd,
    with_terms,
)
from app.evaluation.economics.ingest_cost import ingest_cost_usd
from app.evaluation.economics.prices import ModelPrice

Evidence = Literal["retrieval", "whole_documents"]
WayName = Literal["no_context", "retrieval", "whole_documents"]


class Way(BaseModel):
    """One way to give the model evidence, or none. Amounts are null where the price is unknown."""

    model_config = ConfigDict(frozen=True)

    name: WayName
    is_possible: bool = Field(description="what is read and written fits the context window, as far as that is known")
    input_tokens: float
    hit_probability: float = Field(description="that a request finds its shared prefix cached; 0 if it is too short")
    uncached_usd_per_request: float | None
    cached_usd_per_request: float | None = Field(
        description="mean over hits and writes; null if the prefix is too short"
    )
    usd_per_request: float | None = Field(description="the lower of the two")
    is_cached: bool = Field(description="whether caching the prefix is the lower of the two")
    fixed_usd_per_month: float = Field(description="whatever the requests: embedding and keeping the index")
    usd_per_month: float | None


class BreakEven(BaseModel):
    """The three ways side by side, for one model and one set of assumptions."""

    model_config = ConfigDict(frozen=True)

    assumptions: Assumptions = Field(description="with the values that were taken from the model")
    no_context: Way = Field(description="a reference line: it costs least and sends no evidence")
    retrieval: Way
    whole_documents: Way
    cheapest: Evidence | None = Field(
        description="of the possible ways that send evidence, by cost per month; at the same cost whole documents, as "
        "nothing has to be built; null where the price is unknown or none is possible"
    )
    break_even_requests_per_month: float | None = Field(
        description="from so many requests on retrieval costs less than whole documents, at today's cost of each "
        "request; null where it never does, or where a way is impossible or its price unknown"
    )


def compare_ways(price: ModelPrice | None, assumptions: Assumptions) -> BreakEven:
    """Return what each way costs under the assumptions."""
    used = assumptions.completed(price)
    instructions, question = used.instruction_tokens, used.question_tokens
    no_context = _way("no_context", price, used, prefix_tokens=instructions, suffix_tokens=question)
    retrieval = _way(
        "retrieval", price, used, prefix_tokens=instructions, suffix_tokens=used.retrieved_tokens + question
    )
    whole = _way(
        "whole_documents", price, used, prefix_tokens=instructions + used.corpus_tokens, suffix_tokens=question
    )
    return BreakEven(
        assumptions=used,
        no_context=no_context,
        retrieval=retrieval,
        whole_documents=whole,
        cheapest=_cheapest(retrieval, whole),
        break_even_requests_per_month=_break_even_requests(retrieval, whole),
    )


def _way(name: WayName, price: ModelPrice | None, used: Assumptions, *, prefix_tokens: int, suffix_tokens: int) -> Way:
    request = SharedRequest(prefix_tokens=prefix_tokens, suffix_tokens=suffix_tokens, output_tokens=used.output_tokens)
    plain = plain_cost_usd(price, request)
    cached, hit = None, 0.0
    if prefix_tokens >= used.smallest_cached_tokens:
        hit = hit_probability(used.requests_per_day, used.cache_lifetime_seconds)
        terms = used.cache_terms(price)
        cached = expected_cost_usd(None if price is None else with_terms(price, terms), request, hit)
    is_retrieval = name == "retrieval"
    extra = used.retrieval_usd_per_request if is_retrieval else 0.0
    fixed = _fixed_usd_per_month(used) if is_retrieval else 0.0
    lower = None if plain is None else min(plain, plain if cached is None else cached) + extra
    window_tokens = used.context_window_tokens
    return Way(
        name=name,
        is_possible=window_tokens is None or request.input_tokens + request.output_tokens <= window_tokens,
        input_tokens=request.input_tokens,
        hit_probability=hit,
        uncached_usd_per_request=None if plain is None else plain + extra,
        cached_usd_per_request=None if cached is None else cached + extra,
        usd_per_request=lower,
        is_cached=plain is not None and cached is not None and cached < plain,
        fixed_usd_per_month=fixed,
        usd_per_month=None if lower is None else lower * used.requests_per_month + fixed,
    )


def _fixed_usd_per_month(used: Assumptions) -> float:
    embedding = ingest_cost_usd(
        used.embedded_tokens or 0, used.embedding_usd_per_million, used.reembedded_share_per_month, used.months
    )
    return embedding / used.months + used.hosting_usd_per_month


def _cheapest(retrieval: Way, whole: Way) -> Evidence | None:
    if retrieval.usd_per_month is None or whole.usd_per_month is None:
        return None
    if whole.is_possible and (not retrieval.is_possible or whole.usd_per_month <= retrieval.usd_per_month):
        return "whole_documents"
    return "retrieval" if retrieval.is_possible else None


def _break_even_requests(retrieval: Way, whole: Way) -> float | None:
    """Return fixed cost / (cost of a request with whole documents - cost of one with retrieval)."""
    if retrieval.usd_per_request is None or whole.usd_per_request is None:
        return None
    saved = whole.usd_per_request - retrieval.usd_per_request
    if saved <= 0 or not (retrieval.is_possible and whole.is_possible):
        return None
    return retrieval.fixed_usd_per_month / saved
