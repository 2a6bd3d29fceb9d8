"""Tokens before the first marked character of a context, by hand."""

from __future__ import annotations

import pytest

from tests.app.evaluation.metrics.answers import Spans, answer, marked, metric, score, score_sent
from tests.app.evaluation.spans import place

POSITION = metric("first_gold_position")
LABELS = marked(20, 30), marked(60, 70, copies=[place(6, 16, "w")])


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(20, 40)], 0.0),
        ([(24, 40)], 0.0),
        ([(0, 40)], 10.0),
        ([(30, 60), (0, 40)], 15.0 + 10.0),
        ([(30, 70)], 15.0),
        ([(80, 90), place(0, 40, "w"), (20, 30)], 5.0 + 3.0),
        ([(80, 90), (80, 90), (20, 30)], 10.0),
        ([(0, 20), (30, 60)], None),
        ([], None),
    ],
)
def test_tokens_are_counted_in_the_order_of_reading(spans: Spans, expected: float | None) -> None:
    assert score_sent(POSITION, spans, *LABELS, envelope_tokens=50) == expected


def test_white_space_between_merged_passages_has_no_tokens() -> None:
    outcome = answer([(20, 30), (0, 19)], {1_000: [(0, 30)]})
    assert score(POSITION, outcome, *LABELS) == 10.0


def test_it_describes_and_does_not_decide() -> None:
    assert not POSITION.can_decide
    assert (POSITION.reads, POSITION.budgets_tokens) == ("context", (1_000,))
