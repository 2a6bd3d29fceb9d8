"""Average precision of documents, by hand."""

from __future__ import annotations

import pytest

from tests.app.evaluation.metrics.answers import answer, marked, metric, score, score_ranked, whole
from tests.app.evaluation.spans import place

RANKED = [place(0, 9, version) for version in ("a", "x", "a", "b", "y", "c")]
"""Documents a, x, b, y and c."""
LABELS = whole("a"), whole("b", grade=3), marked(0, 9, "c"), whole("d")


@pytest.mark.parametrize(
    ("k", "expected"),
    [(1, 1 / 4), (2, 1 / 4), (3, (1 + 2 / 3) / 4), (5, (1 + 2 / 3 + 3 / 5) / 4), (100, (1 + 2 / 3 + 3 / 5) / 4)],
)
def test_precisions_at_marked_documents_over_all_marked_ones(k: int, expected: float) -> None:
    assert score_ranked(metric("map", k=k), RANKED, *LABELS) == pytest.approx(expected)


def test_all_marked_documents_first_are_worth_1() -> None:
    assert score_ranked(metric("map"), [place(0, 9, version) for version in "dcbax"], *LABELS) == pytest.approx(1.0)


def test_several_labels_of_a_document_are_one_document() -> None:
    labels = marked(0, 9, "b"), marked(20, 29, "b"), whole("b")
    assert score_ranked(metric("map"), RANKED, *labels) == pytest.approx(1 / 3)


def test_finding_nothing_is_worth_nothing() -> None:
    assert score_ranked(metric("map"), [], *LABELS) == 0.0
    assert score_ranked(metric("map"), RANKED, whole("d")) == 0.0


def test_it_asks_for_k_documents_and_measures_no_baseline() -> None:
    assert metric("map", k=7).depth_documents == 7
    assert score(metric("map"), answer(RANKED, is_baseline=True), *LABELS) is None
