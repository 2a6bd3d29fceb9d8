"""Normalised discounted cumulative gain of the documents found."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from app.evaluation.metrics import DEEPEST, Judged, Metric, Requirement
from app.evaluation.metrics.credited_documents import ranked_grades
from configs.part import LIVE


class Ndcg(Metric):
    """The gain of the first k documents, discounted by rank, over that of the best possible order, in [0, 1].

    Σ gain / log2(rank + 1), Järvelin and Kekäläinen, ACM TOIS 20 (4), 2002. The gain is the grade itself (`linear`, as
    trec_eval has it) or 2^grade - 1 (`exponential`, Burges et al., ICML 2005); for grades of 1 both are the same.
    Passages are collapsed to documents, each at its best passage.
    """

    requires: ClassVar[Requirement] = "document_labels"

    kind: Literal["ndcg"]
    k: int = Field(10, ge=1, le=DEEPEST, description="documents that are read", json_schema_extra=LIVE)
    gain: Literal["linear", "exponential"] = Field(
        "linear",
        description="what a grade is worth: `linear`: the grade; `exponential`: 2^grade - 1",
        json_schema_extra=LIVE,
    )

    @property
    def name(self) -> str:
        return f"ndcg_{self.gain}@{self.k}"

    @property
    def depth_documents(self) -> int:
        return self.k

    def measure(self, judged: Judged) -> float:
        best = sorted(judged.gold.document_grades.values(), reverse=True)[: self.k]
        found = ranked_grades(judged.outcome.ranked, judged.gold, self.k)
        return self._discounted(found) / self._discounted(np.array(best, dtype=np.int64))

    def _discounted(self, grades: npt.NDArray[np.int64]) -> float:
        gains = grades if self.gain == "linear" else 2**grades - 1
        return float(np.sum(gains / np.log2(np.arange(len(grades)) + 2)))
