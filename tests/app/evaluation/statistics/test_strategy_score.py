"""Scores of strategies: means with and without failures, and when failures forbid a winner."""

from __future__ import annotations

import numpy as np
import pytest

from app.evaluation.statistics.cluster_totals import cluster_totals
from app.evaluation.statistics.intervals import draw_resamples
from app.evaluation.statistics.score_table import ScoreTable
from app.evaluation.statistics.strategy_score import StrategyScore, score_strategies, too_many_failures
from tests.app.evaluation.statistics.tables import table_of


def scored(table: ScoreTable) -> list[StrategyScore]:
    totals = cluster_totals(table.scores, table.clusters)
    return score_strategies(table, totals, draw_resamples(totals.clusters, 500, seed=1))


def test_a_failed_cell_scores_0_and_is_left_out_of_the_second_column() -> None:
    first, second = scored(table_of(np.array([[1.0, 0.5, 0.9], [0.2, 0.4, 0.6]]), failed=[(0, 2)]))
    assert (first.label, first.failures) == ("a", 1)
    assert (first.mean, first.mean_without_failures) == pytest.approx((0.5, 0.75))
    assert second.failures == 0
    assert second.mean == pytest.approx(0.4)
    assert second.mean_without_failures == pytest.approx(0.4)


def test_a_strategy_that_only_failed_has_no_second_column() -> None:
    (score,) = scored(table_of(np.ones((1, 3)), failed=[(0, 0), (0, 1), (0, 2)]))
    assert (score.mean, score.mean_without_failures, score.failures) == (0.0, None, 3)


def test_the_interval_holds_the_mean() -> None:
    scores = np.random.default_rng(2).random((3, 80))
    for score, row in zip(scored(table_of(scores)), scores, strict=True):
        assert score.low < score.mean < score.high
        half = 1.96 * row.std() / np.sqrt(80)
        assert score.high - score.low == pytest.approx(2 * half, rel=0.15)


def some_failures(*counts: int) -> list[StrategyScore]:
    return [
        StrategyScore(label=label, mean=0.5, low=0.4, high=0.6, mean_without_failures=0.5, failures=failures)
        for label, failures in zip("abc", counts, strict=False)
    ]


@pytest.mark.parametrize(
    ("failures", "questions", "culprit"),
    [((0, 2, 1), 100, None), ((0, 3, 1), 100, "b"), ((1, 0, 0), 49, "a"), ((1, 0, 0), 50, None), ((3, 3, 9), 100, "c")],
)
def test_above_two_percent_there_is_no_winner(failures: tuple[int, ...], questions: int, culprit: str | None) -> None:
    reason = too_many_failures(some_failures(*failures), questions)
    if culprit is None:
        assert reason is None
    else:
        assert reason is not None
        assert reason.startswith(f"{culprit} failed on {max(failures)} of {questions}")
