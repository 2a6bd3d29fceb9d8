"""From how many documents a context is made, by hand."""

from __future__ import annotations

import pytest

from tests.app.evaluation.metrics.answers import Spans, answer, metric, score, score_sent, whole
from tests.app.evaluation.spans import place

COUNT = metric("source_count")


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(0, 20)], 1.0),
        ([(0, 20), (40, 60), (0, 20)], 1.0),
        ([(0, 20), place(0, 20, "w"), (40, 60), place(0, 9, "x")], 3.0),
        ([(0, 20), place(5, 5, "w")], 1.0),
        ([], 0.0),
    ],
)
def test_each_document_counts_once(spans: Spans, expected: float) -> None:
    assert score_sent(COUNT, spans, whole()) == expected


def test_what_is_ranked_and_not_sent_does_not_count() -> None:
    assert score(COUNT, answer([(0, 9), place(0, 9, "w")], {1_000: [(0, 9)]}), whole()) == 1.0


def test_it_describes_and_does_not_decide() -> None:
    assert not COUNT.can_decide
    assert (COUNT.reads, COUNT.budgets_tokens) == ("context", (1_000,))
