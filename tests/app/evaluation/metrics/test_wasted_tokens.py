"""Tokens of the context that hold nothing marked, by hand."""

from __future__ import annotations

import pytest

from tests.app.evaluation.metrics.answers import Spans, answer, marked, metric, score, score_sent
from tests.app.evaluation.spans import place

WASTED = metric("wasted_tokens")


@pytest.mark.parametrize(
    ("spans", "envelope_tokens", "expected"),
    [
        ([(0, 40)], 0, 1 - 10 / 20),
        ([(0, 40)], 5, 1 - 10 / 25),
        ([(10, 30)], 0, 0.0),
        ([(10, 30), (10, 30)], 0, 0.5),
        ([(0, 20), place(0, 100, "w")], 0, 1 - 5 / 60),
        ([(0, 10), (30, 40)], 0, 1.0),
        ([], 7, 1.0),
        ([], 0, 0.0),
    ],
)
def test_all_that_is_not_marked_is_wasted(spans: Spans, envelope_tokens: int, expected: float) -> None:
    found = score_sent(WASTED, spans, marked(10, 30), envelope_tokens=envelope_tokens)
    assert found == pytest.approx(expected)


def test_a_copy_beside_the_marked_span_is_wasted() -> None:
    label = marked(10, 30, copies=[place(10, 30, "w")])
    assert score_sent(WASTED, [place(10, 30, "w")], label) == 0.0
    assert score_sent(WASTED, [place(10, 30, "w"), place(10, 30)], label) == pytest.approx(0.5)


def test_labels_that_are_copies_of_each_other_do_not_pay_twice() -> None:
    twins = marked(0, 10, copies=[place(0, 10, "w")]), marked(0, 10, "w", copies=[place(0, 10)])
    assert score_sent(WASTED, [(0, 20)], *twins) == pytest.approx(0.5)


def test_merged_passages_are_counted_by_the_text_of_their_parts() -> None:
    outcome = answer([(20, 39), (0, 19)], {1_000: [(0, 39)]})
    assert score(WASTED, outcome, marked(10, 30)) == pytest.approx(1 - 10 / 20)


def test_it_describes_and_does_not_decide() -> None:
    assert not WASTED.can_decide
    assert (WASTED.reads, WASTED.budgets_tokens) == ("context", (1_000,))
