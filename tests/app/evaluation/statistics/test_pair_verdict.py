"""What is said of a pair: counts by hand, needs and notes only where it is too close, the failures' column."""

from __future__ import annotations

import math

import numpy as np
import pytest

from app.evaluation.statistics.analysis import analyse
from app.evaluation.statistics.pair_verdict import NOT_WORTH_DECIDING, PairVerdict
from app.evaluation.statistics.power import detectable, more_to_detect, more_to_show_equivalence
from app.evaluation.statistics.score_table import ScoreTable
from tests.app.evaluation.statistics.tables import PLAN, table_of


def only_pair(table: ScoreTable, margin: float = 0.02) -> PairVerdict:
    (pair,) = analyse(table, PLAN.model_copy(update={"margin": margin})).pairs
    return pair


def noisy(mean: float, questions: int = 100) -> ScoreTable:
    random = np.random.default_rng(3)
    second = random.uniform(0.47, 0.53, questions)
    return table_of(np.array([second + mean + random.uniform(-0.25, 0.25, questions), second]))


def test_wins_ties_and_losses_are_counted_by_question() -> None:
    pair = only_pair(table_of(np.array([[1.0, 0.5, 0.1 + 0.2, 0.0], [0.0, 0.5, 0.3, 0.5]])))
    assert (pair.first, pair.second) == ("a", "b")
    assert (pair.wins, pair.ties, pair.losses) == (1, 2, 1)
    assert pair.difference == pytest.approx(0.125)
    assert pair.interval_method == "plus_two"


def test_the_failures_column_leaves_a_question_out_of_both() -> None:
    scores = np.array([[1.0, 1.0, 0.6], [0.5, 0.7, 0.0]])
    pair = only_pair(table_of(scores, failed=[(0, 0), (1, 2)]))
    assert pair.difference == pytest.approx((1.6 - 1.2) / 3)
    assert pair.difference_without_failures == pytest.approx(0.3)
    assert only_pair(table_of(scores, failed=[(0, 0), (0, 1), (0, 2)])).difference_without_failures is None


def test_too_close_tells_how_many_more_questions() -> None:
    table = noisy(0.0)
    pair = only_pair(table)
    error = float(np.std(table.scores[0] - table.scores[1], ddof=1)) / 10
    alpha = 0.05 * 6 / math.pi**2
    assert (pair.verdict, pair.reason) == ("too_close_to_call", "not_enough_questions")
    assert pair.detectable_single == pytest.approx(float(detectable(np.array(error), alpha)))
    assert pair.detectable_family == pytest.approx(pair.detectable_single)
    assert pair.questions_to_detect == more_to_detect(error, 100, 0.02, alpha, 1)
    assert pair.questions_to_show_equivalence == more_to_show_equivalence(error, 100, 0.02)
    assert pair.note is None


def test_above_five_thousand_more_a_pair_is_not_worth_deciding() -> None:
    pair = only_pair(noisy(0.0), margin=0.002)
    assert pair.questions_to_detect is not None
    assert pair.questions_to_show_equivalence is not None
    assert min(pair.questions_to_detect, pair.questions_to_show_equivalence) > 5_000
    assert pair.note == NOT_WORTH_DECIDING


@pytest.mark.parametrize(("mean", "verdict"), [(0.2, "better"), (-0.2, "worse")])
def test_a_decided_pair_needs_no_more(mean: float, verdict: str) -> None:
    pair = only_pair(noisy(mean))
    assert (pair.verdict, pair.reason, pair.note) == (verdict, None, None)
    assert (pair.questions_to_detect, pair.questions_to_show_equivalence) == (None, None)
    assert pair.interval_method == "bca"
    assert math.copysign(1, pair.low) == math.copysign(1, pair.high) == math.copysign(1, mean)


def test_a_small_difference_that_is_shown_is_smaller_than_the_margin() -> None:
    pair = only_pair(noisy(0.06), margin=0.08)
    assert (pair.verdict, pair.reason) == ("too_close_to_call", "smaller_than_margin")


def test_the_effect_size_is_the_difference_over_its_deviation() -> None:
    table = noisy(0.1)
    values = table.scores[0] - table.scores[1]
    assert only_pair(table).effect_size == pytest.approx(values.mean() / values.std(ddof=1))
    assert only_pair(table_of(np.full((2, 30), 0.5))).effect_size is None


def test_one_cluster_leaves_open_what_cannot_be_known() -> None:
    table = noisy(0.0)
    pair = only_pair(table_of(table.scores, clusters=np.zeros(100, dtype=np.int64)))
    assert pair.verdict == "too_close_to_call"
    assert (pair.detectable_single, pair.detectable_family, pair.effect_size) == (None, None, None)
    assert (pair.questions_to_detect, pair.questions_to_show_equivalence, pair.note) == (None, None, None)
    assert pair.p == 1.0
