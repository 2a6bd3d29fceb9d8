"""What requests of measured sizes cost, per request and per month, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from pydantic import BaseModel, ConfigDict, Field
from scipy.special import stdtrit

from app.evaluation.economics.assumptions import Assumptions
from app.evaluation.economics.prices import ModelPrice, Usage, cost_usd
from configs.errors import InvalidInputError


class RequestCost(BaseModel):
    """Mean cost with its 95 % interval over the measured requests; null where the price is unknown.

    The interval speaks of the sizes of requests alone, and is null for a single one. Nothing is taken as cached.
    """

    model_config = ConfigDict(frozen=True)

    requests: int = Field(description="measured requests")
    mean_input_tokens: float = Field(description="instructions, context and question")
    usd_per_request: float | None
    low_usd_per_request: float | None
    high_usd_per_request: float | None
    usd_per_month: float | None = Field(description="at the assumed requests per day; building the index is apart")
    low_usd_per_month: float | None
    high_usd_per_month: float | None


def request_cost(price: ModelPrice | None, context_tokens: Sequence[int], assumptions: Assumptions) -> RequestCost:
    """Return what requests with contexts of so many tokens cost; of the assumptions, contexts are the measured ones.

    Raises InvalidInputError (`nothing_measured`) where there is no request.
    """
    if not context_tokens:
        raise InvalidInputError(
            "no request was measured", hint="a cost is a mean over at least one request", code="nothing_measured"
        )
    beside_tokens = assumptions.instruction_tokens + assumptions.question_tokens
    costs = [
        cost_usd(price, Usage(input_tokens=beside_tokens + tokens, output_tokens=assumptions.output_tokens))
        for tokens in context_tokens
    ]
    known = [cost + assumptions.retrieval_usd_per_request for cost in costs if cost is not None]
    mean, low, high = _interval(known) if len(known) == len(costs) else (None, None, None)
    monthly = assumptions.requests_per_month
    return RequestCost(
        requests=len(costs),
        mean_input_tokens=beside_tokens + fmean(context_tokens),
        usd_per_request=mean,
        low_usd_per_request=low,
        high_usd_per_request=high,
        usd_per_month=None if mean is None else mean * monthly,
        low_usd_per_month=None if low is None else low * monthly,
        high_usd_per_month=None if high is None else high * monthly,
    )


def _interval(values: Sequence[float]) -> tuple[float, float | None, float | None]:
    """Return the mean and the 95 % t interval around it, cut at 0."""
    mean = fmean(values)
    if len(values) < 2:
        return mean, None, None
    margin = float(stdtrit(len(values) - 1, 0.975)) * stdev(values) / math.sqrt(len(values))
    return mean, max(0.0, mean - margin), mean + margin
