"""How long users wait: quantiles of serially probed request times, with exact bootstrap intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import bdtrc

StageSeconds = Mapping[str, float]
"""How long each stage of one request took."""

FEWEST_REQUESTS = 100
FEWEST_REQUESTS_FOR_P99 = 1_000


class Quantile(BaseModel):
    """A quantile of the request times with its 95 % bootstrap percentile interval."""

    model_config = ConfigDict(frozen=True)

    seconds: float
    low_seconds: float
    high_seconds: float


class Latency(BaseModel):
    """The request times of one strategy; a quantile that its requests cannot carry is null."""

    model_config = ConfigDict(frozen=True)

    requests: int
    p50: Quantile | None = Field(description=f"null for fewer than {FEWEST_REQUESTS} requests")
    p95: Quantile | None = Field(description=f"null for fewer than {FEWEST_REQUESTS} requests")
    p99: Quantile | None = Field(description=f"null for fewer than {FEWEST_REQUESTS_FOR_P99:,} requests")


def latency_of(seconds: Sequence[float]) -> Latency:
    """Return the quantiles of times that were measured one request after another, warm-up left out."""
    ordered = np.sort(np.asarray(seconds, dtype=np.float64))
    is_enough, is_enough_for_p99 = len(ordered) >= FEWEST_REQUESTS, len(ordered) >= FEWEST_REQUESTS_FOR_P99
    return Latency(
        requests=len(ordered),
        p50=quantile_of(ordered, 0.5) if is_enough else None,
        p95=quantile_of(ordered, 0.95) if is_enough else None,
        p99=quantile_of(ordered, 0.99) if is_enough_for_p99 else None,
    )


def stage_medians(requests: Sequence[StageSeconds]) -> dict[str, float]:
    """Return the median seconds of each stage over the requests that had it."""
    stages = dict.fromkeys(stage for request in requests for stage in request)
    return {stage: float(np.median([one[stage] for one in requests if stage in one])) for stage in stages}


def quantile_of(ordered: npt.NDArray[np.float64], share: float) -> Quantile:
    """Return the smallest value that at least `share` of the `ordered` values (float64 [n], ascending) do not exceed.

    Its bootstrap distribution is known, so nothing is drawn: a resample's k-th smallest value is at most the j-th
    smallest of the sample with the probability that k or more of n draws fall on the first j values, which is binomial
    (Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1), 1979, section 3).
    """
    size = len(ordered)
    rank = max(1, math.ceil(share * size - 1e-9))
    at_most = bdtrc(rank - 1, size, np.arange(1, size + 1) / size)
    low, high = (int(np.argmax(at_most >= bound)) for bound in (0.025, 0.975))
    return Quantile(
        seconds=float(ordered[rank - 1]), low_seconds=float(ordered[low]), high_seconds=float(ordered[high])
    )
