"""Whether a candidate keeps the limits that an alias sets on waiting, tokens and cost."""

from __future__ import annotations

import math
from collections.abc import Iterator

from app.context.aliases.limits import Limits
from app.evaluation.economics.prices import PRICE_UNKNOWN, Usage, cost_usd, price_of
from app.evaluation.experiments.findings import StrategyFindings
from app.evaluation.promotion.condition import Condition, condition
from app.evaluation.promotion.material import Material


def resources(material: Material) -> Iterator[Condition]:
    """Yield a condition for each limit that is set, held against the upper end of what was measured."""
    found = material.found(material.candidate)
    if found is None:
        return
    limits = material.alias.parsed_limits()
    if limits.p95_seconds is not None:
        yield _latency(found, limits.p95_seconds)
    if limits.request_tokens is not None:
        tokens, limit = found.request_tokens_range.high, limits.request_tokens
        detail = (
            f"{found.request_tokens:,.0f} tokens a request, surely at most {tokens:,.0f}; the limit is {limit:,.0f}"
        )
        yield condition("tokens", tokens <= limit, detail, measured=tokens, limit=limit)
    if limits.usd_per_request is not None:
        yield _cost(found, limits, limits.usd_per_request)


def usd_of(tokens: float, model: str) -> float | None:
    """Return what the input tokens of a request cost at the model's list price, None where it is unknown."""
    return cost_usd(price_of(model), Usage(input_tokens=math.ceil(tokens)))


def _latency(found: StrategyFindings, limit: float) -> Condition:
    if found.latency is None or found.latency.p95 is None:
        detail = f"the experiment timed too few requests; the limit is {limit:.3f} s"
        return condition("latency", False, detail, limit=limit)
    p95 = found.latency.p95
    detail = f"p95 is {p95.seconds:.3f} s, surely at most {p95.high_seconds:.3f} s; the limit is {limit:.3f} s"
    return condition("latency", p95.high_seconds <= limit, detail, measured=p95.high_seconds, limit=limit)


def _cost(found: StrategyFindings, limits: Limits, limit: float) -> Condition:
    usd = usd_of(found.request_tokens_range.high, limits.model)
    if usd is None:
        return condition("cost", False, f"{limits.model}: {PRICE_UNKNOWN}; the limit is ${limit:.6f}", limit=limit)
    detail = f"surely at most ${usd:.6f} a request with {limits.model}; the limit is ${limit:.6f}"
    return condition("cost", usd <= limit, detail, measured=usd, limit=limit)
