"""Whether the context holds something of every document that an answer needs."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from app.evaluation.metrics import Judged, Metric, Reading, Requirement
from app.evaluation.metrics.credited_spans import places_of
from configs.part import LIVE


class AllEvidenceAnyChunk(Metric):
    """1 where the context holds any text of every marked document, else 0.

    Any chunk of a document is taken for the evidence in it, so it says less than `all_evidence`. A copy of a marked
    span stands for the span's document.
    """

    requires: ClassVar[Requirement] = "document_labels"

    kind: Literal["all_evidence_any_chunk"]
    budget_tokens: int = Field(
        1_000,
        ge=64,
        le=1_000_000,
        description="tokens of the retrieved text with its envelope; instructions and question come on top",
        json_schema_extra=LIVE,
    )

    @property
    def name(self) -> str:
        return f"all_evidence_any_chunk@{self.budget_tokens}"

    @property
    def reads(self) -> Reading:
        return "context"

    @property
    def budgets_tokens(self) -> tuple[int, ...]:
        return (self.budget_tokens,)

    def measure(self, judged: Judged) -> float:
        found = [place for place in judged.context(self.budget_tokens).spans if len(place)]
        versions = {place.version_id for place in found}
        documents = {one.document_id for one in judged.outcome.ranked if one.place.version_id in versions}
        for label in judged.gold.labels:
            if any(place.overlap(source) for source in places_of(label) for place in found):
                documents.add(label.document_id)
        return float(judged.gold.document_grades.keys() <= documents)
