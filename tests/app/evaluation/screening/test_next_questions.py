"""Questions on which strategies send different text come first."""

from __future__ import annotations

import pytest
from hypothesis import given

from app.evaluation.screening.next_questions import Candidate, difference, most_different, span_jaccard
from app.evaluation.version_span import VersionSpan
from tests.app.evaluation.spans import characters, place, rankings


@given(rankings(), rankings())
def test_jaccard_is_that_of_the_character_sets(first: list[VersionSpan], second: list[VersionSpan]) -> None:
    one, other = characters(first), characters(second)
    expected = len(one & other) / len(one | other) if one | other else 1.0
    assert span_jaccard(first, second) == pytest.approx(expected)
    assert span_jaccard(second, first) == span_jaccard(first, second)


def test_touching_spans_and_other_versions_share_nothing() -> None:
    assert span_jaccard([place(0, 5)], [place(5, 9)]) == 0
    assert span_jaccard([place(0, 5)], [place(0, 5, "w")]) == 0


def test_the_difference_is_a_mean_over_pairs() -> None:
    assert difference([[place(0, 10)], [place(0, 10)], [place(5, 10)]]) == pytest.approx(1 - (1 + 0.5 + 0.5) / 3)
    assert difference([[place(0, 10)]]) == 0


def test_the_most_different_come_first_and_what_does_not_differ_is_left_out() -> None:
    candidates = [
        Candidate(id="same", text="?", sent=[[place(0, 9)], [place(0, 9)]]),
        Candidate(id="half", text="?", sent=[[place(0, 10)], [place(5, 10)]]),
        Candidate(id="apart", text="?", sent=[[place(0, 9)], [place(20, 29)]]),
        Candidate(id="other half", text="?", sent=[[place(0, 10)], [place(0, 5)]]),
    ]
    assert [(one.id, value) for one, value in most_different(candidates, 9)] == [
        ("apart", 1.0),
        ("half", 0.5),
        ("other half", 0.5),
    ]
    assert [one.id for one, _ in most_different(candidates, 1)] == ["apart"]
    assert most_different(candidates, 0) == []
