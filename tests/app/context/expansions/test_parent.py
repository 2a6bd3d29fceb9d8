"""Parents in the place of children: the best child's score, and children without parents kept."""

from __future__ import annotations

from app.context.expanding import merged
from app.context.expansions.parent import Parent
from configs.span import Span
from tests.contracts.test_expansion import Planted, hit


def test_the_score_of_a_parent_is_the_largest_of_its_children() -> None:
    hits = [hit(1, 0, 5), hit(2, 1, 0), hit(3, 0, 6)]
    first, second = merged(hits, Parent(kind="parent").widened(Planted(hits)))
    assert (first.span, first.score, first.rank) == (Span(40, 80), 1.0, 1)
    assert [(chunk.rank, chunk.ordinal, chunk.score) for chunk in first.stands_for] == [(1, 5, 1.0), (3, 6, 1.0 / 3)]
    assert (second.version_id, second.span, second.rank) == ("v1", Span(0, 40), 2)
