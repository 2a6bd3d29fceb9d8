"""Fused wordings by hand and by the formula; steps of hits that were not found before."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.rerankers import Reranked
from app.context.search.steps import after_expansion, fused_wordings, places_of, reordered
from indexes.search import Hit
from tests.app.context.search.found import hit, ranked


def test_two_wordings_by_hand() -> None:
    original = [hit(0, 9.0), hit(1, 8.0)]
    keywords = [_at(hit(2, 0.5), 1), hit(1, 0.4)]
    lists = {"original": original, "keywords": keywords}
    fused = fused_wordings(lists, 60, 10)
    assert [one.ordinal for one in fused] == [1, 0, 2]
    assert fused[0].score == pytest.approx(1 / 62 + 1 / 62)
    assert fused[0].steps[0].details == {"original": 2, "keywords": 2}
    assert (fused[0].steps[0].rank, fused[0].steps[0].score) == (2, 8.0)
    assert (fused[2].steps[0].rank, fused[2].steps[0].score) == (None, None)
    assert fused[2].stores == keywords[0].stores


@given(
    orders=st.lists(st.permutations(range(6)), min_size=2, max_size=3), k=st.integers(0, 100), most=st.integers(1, 8)
)
def test_the_order_is_that_of_reciprocal_ranks(orders: list[list[int]], k: int, most: int) -> None:
    names = ["original", "keywords", "feedback"][: len(orders)]
    lists = {
        name: [_at(hit(number, 1.0), rank) for rank, number in enumerate(order, start=1)]
        for name, order in zip(names, orders, strict=True)
    }
    expected = {number: sum(1 / (k + order.index(number) + 1) for order in orders) for number in range(6)}
    fused = fused_wordings(lists, k, most)
    order = sorted(range(6), key=lambda number: (-round(expected[number], 12), number))
    assert [one.ordinal for one in fused] == order[:most]
    assert [one.rank for one in fused] == list(range(1, len(fused) + 1))
    turned = fused_wordings({name: lists[name] for name in reversed(names)}, k, most)
    assert [one.ordinal for one in turned] == [one.ordinal for one in fused]


def test_an_expanded_question_tells_the_rank_without_it() -> None:
    before = ranked([3.0, 2.0])
    now = [_at(hit(1, 5.0), 1), _at(hit(7, 4.0), 2)]
    first, second = after_expansion(now, places_of(before))
    assert (first.steps[0].rank, first.steps[0].score) == (2, 2.0)
    assert (second.steps[0].rank, second.steps[0].score) == (None, None)


def test_hits_beyond_the_reranked_stay_behind_without_a_step() -> None:
    hits = ranked([4.0, 3.0, 2.0])
    moved = reordered(hits, Reranked(order=[1, 0], details=[{"a": 1}, {"a": 2}]))
    assert [(one.ordinal, one.rank, one.score) for one in moved] == [(1, 1, 4.0), (0, 2, 3.0), (2, 3, 2.0)]
    assert [dict(step.details) for one in moved for step in one.steps] == [{"a": 2}, {"a": 1}]


def _at(one: Hit, rank: int) -> Hit:
    return replace(one, rank=rank)
