"""The best precision that the borders allow, by hand and by sets of characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.version_span import VersionSpan
from tests.app.evaluation.metrics.answers import Spans, answer, marked, metric, score, score_ranked
from tests.app.evaluation.spans import characters, place, places, rankings

OMEGA = metric("precision_omega")


@pytest.mark.parametrize(
    ("ranked", "expected"),
    [
        ([(10, 30)], 1.0),
        ([(0, 20), (20, 40)], 20 / 40),
        ([(60, 80), (40, 60), (20, 40), (0, 20)], 20 / 40),
        ([(0, 20), (10, 30), (20, 40)], 20 / 40),
        ([(0, 20)], 10 / (20 + 10)),
        ([(0, 10), (30, 40)], 0.0),
        ([], 0.0),
    ],
)
def test_passages_that_hold_marked_text_count_once(ranked: list[tuple[int, int]], expected: float) -> None:
    assert score_ranked(OMEGA, ranked, marked(10, 30)) == pytest.approx(expected)


def test_two_marked_spans() -> None:
    ranked: Spans = [(0, 20), (20, 40), place(0, 50, "w"), place(50, 60, "w")]
    assert score_ranked(OMEGA, ranked, marked(15, 20), marked(40, 60, "w")) == pytest.approx((5 + 20) / (20 + 60))


def test_passages_with_a_copy_of_what_was_found_do_not_count() -> None:
    label = marked(10, 30, copies=[place(10, 30, "w")])
    assert score_ranked(OMEGA, [place(0, 90, "w"), place(0, 40)], label) == pytest.approx(20 / 40)
    assert score_ranked(OMEGA, [place(0, 90, "w")], label) == pytest.approx(20 / 90)


@given(st.lists(places(smallest=1), min_size=1, max_size=4), rankings())
def test_it_equals_what_sets_of_characters_say(gold: list[VersionSpan], ranked: list[VersionSpan]) -> None:
    labels = [marked(one.span.start, one.span.end, one.version_id) for one in gold]
    wanted = characters(gold)
    holding = set().union(*(characters([one]) for one in ranked if characters([one]) & wanted))
    assert score_ranked(OMEGA, ranked, *labels) == len(wanted & holding) / len(holding | wanted)


def test_it_reads_as_deep_as_a_search_goes_and_no_baseline() -> None:
    assert OMEGA.depth_passages == 1_000
    assert score(OMEGA, answer([(10, 30)], is_baseline=True), marked(10, 30)) is None
