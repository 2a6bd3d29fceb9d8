"""How much of the context is paid for and holds nothing marked."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from app.evaluation.metrics import Judged, Metric, Reading, Requirement
from app.evaluation.metrics.context_text import count_tokens_at
from app.evaluation.metrics.credited_spans import credit
from configs.part import LIVE


class WastedTokens(Metric):
    """1 - the tokens of marked text in the context / all its tokens, the envelope included; in [0, 1], lower is better.

    Marked text that is sent twice is wasted once. 0 where nothing is sent.
    """

    requires: ClassVar[Requirement] = "span_labels"
    can_decide: ClassVar[bool] = False

    kind: Literal["wasted_tokens"]
    budget_tokens: int = Field(
        1_000,
        ge=64,
        le=1_000_000,
        description="tokens of the retrieved text with its envelope; instructions and question come on top",
        json_schema_extra=LIVE,
    )

    @property
    def name(self) -> str:
        return f"wasted_tokens@{self.budget_tokens}"

    @property
    def reads(self) -> Reading:
        return "context"

    @property
    def budgets_tokens(self) -> tuple[int, ...]:
        return (self.budget_tokens,)

    def measure(self, judged: Judged) -> float:
        sent = judged.context(self.budget_tokens)
        if not sent.tokens:
            return 0.0
        used = credit(judged.gold.labels, sent.spans).used
        return 1 - min(1.0, count_tokens_at(used, judged) / sent.tokens)
