"""Whether a context holds something of every marked document, by hand."""

from __future__ import annotations

import pytest

from tests.app.evaluation.metrics.answers import Spans, answer, marked, metric, passage, score, score_sent, whole
from tests.app.evaluation.spans import place

ANY_CHUNK = metric("all_evidence_any_chunk")
LABELS = whole("v"), marked(40, 50, "w", copies=[place(70, 80, "x")])


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(0, 1), place(0, 1, "w")], 1.0),
        ([(0, 1), place(79, 90, "x")], 1.0),
        ([(0, 1), place(80, 90, "x")], 0.0),
        ([(0, 90)], 0.0),
        ([(0, 90), place(5, 5, "w")], 0.0),
        ([], 0.0),
    ],
)
def test_any_text_of_a_document_is_taken_for_its_evidence(spans: Spans, expected: float) -> None:
    assert score_sent(ANY_CHUNK, spans, *LABELS) == expected


def test_what_is_ranked_and_not_sent_does_not_count() -> None:
    outcome = answer([(0, 9), place(0, 9, "w")], {1_000: [(0, 9)]})
    assert score(ANY_CHUNK, outcome, *LABELS) == 0.0
    assert score(ANY_CHUNK, outcome, whole("v")) == 1.0


def test_a_version_belongs_to_the_document_of_its_passages() -> None:
    outcome = answer([], {1_000: [place(0, 9, "second-version")]})
    ranked = (passage(place(0, 9, "second-version"), "document-v"),)
    named = type(outcome)(ranked=ranked, contexts=outcome.contexts, is_baseline=False, is_exhausted=True)
    assert score(ANY_CHUNK, named, whole("v")) == 1.0


def test_it_reads_the_context_of_its_budget() -> None:
    measure = metric("all_evidence_any_chunk", budget_tokens=500)
    assert (measure.reads, measure.budgets_tokens) == ("context", (500,))
