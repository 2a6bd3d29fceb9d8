"""How far the model reads before the first marked text."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from app.evaluation.metrics import Judged, Metric, Reading, Requirement
from app.evaluation.metrics.context_text import count_tokens_at
from app.evaluation.metrics.credited_spans import places_of
from app.evaluation.version_span import VersionSpan
from configs.part import LIVE
from configs.span import Span


class FirstGoldPosition(Metric):
    """The tokens of source text that stand in the context before the first marked character; None where it holds none.

    Envelopes are not counted. Models read the middle of long contexts worst: Liu et al., TACL 2024.
    """

    requires: ClassVar[Requirement] = "span_labels"
    can_decide: ClassVar[bool] = False

    kind: Literal["first_gold_position"]
    budget_tokens: int = Field(
        1_000,
        ge=64,
        le=1_000_000,
        description="tokens of the retrieved text with its envelope; instructions and question come on top",
        json_schema_extra=LIVE,
    )

    @property
    def name(self) -> str:
        return f"first_gold_position@{self.budget_tokens}"

    @property
    def reads(self) -> Reading:
        return "context"

    @property
    def budgets_tokens(self) -> tuple[int, ...]:
        return (self.budget_tokens,)

    def measure(self, judged: Judged) -> float | None:
        sources = [source for label in judged.gold.labels for source in places_of(label)]
        before: list[VersionSpan] = []
        for place in judged.context(self.budget_tokens).spans:
            starts = [max(source.span.start, place.span.start) for source in sources if place.overlap(source)]
            if starts:
                before.append(VersionSpan(place.version_id, Span(place.span.start, min(starts))))
                return float(count_tokens_at(before, judged))
            before.append(place)
        return None
