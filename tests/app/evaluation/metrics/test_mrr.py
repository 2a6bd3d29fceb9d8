"""The reciprocal rank of the first find, by hand."""

from __future__ import annotations

import pytest

from tests.app.evaluation.metrics.answers import Spans, answer, marked, metric, score, score_ranked, whole
from tests.app.evaluation.spans import place

RANKED: Spans = [place(0, 20, "w"), (0, 14), (14, 16), place(0, 20, "x")]


@pytest.mark.parametrize(
    ("k", "expected"),
    [(1, 0.0), (2, 0.0), (3, 1 / 3), (10, 1 / 3)],
)
def test_a_span_is_found_by_its_first_half(k: int, expected: float) -> None:
    assert score_ranked(metric("mrr", k=k), RANKED, marked(10, 20)) == pytest.approx(expected)


def test_a_document_is_found_by_its_first_passage() -> None:
    assert score_ranked(metric("mrr"), RANKED, whole("v")) == pytest.approx(1 / 2)
    assert score_ranked(metric("mrr"), RANKED, whole("x")) == pytest.approx(1 / 4)
    assert score_ranked(metric("mrr"), RANKED, whole("y")) == 0.0


def test_the_first_find_of_any_label_counts() -> None:
    assert score_ranked(metric("mrr"), RANKED, marked(10, 20), whole("x"), whole("y")) == pytest.approx(1 / 3)
    assert score_ranked(metric("mrr"), RANKED, marked(10, 20), whole("w")) == 1.0


def test_it_asks_for_k_passages_and_measures_no_baseline() -> None:
    assert metric("mrr", k=7).depth_passages == 7
    assert score(metric("mrr"), answer(RANKED, is_baseline=True), whole()) is None
