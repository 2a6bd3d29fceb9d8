"""Mean average precision of the documents found; its mean is taken over the questions."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from app.evaluation.metrics import DEEPEST, Judged, Metric, Requirement
from app.evaluation.metrics.credited_documents import ranked_grades
from configs.part import LIVE


class MeanAveragePrecision(Metric):
    """Average precision over the first k documents, in [0, 1].

    The precision at the rank of each marked document, added up and divided by the number of marked documents, those
    beyond k included, as in trec_eval's `map_cut`. Passages are collapsed to documents, each at its best passage.
    """

    requires: ClassVar[Requirement] = "document_labels"

    kind: Literal["map"]
    k: int = Field(100, ge=1, le=DEEPEST, description="documents that are read", json_schema_extra=LIVE)

    @property
    def name(self) -> str:
        return f"map@{self.k}"

    @property
    def depth_documents(self) -> int:
        return self.k

    def measure(self, judged: Judged) -> float:
        is_marked = ranked_grades(judged.outcome.ranked, judged.gold, self.k) > 0
        precisions = np.cumsum(is_marked) / (np.arange(len(is_marked)) + 1)
        return float(np.sum(precisions[is_marked])) / len(judged.gold.document_grades)
