"""The scores of strategies on questions: what every statistic starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from configs.errors import InvalidInputError

Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTable:
    """Scores of S strategies on Q questions: `scores` [S, Q] within [0, 1], `failed` [S, Q], `clusters` [Q].

    A failed cell scores 0 and is flagged. Clusters are numbered from 0 without a gap. Raises ValueError for parts that
    do not fit together, InvalidInputError (`metric_out_of_range`) for a score that is not within [0, 1].
    """

    strategies: tuple[str, ...]
    questions: tuple[str, ...]
    scores: Numbers
    failed: Flags
    clusters: Integers

    def __post_init__(self) -> None:
        shape = (len(self.strategies), len(self.questions))
        if 0 in shape or self.scores.shape != shape or self.failed.shape != shape:
            raise ValueError(f"{shape} strategies and questions, scores {self.scores.shape}, flags {self.failed.shape}")
        if len(set(self.strategies)) < shape[0] or len(set(self.questions)) < shape[1]:
            raise ValueError("a strategy or a question stands twice in the table")
        if self.clusters.shape != shape[1:] or set(self.clusters.tolist()) != set(range(self.clusters.max() + 1)):
            raise ValueError("clusters are numbered from 0 without a gap, one number for each question")
        if self.scores[self.failed].any():
            raise ValueError("a failed cell scores 0")
        outside = self.scores[~((self.scores >= -1e-9) & (self.scores <= 1 + 1e-9))]
        if len(outside):
            raise InvalidInputError(
                f"verdicts need scores within 0 and 1, and one is {outside[0]}",
                hint="let a recall, success or ranking metric decide, one that is best at 1",
                code="metric_out_of_range",
            )

    def in_order(self) -> ScoreTable:
        """Return the table with its questions sorted by id, so that their order changes no random draw."""
        order = sorted(range(len(self.questions)), key=self.questions.__getitem__)
        return ScoreTable(
            strategies=self.strategies,
            questions=tuple(self.questions[number] for number in order),
            scores=self.scores[:, order],
            failed=self.failed[:, order],
            clusters=numbered(self.clusters[order].tolist()),
        )


def numbered(names: Sequence[object]) -> Integers:
    """Return a number for each name: 0, 1, 2 ... by first appearance."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)
