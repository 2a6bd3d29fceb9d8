"""How much of the marked text is sent over a range of budgets, in one number."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from app.evaluation.metrics import Judged, Metric, Reading, Requirement
from app.evaluation.metrics.credited_spans import credit
from app.evaluation.span_metrics import span_recall
from configs.part import LIVE

CURVE_BUDGETS_TOKENS = (500, 1_000, 2_000, 4_000)


class BudgetCurveArea(Metric):
    """The area under recall over the logarithm of the budget from 500 to 4,000 tokens, in [0, 1].

    The curve is straight between 500, 1,000, 2,000 and 4,000 tokens, and the area is divided by that of a recall of 1
    throughout: each doubling of the budget weighs the same.
    """

    requires: ClassVar[Requirement] = "span_labels"

    kind: Literal["budget_curve_area"]
    of: Literal["recall_at_tokens", "context_recall"] = Field(
        "recall_at_tokens",
        description="whose curve: `recall_at_tokens` cuts the ranked text, `context_recall` takes the packed contexts",
        json_schema_extra=LIVE,
    )

    @property
    def name(self) -> str:
        return f"budget_curve_area_{self.of}"

    @property
    def reads(self) -> Reading:
        return "context" if self.of == "context_recall" else "ranking"

    @property
    def budgets_tokens(self) -> tuple[int, ...]:
        return CURVE_BUDGETS_TOKENS

    def measure(self, judged: Judged) -> float:
        heights = []
        for budget_tokens in CURVE_BUDGETS_TOKENS:
            is_packed = self.reads == "context"
            sent = judged.context(budget_tokens).spans if is_packed else judged.cut(budget_tokens)
            credited = credit(judged.gold.labels, sent)
            heights.append(span_recall(credited.gold, credited.covered))
        widths = np.diff(np.log(CURVE_BUDGETS_TOKENS))
        means = (np.array(heights[:-1]) + np.array(heights[1:])) / 2
        return float(np.average(means, weights=widths))
