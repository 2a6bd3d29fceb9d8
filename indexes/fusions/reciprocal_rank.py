"""Sum of reciprocal ranks: only the order in each list counts, not the scores."""

from __future__ import annotations

from functools import reduce
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from configs.part import LIVE
from indexes.fusions import Candidates, Fusion


class ReciprocalRank(Fusion):
    """Add 1 / (k + rank) over the stores' lists, ranks from 1; a list that does not hold the candidate adds nothing.

    Cormack, Clarke, Büttcher, SIGIR 2009. Needs no comparable scores, and cannot tell a clear winner from a narrow one.
    """

    kind: Literal["reciprocal_rank"]
    k: int = Field(
        60,
        ge=1,
        le=1000,
        description="how little the first ranks stand out; ranks count from 1, so 60 is the value of the paper",
        json_schema_extra=LIVE,
    )

    def fuse(self, candidates: Candidates) -> npt.NDArray[np.float64]:
        terms = np.where(candidates.ranks > 0, 1.0 / (self.k + candidates.ranks), 0.0)
        return reduce(np.add, np.sort(terms, axis=0))  # sorted, so that the order of the stores changes no sum
