"""Intersection over union of the first passages, by hand and by sets of characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.version_span import VersionSpan
from tests.app.evaluation.metrics.answers import marked, metric, score_ranked
from tests.app.evaluation.spans import characters, place, places, rankings


@pytest.mark.parametrize(
    ("ranked", "expected"),
    [
        ([(10, 30)], 1.0),
        ([(0, 20)], 10 / (20 + 10)),
        ([(0, 20), (0, 20)], 10 / (40 + 10)),
        ([(0, 40)], 20 / 40),
        ([(10, 20), (15, 30)], 20 / 25),
        ([(0, 10), (30, 40)], 0.0),
        ([], 0.0),
    ],
)
def test_one_marked_span(ranked: list[tuple[int, int]], expected: float) -> None:
    assert score_ranked(metric("span_iou"), ranked, marked(10, 30)) == pytest.approx(expected)


def test_only_the_first_passages_are_read() -> None:
    assert score_ranked(metric("span_iou", k=1), [(0, 20), (10, 30)], marked(10, 30)) == pytest.approx(10 / 30)
    assert score_ranked(metric("span_iou", k=2), [(0, 20), (10, 30)], marked(10, 30)) == pytest.approx(20 / 40)


def test_what_a_copy_gave_is_not_missed() -> None:
    label = marked(10, 30, copies=[place(50, 70)])
    assert score_ranked(metric("span_iou"), [(50, 70)], label) == 1.0
    assert score_ranked(metric("span_iou"), [(50, 60), (20, 30)], label) == 1.0
    assert score_ranked(metric("span_iou"), [(50, 70), (10, 30)], label) == pytest.approx(0.5)


@given(st.lists(places(smallest=1), min_size=1, max_size=4), rankings(), st.integers(1, 8))
def test_it_equals_what_sets_of_characters_say(gold: list[VersionSpan], ranked: list[VersionSpan], k: int) -> None:
    labels = [marked(one.span.start, one.span.end, one.version_id) for one in gold]
    wanted, found = characters(gold), characters(ranked[:k])
    union = sum(map(len, ranked[:k])) + len(wanted - found)
    assert score_ranked(metric("span_iou", k=k), ranked, *labels) == len(wanted & found) / union


@given(st.lists(places(smallest=1), min_size=1, max_size=4), rankings(smallest=1))
def test_it_exceeds_neither_precision_nor_recall(gold: list[VersionSpan], ranked: list[VersionSpan]) -> None:
    labels = [marked(one.span.start, one.span.end, one.version_id) for one in gold]
    scores = [score_ranked(metric(kind), ranked, *labels) or 0.0 for kind in ("span_precision", "span_recall")]
    assert (score_ranked(metric("span_iou"), ranked, *labels) or 0.0) <= min(scores) + 1e-12


def test_it_asks_for_k_passages() -> None:
    assert metric("span_iou", k=7).depth_passages == 7
