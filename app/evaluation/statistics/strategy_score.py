"""The mean score of each strategy, with its interval and without its failures."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from app.evaluation.statistics.cluster_totals import ClusterTotals
from app.evaluation.statistics.intervals import Counts, score_intervals
from app.evaluation.statistics.score_table import ScoreTable

MOST_FAILURES = 0.02
"""With a larger share of failed cells the questions that are hard to serve decide, and there is no winner."""


class StrategyScore(BaseModel):
    """The score of one strategy over all questions."""

    model_config = ConfigDict(frozen=True)

    label: str
    mean: float = Field(description="over questions; a failed cell scores 0")
    low: float = Field(description="lower end of the 95 % interval over clusters of questions")
    high: float = Field(description="upper end of the 95 % interval over clusters of questions")
    mean_without_failures: float | None = Field(
        description="over the questions it did not fail on; null: it failed on all"
    )
    failures: int = Field(description="questions it failed on")


def score_strategies(table: ScoreTable, totals: ClusterTotals, counts: Counts) -> list[StrategyScore]:
    """Return the scores in the table's order; `totals` are those of the table's scores."""
    intervals = score_intervals(totals, counts)
    served = np.count_nonzero(~table.failed, axis=1)
    sums = table.scores.sum(axis=1)
    return [
        StrategyScore(
            label=label,
            mean=float(totals.means[row]),
            low=float(intervals.low[row]),
            high=float(intervals.high[row]),
            mean_without_failures=float(sums[row] / served[row]) if served[row] else None,
            failures=len(table.questions) - int(served[row]),
        )
        for row, label in enumerate(table.strategies)
    ]


def too_many_failures(scores: list[StrategyScore], questions: int) -> str | None:
    """Return why no winner may be named, None where every strategy failed on at most 2 % of the questions."""
    worst = max(scores, key=lambda score: (score.failures, score.label))
    if worst.failures <= MOST_FAILURES * questions:
        return None
    return (
        f"{worst.label} failed on {worst.failures} of {questions} questions, more than {MOST_FAILURES:.0%}: there is "
        "no winner; mend the cause and run again, or leave it out"
    )
