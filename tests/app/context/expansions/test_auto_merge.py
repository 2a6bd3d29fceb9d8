"""More than a share of the children: the parent; else the children."""

from __future__ import annotations

import pytest

from app.context.expanding import merged
from app.context.expansions.auto_merge import AutoMerge
from configs.span import Span
from tests.contracts.test_expansion import Planted, hit

PARENT = Span(0, 40)


@pytest.mark.parametrize(
    ("children", "ratio", "is_merged"),
    [
        (4, 0.5, True),
        (3, 0.5, True),
        (2, 0.5, False),
        (1, 0.5, False),
        (2, 0.49, True),
        (1, 0.0, True),
        (3, 0.75, False),
    ],
)
def test_the_share_must_be_exceeded(children: int, ratio: float, is_merged: bool) -> None:
    hits = [hit(rank, 0, rank - 1) for rank in range(1, children + 1)]
    passages = merged(hits, AutoMerge(kind="auto_merge", ratio=ratio).widened(Planted(hits)))
    if is_merged:
        (passage,) = passages
        assert passage.span == PARENT
        assert passage.score == 1.0
        if children > 1:
            assert [chunk.rank for chunk in passage.stands_for] == list(range(1, children + 1))
    else:
        assert passages == hits


def test_a_parent_stands_where_its_best_child_stood_and_others_keep_their_order() -> None:
    hits = [hit(1, 0, 8), hit(2, 0, 1), hit(3, 1, 0), hit(4, 0, 3), hit(5, 0, 0)]
    passages = merged(hits, AutoMerge(kind="auto_merge").widened(Planted(hits)))
    assert [(one.version_id, one.span) for one in passages] == [
        ("v0", Span(80, 90)),
        ("v0", PARENT),
        ("v1", Span(0, 10)),
    ]
    assert [chunk.ordinal for chunk in passages[1].stands_for] == [1, 3, 0]
    assert (passages[1].score, passages[1].ordinal) == (0.5, 1)


def test_children_of_like_parents_in_other_versions_are_not_counted_together() -> None:
    hits = [hit(1, 0, 0), hit(2, 0, 1), hit(3, 1, 2), hit(4, 1, 3)]
    assert merged(hits, AutoMerge(kind="auto_merge").widened(Planted(hits))) == hits
