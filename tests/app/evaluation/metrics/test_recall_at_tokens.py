"""Recall of ranked text cut at a budget, by hand."""

from __future__ import annotations

import pytest

from tests.app.evaluation.metrics.answers import answer, marked, metric, score, score_ranked, whole
from tests.app.evaluation.spans import place

RANKED = [(0, 20), (40, 60), (10, 30)]
"""Ten tokens each."""


@pytest.mark.parametrize(
    ("budget_tokens", "expected"),
    [(1, 0.0), (10, 10 / 40), (15, (10 + 9) / 40), (20, (10 + 20) / 40), (25, 30 / 40), (30, 1.0), (4_000, 1.0)],
)
def test_the_last_passage_is_cut(budget_tokens: int, expected: float) -> None:
    """Cut after five tokens, a passage ends behind its ninth character: letter, space, ..., letter."""
    measure = metric("recall_at_tokens", budget_tokens=budget_tokens)
    assert score_ranked(measure, RANKED, marked(10, 30), marked(40, 60)) == pytest.approx(expected)


def test_what_is_marked_or_found_twice_counts_once() -> None:
    measure = metric("recall_at_tokens", budget_tokens=30)
    assert score_ranked(measure, [(0, 20), (0, 20)], marked(10, 30), marked(10, 30)) == pytest.approx(10 / 20)


def test_text_that_is_found_twice_pays_twice() -> None:
    measure = metric("recall_at_tokens", budget_tokens=20)
    assert score_ranked(measure, [(0, 20), (0, 20), (40, 60)], marked(40, 60)) == 0.0


def test_the_cut_passage_of_a_copy_credits_the_marked_span() -> None:
    measure = metric("recall_at_tokens", budget_tokens=5)
    label = marked(0, 20, copies=[place(100, 120, "w")])
    assert score_ranked(measure, [place(100, 120, "w"), place(0, 20)], label) == pytest.approx(9 / 20)


def test_labels_of_whole_documents_are_left_aside() -> None:
    measure = metric("recall_at_tokens", budget_tokens=10)
    assert score_ranked(measure, RANKED, marked(0, 40), whole("w")) == pytest.approx(20 / 40)
    assert score_ranked(measure, RANKED, whole()) is None


def test_a_reference_line_is_measured_too() -> None:
    """It does not rank, but what it sends fits a budget or does not."""
    measure = metric("recall_at_tokens", budget_tokens=10)
    assert score(measure, answer([(0, 100)], is_baseline=True), marked(0, 38)) == pytest.approx(19 / 38)
    assert score(measure, answer(is_baseline=True), marked(0, 38)) == 0.0


def test_it_asks_for_its_budget() -> None:
    measure = metric("recall_at_tokens", budget_tokens=10)
    assert (measure.reads, measure.budgets_tokens) == ("ranking", (10,))
    assert (measure.depth_documents, measure.depth_passages) == (0, 0)
