"""Which strategy to take within limits such as "at most 300 ms and 1,500 tokens", and why not the others."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from app.evaluation.economics.latency import Quantile
from app.evaluation.economics.prices import PRICE_UNKNOWN, shown_usd

LOSS_TOLERANCE = 0.05


class Constraints(BaseModel):
    """What a strategy may take at most; what is left out does not matter."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    max_p95_ms: float | None = Field(None, gt=0, le=1e9, description="milliseconds; the interval's upper end counts")
    max_tokens: int | None = Field(None, ge=0, le=10**12, description="tokens sent in the largest measured request")
    max_cost_usd_per_request: float | None = Field(None, ge=0, le=1e6, description="mean cost of a request")


class Option(BaseModel):
    """What was measured of one strategy."""

    model_config = ConfigDict(frozen=True)

    label: str
    quality: float = Field(description="mean of the metric that decides")
    is_co_winner: bool = Field(description="no other strategy is shown to be better")
    loss_bound: float = Field(ge=0, description="what it loses at most against the top scorer, with 95 % confidence")
    usd_per_request: float | None = Field(description="null: the price is unknown")
    largest_tokens: int = Field(ge=0, description="tokens sent in the largest measured request")
    p95: Quantile | None = Field(description="null: not measured")


class Considered(BaseModel):
    """One option against the constraints."""

    model_config = ConfigDict(frozen=True)

    label: str
    is_allowed: bool
    reasons: list[str] = Field(description="the constraints that it fails, with the values")


class Recommendation(BaseModel):
    """The option to take, if any, with what became of all."""

    model_config = ConfigDict(frozen=True)

    label: str | None
    is_safe: bool = Field(description="a co-winner that loses no more than tolerated against the top scorer")
    sentence: str
    options: list[Considered]


def recommend(
    options: Sequence[Option], constraints: Constraints, loss_tolerance: float = LOSS_TOLERANCE
) -> Recommendation:
    """Return the cheapest safe option within the constraints; without a safe one, the best scorer that is allowed.

    By cost where all safe options' prices are known, else by tokens; ties by tokens, quality and label. What was not
    measured, an unknown price included, cannot meet a constraint.
    """
    considered = [_considered(option, constraints) for option in options]
    allowed = [option for option, one in zip(options, considered, strict=True) if one.is_allowed]
    safe = [option for option in allowed if option.is_co_winner and option.loss_bound <= loss_tolerance]
    if safe:
        chosen, how = _cheapest(safe)
        sentence = f"{chosen.label}: {how}. {_loss(chosen)}"
    elif allowed:
        chosen = min(allowed, key=lambda option: (-option.quality, option.largest_tokens, option.label))
        sentence = (
            f"{chosen.label}: the best score within the constraints, where no strategy is shown to be safe (to lose at "
            f"most {loss_tolerance:.3f}). {_loss(chosen)}"
        )
    else:
        return Recommendation(
            label=None, is_safe=False, sentence="no strategy meets the constraints", options=considered
        )
    return Recommendation(label=chosen.label, is_safe=bool(safe), sentence=sentence, options=considered)


def _considered(option: Option, constraints: Constraints) -> Considered:
    reasons = []
    limit_ms = constraints.max_p95_ms
    if limit_ms is not None and option.p95 is None:
        reasons.append(f"p95 was not measured (limit {limit_ms:g} ms)")
    elif limit_ms is not None and option.p95 is not None and option.p95.high_seconds * 1_000 > limit_ms:
        high_ms = option.p95.high_seconds * 1_000
        reasons.append(f"p95 may be as high as {high_ms:.4g} ms, over the limit of {limit_ms:g} ms")
    if constraints.max_tokens is not None and option.largest_tokens > constraints.max_tokens:
        reasons.append(f"it sent {option.largest_tokens:,} tokens, over the limit of {constraints.max_tokens:,}")
    limit_usd = constraints.max_cost_usd_per_request
    if limit_usd is not None and option.usd_per_request is None:
        reasons.append(f"{PRICE_UNKNOWN} (limit {shown_usd(limit_usd)} per request)")
    elif limit_usd is not None and option.usd_per_request is not None and option.usd_per_request > limit_usd:
        cost = shown_usd(option.usd_per_request)
        reasons.append(f"a request costs {cost}, over the limit of {shown_usd(limit_usd)}")
    return Considered(label=option.label, is_allowed=not reasons, reasons=reasons)


def _cheapest(safe: Sequence[Option]) -> tuple[Option, str]:
    """Return the option to take and in which sense it is the cheapest."""
    costs = [option.usd_per_request for option in safe]
    if None in costs:
        chosen = min(safe, key=lambda option: (option.largest_tokens, -option.quality, option.label))
        return chosen, f"fewest tokens of the {len(safe)} safe within the constraints, as a {PRICE_UNKNOWN}"
    chosen = min(
        safe, key=lambda option: (option.usd_per_request or 0.0, option.largest_tokens, -option.quality, option.label)
    )
    cost = shown_usd(chosen.usd_per_request)
    return chosen, f"cheapest of the {len(safe)} safe within the constraints, {cost} per request"


def _loss(chosen: Option) -> str:
    return f"Choosing it instead of the top scorer loses at most {chosen.loss_bound:.3f}."
