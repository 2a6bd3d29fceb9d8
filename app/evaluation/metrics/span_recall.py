"""How much of the marked text the first passages hold."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from app.evaluation.metrics import DEEPEST, Judged, Metric, Requirement
from app.evaluation.metrics.credited_spans import credit
from app.evaluation.span_metrics import span_recall
from configs.part import LIVE


class SpanRecall(Metric):
    """The share of the marked characters that the first k passages hold, in [0, 1].

    Characters marked or found twice count once. Long passages find more: where sizes differ, compare at equal tokens.
    """

    requires: ClassVar[Requirement] = "span_labels"

    kind: Literal["span_recall"]
    k: int = Field(5, ge=1, le=DEEPEST, description="passages that are read", json_schema_extra=LIVE)

    @property
    def name(self) -> str:
        return f"span_recall@{self.k}"

    @property
    def depth_passages(self) -> int:
        return self.k

    def measure(self, judged: Judged) -> float:
        found = judged.places(self.k)
        credited = credit(judged.gold.labels, found)
        return span_recall(credited.gold, credited.covered)
