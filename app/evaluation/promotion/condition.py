"""One condition of a promotion, with the figures that it was decided by."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Literal[
    "evidence", "strategy", "agreement", "question_set", "documents", "access", "index", "embedder", "failures",
    "questions", "score", "margin", "no_regression", "must_pass", "latency", "tokens", "cost",
]  # fmt: skip
MOST_ITEMS = 20


class Condition(BaseModel):
    """Whether a condition is met, and by what figures."""

    model_config = ConfigDict(frozen=True)

    name: Name
    is_met: bool
    detail: str = Field(description="the figures, in words")
    measured: float | None = Field(None, description="what is held against `limit`")
    limit: float | None = None
    items: list[str] = Field([], description=f"ids that the detail speaks of, at most {MOST_ITEMS}")


def condition(
    name: Name, is_met: bool, detail: str, *, measured: float | None = None, limit: float | None = None,
    items: list[str] | None = None,
) -> Condition:  # fmt: skip
    """Return the condition with as many items as are shown."""
    return Condition(
        name=name, is_met=is_met, detail=detail, measured=measured, limit=limit, items=(items or [])[:MOST_ITEMS]
    )  # fmt: skip
