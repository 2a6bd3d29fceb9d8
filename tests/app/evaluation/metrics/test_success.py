"""Whether anything is found by rank k, by hand."""

from __future__ import annotations

import pytest

from tests.app.evaluation.metrics.answers import Spans, answer, marked, metric, score, score_ranked, whole
from tests.app.evaluation.spans import place

RANKED: Spans = [place(0, 20, "w"), (0, 14), (14, 16), place(0, 20, "x")]


@pytest.mark.parametrize(("k", "expected"), [(1, 0.0), (2, 0.0), (3, 1.0), (10, 1.0)])
def test_a_span_is_found_by_its_first_half(k: int, expected: float) -> None:
    assert score_ranked(metric("success", k=k), RANKED, marked(10, 20)) == expected


@pytest.mark.parametrize(("k", "expected"), [(1, 0.0), (2, 1.0)])
def test_a_document_is_found_by_its_first_passage(k: int, expected: float) -> None:
    assert score_ranked(metric("success", k=k), RANKED, whole("v")) == expected


def test_any_label_is_enough() -> None:
    assert score_ranked(metric("success"), RANKED, marked(40, 50), whole("y"), marked(0, 20, "x")) == 1.0
    assert score_ranked(metric("success"), RANKED, marked(40, 50), whole("y")) == 0.0


def test_it_asks_for_k_passages_and_measures_no_baseline() -> None:
    assert metric("success", k=7).depth_passages == 7
    assert score(metric("success"), answer(RANKED, is_baseline=True), whole()) is None
