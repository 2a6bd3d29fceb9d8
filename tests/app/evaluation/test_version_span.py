"""Spans of versions share characters within one version only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.version_span import VersionSpan
from configs.span import Span
from tests.app.evaluation.spans import characters, place, places


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        (place(0, 10), place(5, 20), 5),
        (place(0, 10), place(2, 4), 2),
        (place(0, 10), place(0, 10), 10),
        (place(0, 10), place(10, 20), 0),
        (place(0, 10), place(30, 40), 0),
        (place(0, 10), place(0, 10, "other"), 0),
        (place(3, 3), place(0, 10), 0),
    ],
)
def test_overlap_of_two_spans(first: VersionSpan, second: VersionSpan, shared: int) -> None:
    assert first.overlap(second) == shared
    assert second.overlap(first) == shared


@given(places(), places())
def test_overlap_is_the_number_of_common_characters(first: VersionSpan, second: VersionSpan) -> None:
    assert first.overlap(second) == len(characters([first]) & characters([second]))


@given(places())
def test_length_is_the_number_of_characters(one: VersionSpan) -> None:
    assert len(one) == len(characters([one])) == one.span.end - one.span.start


@given(st.lists(places(), max_size=8))
def test_order_is_by_version_then_position(some: list[VersionSpan]) -> None:
    keys = [(one.version_id, one.span.start, one.span.end) for one in sorted(some)]
    assert keys == sorted(keys)


def test_equal_spans_are_one_key() -> None:
    assert {VersionSpan("v", Span(1, 2)), place(1, 2)} == {place(1, 2)}
