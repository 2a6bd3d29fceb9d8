"""Spans for tests, and the sets of characters they stand for: the oracle of every span measure."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from app.evaluation.version_span import VersionSpan
from configs.span import Span

VERSIONS = ("v", "w")
LONGEST_TEXT = 40


def place(start: int, end: int, version_id: str = "v") -> VersionSpan:
    """Return a span of a version."""
    return VersionSpan(version_id, Span(start, end))


def characters(places: Iterable[VersionSpan]) -> set[tuple[str, int]]:
    """Return every character of the places as (version, offset)."""
    return {(one.version_id, offset) for one in places for offset in range(one.span.start, one.span.end)}


def places(*, smallest: int = 0) -> st.SearchStrategy[VersionSpan]:
    """Draw spans of two short versions, of at least `smallest` characters."""
    offsets = st.tuples(st.integers(0, LONGEST_TEXT), st.integers(0, LONGEST_TEXT)).map(sorted)
    wide = offsets.filter(lambda pair: pair[1] - pair[0] >= smallest)
    return st.builds(lambda pair, version: place(pair[0], pair[1], version), wide, st.sampled_from(VERSIONS))


def rankings(*, smallest: int = 0, most: int = 8) -> st.SearchStrategy[list[VersionSpan]]:
    """Draw ranked lists of spans; a span may stand in one twice."""
    return st.lists(places(smallest=smallest), max_size=most)
