"""Whether the context holds all that an answer needs."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from app.evaluation.metrics import Judged, Metric, Reading, Requirement
from app.evaluation.metrics.credited_spans import is_half_covered
from configs.part import LIVE


class AllEvidence(Metric):
    """1 where the context holds at least half of every marked span, else 0.

    None where a label of the question marks a whole document: see `all_evidence_any_chunk`.
    """

    requires: ClassVar[Requirement] = "span_labels"

    kind: Literal["all_evidence"]
    budget_tokens: int = Field(
        1_000,
        ge=64,
        le=1_000_000,
        description="tokens of the retrieved text with its envelope; instructions and question come on top",
        json_schema_extra=LIVE,
    )

    @property
    def name(self) -> str:
        return f"all_evidence@{self.budget_tokens}"

    @property
    def reads(self) -> Reading:
        return "context"

    @property
    def budgets_tokens(self) -> tuple[int, ...]:
        return (self.budget_tokens,)

    def measure(self, judged: Judged) -> float | None:
        labels = judged.gold.labels
        if any(label.place is None for label in labels):
            return None
        found = judged.context(self.budget_tokens).spans
        return float(all(is_half_covered(label, found) for label in labels))
