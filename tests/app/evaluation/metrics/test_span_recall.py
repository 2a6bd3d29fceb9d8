"""Recall of the first passages, by hand and by sets of characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.version_span import VersionSpan
from tests.app.evaluation.metrics.answers import Spans, marked, metric, score_ranked
from tests.app.evaluation.spans import characters, place, places, rankings


@pytest.mark.parametrize(
    ("k", "expected"), [(1, 0.0), (2, 10 / 40), (3, 10 / 40), (4, 30 / 40), (5, 40 / 40), (9, 40 / 40)]
)
def test_only_the_first_passages_are_read(k: int, expected: float) -> None:
    ranked: Spans = [(0, 10), (0, 20), (10, 20), place(0, 30, "w"), (20, 60)]
    labels = marked(10, 30), marked(5, 25, "w")
    assert score_ranked(metric("span_recall", k=k), ranked, *labels) == pytest.approx(expected)


def test_the_copy_of_a_marked_span_is_worth_as_much() -> None:
    label = marked(10, 30, copies=[place(0, 20, "w"), place(80, 100, "x")])
    ranked = [place(0, 10, "w"), place(90, 95, "x")]
    assert score_ranked(metric("span_recall"), ranked, label) == pytest.approx((10 + 5) / 20)


def test_touching_the_marked_span_is_worth_nothing() -> None:
    assert score_ranked(metric("span_recall"), [(0, 10), (20, 30)], marked(10, 20)) == 0.0


def test_finding_nothing_is_worth_nothing() -> None:
    assert score_ranked(metric("span_recall"), [], marked(10, 20)) == 0.0


@given(st.lists(places(smallest=1), min_size=1, max_size=4), rankings(), st.integers(1, 8))
def test_it_equals_what_sets_of_characters_say(gold: list[VersionSpan], ranked: list[VersionSpan], k: int) -> None:
    labels = [marked(one.span.start, one.span.end, one.version_id) for one in gold]
    shared = characters(gold) & characters(ranked[:k])
    assert score_ranked(metric("span_recall", k=k), ranked, *labels) == len(shared) / len(characters(gold))


def test_it_asks_for_k_passages() -> None:
    assert metric("span_recall", k=7).depth_passages == 7
