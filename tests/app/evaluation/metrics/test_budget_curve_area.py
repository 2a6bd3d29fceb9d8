"""The area under recall over the logarithm of the budget, by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.app.evaluation.metrics.answers import answer, marked, metric, score, score_ranked

BUDGETS = (500, 1_000, 2_000, 4_000)
PACKED = metric("budget_curve_area", of="context_recall")
RANKED = metric("budget_curve_area", of="recall_at_tokens")


def area(*recalls: float) -> float | None:
    """Return the score where the contexts hold these shares of 100 marked characters."""
    contexts = {budget: [(0, round(100 * recall))] for budget, recall in zip(BUDGETS, recalls, strict=True)}
    return score(PACKED, answer([], contexts), marked(0, 100))


def test_a_curve_by_hand() -> None:
    assert area(0.2, 0.4, 0.9, 1.0) == pytest.approx((0.2 / 2 + 0.4 + 0.9 + 1.0 / 2) / 3)


def test_finding_all_at_once_is_1_and_nothing_is_0() -> None:
    assert area(1, 1, 1, 1) == pytest.approx(1.0)
    assert area(0, 0, 0, 0) == 0.0


def test_finding_early_is_worth_more() -> None:
    assert area(0, 1, 1, 1) == pytest.approx(2.5 / 3)
    assert area(0, 0, 1, 1) == pytest.approx(1.5 / 3)
    assert area(0, 0, 0, 1) == pytest.approx(0.5 / 3)


def test_ranked_text_is_cut_at_every_budget() -> None:
    """10,000 characters from offset 0 on; a cut after n letters lies behind character 2n - 1."""
    recalls = [999 / 10_000, 1_999 / 10_000, 3_999 / 10_000, 7_999 / 10_000]
    expected = (recalls[0] / 2 + recalls[1] + recalls[2] + recalls[3] / 2) / 3
    assert score_ranked(RANKED, [(0, 10_000)], marked(0, 10_000)) == pytest.approx(expected)


def test_it_equals_the_mean_of_its_neighbours_recalls() -> None:
    outcome = answer([(3_000, 4_800), (0, 2_600)])
    labels = marked(100, 900), marked(4_000, 4_900)
    recalls = [score(metric("recall_at_tokens", budget_tokens=one), outcome, *labels) or 0.0 for one in BUDGETS]
    assert len(set(recalls)) > 1
    expected = (recalls[0] / 2 + recalls[1] + recalls[2] + recalls[3] / 2) / 3
    assert score(RANKED, outcome, *labels) == pytest.approx(expected)


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_it_lies_between_the_lowest_and_the_highest_recall(recalls: list[float]) -> None:
    recalls = [round(recall, 2) for recall in recalls]
    found = area(*recalls)
    assert found is not None
    assert min(recalls) - 1e-9 <= found <= max(recalls) + 1e-9


def test_it_reads_what_its_curve_reads() -> None:
    assert (RANKED.reads, PACKED.reads) == ("ranking", "context")
    assert RANKED.budgets_tokens == PACKED.budgets_tokens == BUDGETS


def test_a_reference_line_is_measured_too() -> None:
    assert score(RANKED, answer([(0, 100)], is_baseline=True), marked(0, 200)) == pytest.approx(0.5)
