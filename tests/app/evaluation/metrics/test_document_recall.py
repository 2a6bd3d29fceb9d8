"""The share of the marked documents found, by hand."""

from __future__ import annotations

import pytest

from tests.app.evaluation.metrics.answers import answer, marked, metric, score, score_ranked, whole
from tests.app.evaluation.spans import place

RANKED = [place(0, 9, version) for version in ("a", "x", "a", "b", "y", "c")]
"""Documents a, x, b, y and c."""
LABELS = whole("a"), whole("b", grade=3), marked(0, 9, "c"), whole("d")


@pytest.mark.parametrize(("k", "expected"), [(1, 0.25), (2, 0.25), (3, 0.5), (4, 0.5), (5, 0.75), (100, 0.75)])
def test_documents_are_counted_and_not_passages(k: int, expected: float) -> None:
    assert score_ranked(metric("document_recall", k=k), RANKED, *LABELS) == expected


def test_any_passage_finds_the_document_of_a_marked_span() -> None:
    assert score_ranked(metric("document_recall"), [(80, 90)], marked(0, 9)) == 1.0


def test_a_copy_finds_the_document_of_a_marked_span() -> None:
    label = marked(0, 9, copies=[place(50, 59, "w")])
    assert score_ranked(metric("document_recall"), [place(40, 60, "w")], label) == 1.0
    assert score_ranked(metric("document_recall"), [place(30, 50, "w")], label) == 0.0


def test_finding_nothing_is_worth_nothing() -> None:
    assert score_ranked(metric("document_recall"), [], *LABELS) == 0.0


def test_it_asks_for_k_documents_and_measures_no_baseline() -> None:
    assert metric("document_recall", k=7).depth_documents == 7
    assert score(metric("document_recall"), answer(RANKED, is_baseline=True), *LABELS) is None
