"""What a strategy must keep to be promoted to an alias."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MOST_MARGIN = 0.1
"""What may be lost with wider margins is a regression by any measure; what was set wider before counts as this."""


class Limits(BaseModel):
    """Limits on what an experiment measured; null sets none. Held against them is the end of an interval that is worse:
    the lower end of the score, the upper end of what a request takes.

    With `question_set` and `metric` evidence counts only where it asked that set and was decided by that metric.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    margin: float = Field(
        0.05, gt=0, le=MOST_MARGIN, description="widest margin of an experiment that counts as evidence"
    )
    question_set: str | None = Field(
        None, min_length=1, max_length=200, description="the question set that evidence must have asked; null takes any"
    )
    metric: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="the deciding metric of evidence, as `recall@10`; null takes any",
    )
    least_questions: int | None = Field(
        20,
        ge=1,
        le=10_000,
        description="fewest independent questions that decide: those whose marked answers overlap, or that name one "
        "cluster, count as one",
    )
    least_score: float | None = Field(
        None, ge=0, le=1, description="what the deciding metric's mean must surely reach (lower end of its interval)"
    )
    p95_seconds: float | None = Field(None, gt=0, le=3_600, description="95th percentile of the timed requests")
    request_tokens: float | None = Field(
        None, gt=0, le=2_000_000, description="mean tokens of a request, instructions and question included"
    )
    usd_per_request: float | None = Field(None, gt=0, le=1_000, description="mean cost of a request's input tokens")
    model: str = Field(
        "gpt-5-mini", min_length=1, max_length=200, description="language model at whose list price tokens cost"
    )
