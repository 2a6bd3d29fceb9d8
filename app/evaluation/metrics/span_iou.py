"""How well the first passages and the marked text match."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from app.evaluation.metrics import DEEPEST, Judged, Metric, Requirement
from app.evaluation.metrics.credited_spans import credit
from configs.part import LIVE


class SpanIou(Metric):
    """Intersection over union of the first k passages and the marked text in characters, in [0, 1].

    n / (Σ|C| + |R - T|), n the marked characters found, Σ|C| the passages' lengths added up, |R - T| the marked
    characters missed: Chroma, "Evaluating Chunking Strategies for Retrieval" (2024).
    """

    requires: ClassVar[Requirement] = "span_labels"

    kind: Literal["span_iou"]
    k: int = Field(5, ge=1, le=DEEPEST, description="passages that are read", json_schema_extra=LIVE)

    @property
    def name(self) -> str:
        return f"span_iou@{self.k}"

    @property
    def depth_passages(self) -> int:
        return self.k

    def measure(self, judged: Judged) -> float:
        found = judged.places(self.k)
        credited = credit(judged.gold.labels, found)
        missed = sum(map(len, credited.gold)) - sum(map(len, credited.covered))
        return sum(map(len, credited.used)) / (sum(map(len, found)) + missed)
