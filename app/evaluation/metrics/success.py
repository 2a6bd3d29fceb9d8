"""Whether any marked answer is found at all."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from app.evaluation.metrics import DEEPEST, Judged, Metric, Requirement
from app.evaluation.metrics.first_find import rank_of_first_find
from configs.part import LIVE


class Success(Metric):
    """1 where any marked answer is found by rank k, else 0.

    A marked span is found once the passages so far hold at least half of it together, a marked document with its first
    passage.
    """

    requires: ClassVar[Requirement] = "any_labels"

    kind: Literal["success"]
    k: int = Field(5, ge=1, le=DEEPEST, description="passages that are read", json_schema_extra=LIVE)

    @property
    def name(self) -> str:
        return f"success@{self.k}"

    @property
    def depth_passages(self) -> int:
        return self.k

    def measure(self, judged: Judged) -> float:
        return float(rank_of_first_find(judged, self.k) is not None)
