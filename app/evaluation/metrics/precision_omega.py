"""The best precision that a chunker's borders allow."""

from __future__ import annotations

from typing import ClassVar, Literal

from app.evaluation.metrics import DEEPEST, Judged, Metric, Requirement
from app.evaluation.metrics.credited_spans import credit, disjoint


class PrecisionOmega(Metric):
    """Precision of exactly those passages that hold marked text, in [0, 1]; 0 where none does.

    |T| / (|C| + |R - T|), C the union of all ranked passages that hold any of the marked text R, T what of R they hold:
    Chroma, "Evaluating Chunking Strategies for Retrieval" (2024). It judges where the borders lie, not the search, as
    far as the ranked list reaches: marked text beyond its end counts as missed, so it asks for 1,000 passages.
    """

    requires: ClassVar[Requirement] = "span_labels"

    kind: Literal["precision_omega"]

    @property
    def name(self) -> str:
        return "precision_omega"

    @property
    def depth_passages(self) -> int:
        return DEEPEST

    def measure(self, judged: Judged) -> float:
        credited = credit(judged.gold.labels, judged.places())
        holding = [one for one in judged.places() if any(one.overlap(used) for used in credited.used)]
        missed = sum(map(len, credited.gold)) - sum(map(len, credited.covered))
        return sum(map(len, credited.used)) / (sum(map(len, disjoint(holding))) + missed)
