"""Neighbours: as many as asked, less at the ends and where a better passage is."""

from __future__ import annotations

import pytest

from app.context.expanding import merged
from app.context.expansions.neighbours import Neighbours
from configs.span import Span
from tests.contracts.test_expansion import Planted, hit


@pytest.mark.parametrize(
    ("ordinal", "chunks", "span"),
    [(5, 1, Span(40, 70)), (5, 3, Span(20, 90)), (0, 2, Span(0, 30)), (11, 2, Span(90, 120)), (6, 10, Span(0, 120))],
)
def test_a_chunk_comes_with_so_many_on_either_side(ordinal: int, chunks: int, span: Span) -> None:
    hits = [hit(1, 0, ordinal)]
    (passage,) = merged(hits, Neighbours(kind="neighbours", chunks=chunks).widened(Planted(hits)))
    assert passage.span == span


def test_a_chunk_next_to_a_better_passage_takes_what_is_left() -> None:
    hits = [hit(1, 0, 5), hit(2, 0, 7), hit(3, 0, 6), hit(4, 0, 10)]
    passages = merged(hits, Neighbours(kind="neighbours", chunks=1).widened(Planted(hits)))
    assert [one.span for one in passages] == [Span(40, 70), Span(70, 90), Span(90, 120)]
    assert [chunk.ordinal for chunk in passages[0].stands_for] == [5, 6]
