"""How much of the marked text a strategy's own context holds."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from app.evaluation.metrics import Judged, Metric, Reading, Requirement
from app.evaluation.metrics.credited_spans import credit
from app.evaluation.span_metrics import span_recall
from configs.part import LIVE


class ContextRecall(Metric):
    """The share of the marked characters in what the strategy's own packer and renderer send, in [0, 1].

    The budget pays for everything that is sent with the text, the envelope above all. It compares policies; for
    retrieval alone see `recall_at_tokens`.
    """

    requires: ClassVar[Requirement] = "span_labels"

    kind: Literal["context_recall"]
    budget_tokens: int = Field(
        1_000,
        ge=64,
        le=1_000_000,
        description="tokens of the retrieved text with its envelope; instructions and question come on top",
        json_schema_extra=LIVE,
    )

    @property
    def name(self) -> str:
        return f"context_recall@{self.budget_tokens}"

    @property
    def reads(self) -> Reading:
        return "context"

    @property
    def budgets_tokens(self) -> tuple[int, ...]:
        return (self.budget_tokens,)

    def measure(self, judged: Judged) -> float:
        credited = credit(judged.gold.labels, judged.context(self.budget_tokens).spans)
        return span_recall(credited.gold, credited.covered)
