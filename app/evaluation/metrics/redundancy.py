"""How much of the context repeats itself."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from app.evaluation.metrics import Judged, Metric, Reading, Requirement
from app.evaluation.metrics.credited_spans import disjoint
from configs.part import LIVE


class Redundancy(Metric):
    """1 - the characters of the context, each once / all its characters; in [0, 1), lower is better.

    Repetition is of the same place in a document; text that recurs in another place is none. 0 where nothing is sent.
    """

    requires: ClassVar[Requirement] = "any_labels"
    can_decide: ClassVar[bool] = False

    kind: Literal["redundancy"]
    budget_tokens: int = Field(
        1_000,
        ge=64,
        le=1_000_000,
        description="tokens of the retrieved text with its envelope; instructions and question come on top",
        json_schema_extra=LIVE,
    )

    @property
    def name(self) -> str:
        return f"redundancy@{self.budget_tokens}"

    @property
    def reads(self) -> Reading:
        return "context"

    @property
    def budgets_tokens(self) -> tuple[int, ...]:
        return (self.budget_tokens,)

    def measure(self, judged: Judged) -> float:
        found = judged.context(self.budget_tokens).spans
        characters = sum(map(len, found))
        return 1 - sum(map(len, disjoint(found))) / characters if characters else 0.0
