"""Precision of the first passages, by hand and by sets of characters."""

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
        ([(0, 20)], 10 / 20),
        ([(10, 20)], 1.0),
        ([(0, 20), (40, 60)], 10 / 40),
        ([(0, 20), (0, 20)], 10 / 40),
        ([(5, 15), (12, 42)], 20 / 40),
        ([(0, 10), (30, 40)], 0.0),
        ([], 0.0),
    ],
)
def test_the_lengths_of_passages_are_added_up(ranked: list[tuple[int, int]], expected: float) -> None:
    assert score_ranked(metric("span_precision"), ranked, marked(10, 30)) == pytest.approx(expected)


def test_only_the_first_passages_are_read() -> None:
    assert score_ranked(metric("span_precision", k=1), [(10, 20), (40, 60)], marked(10, 30)) == 1.0
    assert score_ranked(metric("span_precision", k=2), [(10, 20), (40, 60)], marked(10, 30)) == pytest.approx(10 / 30)


def test_a_copy_beside_the_marked_span_repeats_it() -> None:
    label = marked(10, 30, copies=[place(10, 30, "w")])
    assert score_ranked(metric("span_precision"), [place(10, 30, "w")], label) == 1.0
    assert score_ranked(metric("span_precision"), [place(10, 30, "w"), place(10, 30)], label) == pytest.approx(0.5)


def test_one_place_that_covers_two_marked_copies_counts_once() -> None:
    twins = marked(0, 10, copies=[place(0, 10, "w")]), marked(0, 10, "w", copies=[place(0, 10)])
    assert score_ranked(metric("span_precision"), [(0, 10)], *twins) == 1.0
    assert score_ranked(metric("span_precision"), [(0, 20)], *twins) == pytest.approx(0.5)


@given(st.lists(places(smallest=1), min_size=1, max_size=4), rankings(smallest=1), st.integers(1, 8))
def test_it_equals_what_sets_of_characters_say(gold: list[VersionSpan], ranked: list[VersionSpan], k: int) -> None:
    labels = [marked(one.span.start, one.span.end, one.version_id) for one in gold]
    shared, length = characters(gold) & characters(ranked[:k]), sum(map(len, ranked[:k]))
    assert score_ranked(metric("span_precision", k=k), ranked, *labels) == (len(shared) / length if length else 0.0)


def test_it_asks_for_k_passages() -> None:
    assert metric("span_precision", k=7).depth_passages == 7
