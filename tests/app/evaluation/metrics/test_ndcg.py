"""Gains of documents, by hand."""

from __future__ import annotations

from itertools import permutations
from math import log2

import pytest

from tests.app.evaluation.metrics.answers import answer, marked, metric, score, score_ranked, whole
from tests.app.evaluation.spans import place

LABELS = whole("a", grade=3), whole("b", grade=1), marked(0, 9, "c", grade=2)
RANKED = [place(0, 9, "b"), place(0, 9, "x"), place(9, 18, "b"), place(30, 40, "a")]
"""Documents b, x and a, of grades 1, 0 and 3."""


def test_a_linear_gain_is_the_grade() -> None:
    best = 3 + 2 / log2(3) + 1 / 2
    assert score_ranked(metric("ndcg", gain="linear"), RANKED, *LABELS) == pytest.approx((1 + 3 / 2) / best)


def test_an_exponential_gain_is_a_power_of_2_less_1() -> None:
    best = 7 + 3 / log2(3) + 1 / 2
    assert score_ranked(metric("ndcg", gain="exponential"), RANKED, *LABELS) == pytest.approx((1 + 7 / 2) / best)


@pytest.mark.parametrize(
    ("k", "expected"), [(1, 1 / 3), (2, 1 / (3 + 2 / log2(3))), (3, 2.5 / (3 + 2 / log2(3) + 1 / 2))]
)
def test_both_orders_end_after_k_documents(k: int, expected: float) -> None:
    assert score_ranked(metric("ndcg", k=k), RANKED, *LABELS) == pytest.approx(expected)


@pytest.mark.parametrize("gain", ["linear", "exponential"])
def test_the_best_order_and_it_alone_is_worth_1(gain: str) -> None:
    measure = metric("ndcg", gain=gain)
    places = [place(0, 9, version) for version in "acb"]
    scores = [score_ranked(measure, order, *LABELS) or 0.0 for order in permutations(places)]
    assert scores[0] == pytest.approx(1.0)
    assert max(scores[1:]) < 0.999


def test_grades_of_1_have_the_same_gain_either_way() -> None:
    labels = whole("a"), whole("b")
    linear, exponential = (
        score_ranked(metric("ndcg", gain=gain), RANKED, *labels) for gain in ("linear", "exponential")
    )
    assert linear == exponential == pytest.approx((1 + 1 / 2) / (1 + 1 / log2(3)))


def test_a_copy_stands_for_the_marked_document_once() -> None:
    label = marked(0, 9, "a", copies=[place(0, 9, "b")])
    assert score_ranked(metric("ndcg"), [place(0, 9, "b"), place(0, 9, "a")], label) == 1.0


def test_finding_nothing_is_worth_nothing() -> None:
    assert score_ranked(metric("ndcg"), [], *LABELS) == 0.0


def test_it_asks_for_k_documents_and_measures_no_baseline() -> None:
    assert metric("ndcg", k=7).depth_documents == 7
    assert score(metric("ndcg"), answer(RANKED, is_baseline=True), *LABELS) is None
