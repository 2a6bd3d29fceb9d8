"""What one search found for one question, as deep as metrics look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.context.found_passages import Passage
from app.evaluation.economics.latency import StageSeconds
from indexes.search import Hit

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What one retrieval setup found for one question; the strategy itself would see the first `own` passages.

    `capped` are the hits that a cap on their source dropped, at the depth of the passages; `stages` are the seconds of
    its own search; `vector` is the question's own, before anybody's interests moved it.
    """

    passages: Sequence[Passage]
    own: int
    is_exhausted: bool
    stages: StageSeconds
    vector: Vector | None = None
    capped: Sequence[Hit] = ()

    @property
    def seconds(self) -> float:
        """Return how long the search took that the strategy itself would make."""
        return sum(self.stages.values())

    @property
    def packable(self) -> Sequence[Passage]:
        """Return the passages that packing may choose from."""
        return self.passages[: self.own]


@dataclass(frozen=True, slots=True)
class Depth:
    """How far metrics look down a ranked list, where there is so much."""

    documents: int = 0
    passages: int = 0
