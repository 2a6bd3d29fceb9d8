"""Whether a context holds half of every marked span, by hand."""

from __future__ import annotations

import pytest

from tests.app.evaluation.metrics.answers import Spans, answer, marked, metric, score, score_sent, whole
from tests.app.evaluation.spans import place

LABELS = marked(10, 20), marked(40, 50, "w", copies=[place(70, 80)])


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(0, 30), place(0, 90, "w")], 1.0),
        ([(10, 15), place(45, 50, "w")], 1.0),
        ([(10, 14), place(40, 50, "w")], 0.0),
        ([(10, 12), (17, 20), place(40, 43, "w"), (78, 80)], 1.0),
        ([(0, 90)], 1.0),
        ([place(0, 90, "w")], 0.0),
        ([(0, 10), (20, 70), (80, 90)], 0.0),
        ([], 0.0),
    ],
)
def test_every_span_is_needed_by_half(spans: Spans, expected: float) -> None:
    assert score_sent(metric("all_evidence"), spans, *LABELS) == expected


def test_a_label_of_a_whole_document_cannot_carry_it() -> None:
    assert score_sent(metric("all_evidence"), [(0, 90)], marked(10, 20), whole("w")) is None
    assert score_sent(metric("all_evidence"), [(0, 90)], whole()) is None


def test_a_reference_line_is_measured_by_the_context_of_the_budget() -> None:
    outcome = answer([], {500: [(0, 14)], 2_000: [(0, 90)]}, is_baseline=True)
    scores = [score(metric("all_evidence", budget_tokens=one), outcome, *LABELS) for one in (500, 2_000)]
    assert scores == [0.0, 1.0]
    assert metric("all_evidence", budget_tokens=500).reads == "context"
