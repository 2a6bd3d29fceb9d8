"""From how many documents the context is made."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from app.evaluation.metrics import Judged, Metric, Reading, Requirement
from configs.part import LIVE


class SourceCount(Metric):
    """The number of documents of which the context holds text: neither more nor fewer is better as such."""

    requires: ClassVar[Requirement] = "any_labels"
    can_decide: ClassVar[bool] = False

    kind: Literal["source_count"]
    budget_tokens: int = Field(
        1_000,
        ge=64,
        le=1_000_000,
        description="tokens of the retrieved text with its envelope; instructions and question come on top",
        json_schema_extra=LIVE,
    )

    @property
    def name(self) -> str:
        return f"source_count@{self.budget_tokens}"

    @property
    def reads(self) -> Reading:
        return "context"

    @property
    def budgets_tokens(self) -> tuple[int, ...]:
        return (self.budget_tokens,)

    def measure(self, judged: Judged) -> float:
        return float(len({place.version_id for place in judged.context(self.budget_tokens).spans if len(place)}))
