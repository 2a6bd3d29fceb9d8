"""Recall of what a strategy itself sends, by hand."""

from __future__ import annotations

import pytest

from tests.app.evaluation.metrics.answers import answer, marked, metric, score, score_sent
from tests.app.evaluation.spans import place


@pytest.mark.parametrize(
    ("spans", "expected"),
    [([(0, 20)], 10 / 30), ([(15, 18), (30, 40)], 13 / 30), ([(10, 40), (10, 40)], 1.0), ([(0, 10)], 0.0), ([], 0.0)],
)
def test_the_context_counts_as_it_was_packed(spans: list[tuple[int, int]], expected: float) -> None:
    assert score_sent(metric("context_recall"), spans, marked(10, 40)) == pytest.approx(expected)


def test_the_ranked_list_has_no_influence() -> None:
    outcome = answer([(10, 40)], {1_000: [(10, 25)]})
    assert score(metric("context_recall"), outcome, marked(10, 40)) == pytest.approx(0.5)


def test_each_budget_has_a_context_of_its_own() -> None:
    outcome = answer([], {500: [(0, 10)], 2_000: [(0, 40)]})
    scores = [score(metric("context_recall", budget_tokens=one), outcome, marked(0, 40)) for one in (500, 2_000)]
    assert scores == [0.25, 1.0]


def test_a_context_that_was_not_packed_is_an_error() -> None:
    with pytest.raises(KeyError, match="1000"):
        score(metric("context_recall"), answer([], {500: []}), marked(0, 40))


def test_a_copy_credits_the_marked_span_once() -> None:
    label = marked(0, 20, copies=[place(50, 70, "w")])
    assert score_sent(metric("context_recall"), [place(50, 60, "w"), place(0, 10)], label) == pytest.approx(0.5)


def test_a_reference_line_is_measured_too() -> None:
    outcome = answer([(0, 40)], {1_000: [(0, 40)]}, is_baseline=True)
    assert score(metric("context_recall"), outcome, marked(0, 80)) == pytest.approx(0.5)


def test_it_asks_for_a_context_of_its_budget() -> None:
    measure = metric("context_recall", budget_tokens=500)
    assert (measure.reads, measure.budgets_tokens) == ("context", (500,))
