"""The family of fusions: one order out of several stores' scores and ranks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from configs.part import Part, import_members


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The union of what several stores found for one query.

    `scores` float64 [stores, candidates]: each candidate's true score in each store, fetched where the store's own list
    did not hold it. `ranks` int64 [stores, candidates]: rank from 1 in the store's list, 0 where absent. `signals` says
    `dense` or `lexical` for each store.
    """

    scores: npt.NDArray[np.float64]
    ranks: npt.NDArray[np.int64]
    signals: Sequence[str]


class Fusion(Part):
    """Combines the lists of two or more stores.

    Promises: returns float64 [candidates], higher is better; the order of the candidates or of the stores does not
    change any candidate's score; no candidates give an empty array; never NaN.
    """

    def check_signals(self, signals: Sequence[str]) -> None:  # most fusions take any signals
        """Raise ValueError where the fusion cannot combine stores with these signals (`dense`, `lexical`)."""

    @abstractmethod
    def fuse(self, candidates: Candidates) -> npt.NDArray[np.float64]:
        """Return each candidate's fused score."""


import_members(__name__, __path__)
