"""Spans: half-open ranges, what they share, and their union, against sets of positions."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.span import Chunk, Span, union


@st.composite
def spans(draw: st.DrawFn) -> Span:
    start = draw(st.integers(0, 30))
    return Span(start, draw(st.integers(start, 35)))


def positions(*some: Span) -> set[int]:
    return {position for span in some for position in range(span.start, span.end)}


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (3, 2), (-2, -1)])
def test_a_span_that_is_none_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match=rf"got \[{start}, {end}\)"):
        Span(start, end)


@given(spans())
def test_its_length_is_its_number_of_positions(span: Span) -> None:
    assert len(span) == len(positions(span))
    assert "x" * len(span) == ("x" * 40)[span.start : span.end]


@given(spans(), spans())
def test_overlap_counts_shared_positions_and_is_symmetric(one: Span, other: Span) -> None:
    assert one.overlap(other) == len(positions(one) & positions(other)) == other.overlap(one)


def test_spans_that_touch_share_nothing() -> None:
    assert Span(0, 5).overlap(Span(5, 9)) == 0


@given(st.lists(spans(), max_size=8))
def test_union_covers_exactly_the_same_positions(some: list[Span]) -> None:
    merged = union(some)
    assert positions(*merged) == positions(*some)
    assert sum(map(len, merged)) == len(positions(*some))


@given(st.lists(spans(), max_size=8), st.randoms())
def test_union_is_sorted_with_gaps_and_does_not_depend_on_the_order(some: list[Span], random: object) -> None:
    merged = union(some)
    assert all(len(span) for span in merged)
    assert all(left.end < right.start for left, right in itertools.pairwise(merged))
    shuffled = list(some)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert union(shuffled) == merged == union(merged)


def test_spans_are_ordered_by_start_then_end() -> None:
    assert sorted([Span(2, 3), Span(0, 9), Span(2, 2), Span(0, 1)]) == [Span(0, 1), Span(0, 9), Span(2, 2), Span(2, 3)]


def test_values_are_frozen() -> None:
    span = Span(1, 2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        span.start = 0  # type: ignore[misc]  # that is the point
    chunk = Chunk(span=span, tokens=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        chunk.tokens = 2  # type: ignore[misc]  # that is the point
    assert (chunk.heading_path, chunk.prefix, chunk.parent) == ((), "", None)
