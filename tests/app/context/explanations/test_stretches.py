"""Sets of spans: the same as sets of characters."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from app.context.explanations.stretches import Stretches, shared, stretches, uncovered, without
from configs.span import Span

spans = st.tuples(st.integers(0, 20), st.integers(0, 8)).map(lambda pair: Span(pair[0], pair[0] + pair[1]))
several = st.lists(st.tuples(st.sampled_from("ab"), spans), max_size=6)


def characters(found: Stretches) -> set[tuple[str, int]]:
    """Return the characters, after checking the promised form."""
    for some in found.values():
        assert some
        assert all(len(span) for span in some)
        assert all(one.end < other.start for one, other in itertools.pairwise(some))
    return {
        (version, place) for version, some in found.items() for span in some for place in range(span.start, span.end)
    }


@given(one=several, other=several)
def test_operations_are_those_of_sets_of_characters(one: list[tuple[str, Span]], other: list[tuple[str, Span]]) -> None:
    mine, theirs = stretches(one), stretches(other)
    assert characters(mine) == {(version, place) for version, span in one for place in range(span.start, span.end)}
    assert characters(shared(mine, theirs)) == characters(mine) & characters(theirs)
    assert characters(without(mine, theirs)) == characters(mine) - characters(theirs)


@given(span=spans, others=st.lists(spans, max_size=5))
def test_uncovered_is_what_no_other_covers(span: Span, others: list[Span]) -> None:
    rest = {place for one in uncovered(span, others) for place in range(one.start, one.end)}
    covered = {place for other in others for place in range(other.start, other.end)}
    assert rest == set(range(span.start, span.end)) - covered
