"""Prompt caching: what a request costs whose prefix others share, and from which use on writing to the cache pays.

A written prefix costs w times the input price, a read one r times; a read keeps it alive for another lifetime.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.evaluation.economics.prices import ModelPrice, Usage, cost_usd

SHORT_LIFETIME_SECONDS = 300
"""What is to be kept longer is written at the long rate, where there is one."""
SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheTerms:
    """The price of cached tokens as multiples of the input price: w to write them, r to read them."""

    write_multiplier: float
    read_multiplier: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedRequest:
    """A request whose first `prefix_tokens` are the same in every request; the question is part of the suffix."""

    prefix_tokens: float
    suffix_tokens: float
    output_tokens: float

    @property
    def input_tokens(self) -> float:
        """Return all tokens that the model reads."""
        return self.prefix_tokens + self.suffix_tokens


def terms_of(price: ModelPrice, lifetime_seconds: float) -> CacheTerms:
    """Return the terms of a model for short prompts; 1 where the list names no rate, or where input is free."""
    rates = price.rates[0]
    write = rates.cache_write_usd_per_million
    if lifetime_seconds > SHORT_LIFETIME_SECONDS and rates.long_cache_write_usd_per_million is not None:
        write = rates.long_cache_write_usd_per_million
    read, whole = rates.cache_read_usd_per_million, rates.input_usd_per_million
    return CacheTerms(
        write_multiplier=1.0 if write is None or whole == 0 else write / whole,
        read_multiplier=1.0 if read is None or whole == 0 else read / whole,
    )


def with_terms(price: ModelPrice, terms: CacheTerms) -> ModelPrice:
    """Return the price with the cache rates that the terms mean, at every prompt length."""
    rates = tuple(
        one.model_copy(
            update={
                "cache_write_usd_per_million": one.input_usd_per_million * terms.write_multiplier,
                "cache_read_usd_per_million": one.input_usd_per_million * terms.read_multiplier,
            }
        )
        for one in price.rates
    )
    return price.model_copy(update={"rates": rates})


def break_even_uses(terms: CacheTerms) -> float:
    """Return the uses from which caching a prefix costs no more than sending it each time: (w - r) / (1 - r).

    1 where writing costs nothing extra; infinite where it does and reading saves nothing.
    """
    if terms.write_multiplier <= 1:
        return 1.0
    if terms.read_multiplier >= 1:
        return math.inf
    return (terms.write_multiplier - terms.read_multiplier) / (1 - terms.read_multiplier)


def hit_probability(requests_per_day: float, lifetime_seconds: float) -> float:
    """Return how likely a request finds its prefix cached, requests arriving at random: 1 - exp(-rate · lifetime).

    It is the probability that the request before came within the lifetime (Poisson arrivals).
    """
    return -math.expm1(-requests_per_day / SECONDS_PER_DAY * lifetime_seconds)


def plain_cost_usd(price: ModelPrice | None, request: SharedRequest) -> float | None:
    """Return the cost of a request that uses no cache, None where the price is unknown."""
    return cost_usd(price, Usage(input_tokens=request.input_tokens, output_tokens=request.output_tokens))


def expected_cost_usd(price: ModelPrice | None, request: SharedRequest, hit: float) -> float | None:
    """Return the mean cost of a cached request: with probability `hit` its prefix is read, else it is written."""
    read = _cached_cost_usd(price, request, is_hit=True)
    write = _cached_cost_usd(price, request, is_hit=False)
    return None if read is None or write is None else hit * read + (1 - hit) * write


def _cached_cost_usd(price: ModelPrice | None, request: SharedRequest, *, is_hit: bool) -> float | None:
    usage = Usage(
        input_tokens=request.input_tokens,
        output_tokens=request.output_tokens,
        cache_read_tokens=request.prefix_tokens if is_hit else 0,
        cache_write_tokens=0 if is_hit else request.prefix_tokens,
    )
    return cost_usd(price, usage)
