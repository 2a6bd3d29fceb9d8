"""Weighted sum of the signals' scores, each brought to the range 0 to 1 first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import reduce
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from configs.part import LIVE
from indexes.fusions import Candidates, Fusion


class Convex(Fusion):
    """Add up min-max normalised scores: `dense_weight` for the dense signal, the rest for the lexical one.

    A store's scores are mapped so that its worst candidate gets 0 and its best 1 (Bruch, Gai, Ingber, TOIS 2023,
    arXiv 2210.11934); where all are equal they say nothing and get 0.5. Several stores of one signal share its weight
    equally. A setup without a dense or without a lexical store is refused with ValueError.
    """

    kind: Literal["convex"]
    dense_weight: float = Field(
        0.5,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="weight of the dense signal; 1 ranks by meaning alone, 0 by words alone",
        json_schema_extra=LIVE,
    )

    def check_signals(self, signals: Sequence[str]) -> None:
        absent = [signal for signal in ("dense", "lexical") if signal not in signals]
        if absent:
            raise ValueError(
                f"the fusion convex needs a dense and a lexical store, but there is no {' and no '.join(absent)} one; "
                "add such a store, or use the fusion reciprocal_rank"
            )

    def fuse(self, candidates: Candidates) -> npt.NDArray[np.float64]:
        self.check_signals(candidates.signals)
        stores = Counter(candidates.signals)
        weights = {"dense": self.dense_weight, "lexical": 1 - self.dense_weight}
        terms = [
            _min_max(scores) * (weights[signal] / stores[signal])
            for scores, signal in zip(candidates.scores, candidates.signals, strict=True)
        ]
        return reduce(np.add, np.sort(terms, axis=0))  # sorted, so that the order of the stores changes no sum


def _min_max(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the scores mapped to 0 to 1; 0.5 where all are equal."""
    if not len(scores):
        return scores
    lowest, spread = scores.min(), np.ptp(scores)
    return (scores - lowest) / spread if spread > 0 else np.full(len(scores), 0.5)
