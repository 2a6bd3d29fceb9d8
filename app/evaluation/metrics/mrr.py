"""Mean reciprocal rank of the first marked answer found; its mean is taken over the questions."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from app.evaluation.metrics import DEEPEST, Judged, Metric, Requirement
from app.evaluation.metrics.first_find import rank_of_first_find
from configs.part import LIVE


class MeanReciprocalRank(Metric):
    """1 / the rank of the passage with which any marked answer is found, 0 where none is by rank k; in [0, 1].

    A marked span is found once the passages so far hold at least half of it together, a marked document with its first
    passage.
    """

    requires: ClassVar[Requirement] = "any_labels"

    kind: Literal["mrr"]
    k: int = Field(10, ge=1, le=DEEPEST, description="passages that are read", json_schema_extra=LIVE)

    @property
    def name(self) -> str:
        return f"mrr@{self.k}"

    @property
    def depth_passages(self) -> int:
        return self.k

    def measure(self, judged: Judged) -> float:
        rank = rank_of_first_find(judged, self.k)
        return 0.0 if rank is None else 1 / rank
