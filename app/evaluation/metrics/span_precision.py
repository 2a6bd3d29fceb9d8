"""How much of the first passages is marked text."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from app.evaluation.metrics import DEEPEST, Judged, Metric, Requirement
from app.evaluation.metrics.credited_spans import credit
from app.evaluation.span_metrics import span_precision
from configs.part import LIVE


class SpanPrecision(Metric):
    """The share of the characters of the first k passages that are marked, in [0, 1]; 0 where nothing was found.

    As in Chroma's "Evaluating Chunking Strategies for Retrieval" (2024) the passages' lengths are added up, so that
    what is found twice counts once as found and twice as read.
    """

    requires: ClassVar[Requirement] = "span_labels"

    kind: Literal["span_precision"]
    k: int = Field(5, ge=1, le=DEEPEST, description="passages that are read", json_schema_extra=LIVE)

    @property
    def name(self) -> str:
        return f"span_precision@{self.k}"

    @property
    def depth_passages(self) -> int:
        return self.k

    def measure(self, judged: Judged) -> float:
        found = judged.places(self.k)
        credited = credit(judged.gold.labels, found)
        return span_precision(credited.used, found)
