"""How many of the marked documents are found."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from app.evaluation.metrics import DEEPEST, Judged, Metric, Requirement
from app.evaluation.metrics.credited_documents import ranked_grades
from configs.part import LIVE


class DocumentRecall(Metric):
    """The share of the marked documents among the first k documents, in [0, 1].

    Passages are collapsed to documents, each at its best passage; any passage of a document finds it.
    """

    requires: ClassVar[Requirement] = "document_labels"

    kind: Literal["document_recall"]
    k: int = Field(10, ge=1, le=DEEPEST, description="documents that are read", json_schema_extra=LIVE)

    @property
    def name(self) -> str:
        return f"document_recall@{self.k}"

    @property
    def depth_documents(self) -> int:
        return self.k

    def measure(self, judged: Judged) -> float:
        grades = ranked_grades(judged.outcome.ranked, judged.gold, self.k)
        return int(np.count_nonzero(grades)) / len(judged.gold.document_grades)
