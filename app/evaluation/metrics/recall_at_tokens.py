"""How much of the marked text a ranked list sends within a budget."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from app.evaluation.metrics import Judged, Metric, Requirement
from app.evaluation.metrics.credited_spans import credit
from app.evaluation.span_metrics import span_recall
from configs.part import LIVE


class RecallAtTokens(Metric):
    """The share of the marked characters in the ranked source text cut at the budget, in [0, 1].

    The last passage is cut; characters marked or sent twice count once; prefixes and envelopes cost nothing. It
    compares retrieval: how a strategy packs and renders has no influence.
    """

    requires: ClassVar[Requirement] = "span_labels"

    kind: Literal["recall_at_tokens"]
    budget_tokens: int = Field(
        1_000,
        ge=1,
        le=1_000_000,
        description="tokens of source text that are read",
        json_schema_extra=LIVE,
    )

    @property
    def name(self) -> str:
        return f"recall_at_tokens@{self.budget_tokens}"

    @property
    def budgets_tokens(self) -> tuple[int, ...]:
        return (self.budget_tokens,)

    def measure(self, judged: Judged) -> float:
        credited = credit(judged.gold.labels, judged.cut(self.budget_tokens))
        return span_recall(credited.gold, credited.covered)
