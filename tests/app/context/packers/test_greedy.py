"""The best first, skip and go on."""

from __future__ import annotations

import pytest
from hypothesis import given

from app.context.packers import Packed, PackItem
from app.context.packers.greedy import Greedy
from tests.app.context.packers.example_items import PACKED, item, skipped
from tests.contracts.test_packer import budgets, items


def test_the_example_of_the_guide() -> None:
    """The table in docs/guide/assembling-context.md: 1,360 tokens, six candidates, 1,300 tokens sent."""
    sizes = [410, 620, 520, 180, 240, 90]
    candidates = [item(tokens, 1 / rank, start=10 * rank) for rank, tokens in enumerate(sizes, start=1)]
    decisions = Greedy(kind="greedy").pack(candidates, 1_360)
    assert decisions == [PACKED, PACKED, skipped(520, 330), PACKED, skipped(240, 150), PACKED]


def test_items_are_taken_by_score_whatever_their_order() -> None:
    decisions = Greedy(kind="greedy").pack([item(60, 0.1), item(60, 0.9, start=20), item(40, 0.5, start=40)], 100)
    assert decisions == [skipped(60, 0), PACKED, PACKED]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (item(60, 0.5, "a", 50), item(60, 0.5, "b", 0)),
        (item(60, 0.5, "a", 0), item(60, 0.5, "a", 10)),
    ],
    ids=["document", "position"],
)
def test_ties_go_by_document_then_by_position(first: PackItem, second: PackItem) -> None:
    assert Greedy(kind="greedy").pack([second, first], 100) == [skipped(60, 40), PACKED]


def test_a_document_takes_no_more_than_its_share() -> None:
    candidates = [item(40, 0.9), item(30, 0.8, start=20), item(20, 0.7, start=40), item(30, 0.6, "b")]
    decisions = Greedy(kind="greedy", max_share_per_document=0.6).pack(candidates, 100)
    assert decisions == [
        PACKED,
        Packed(reason="source_cap", needed_tokens=30, left_tokens=20),
        PACKED,
        PACKED,
    ]


def test_what_does_not_fit_at_all_is_dropped_for_the_budget_and_not_for_the_cap() -> None:
    candidates = [item(50, 0.9), item(60, 0.8, start=20)]
    decisions = Greedy(kind="greedy", max_share_per_document=0.5).pack(candidates, 100)
    assert decisions == [PACKED, skipped(60, 50)]


@pytest.mark.parametrize(("share", "budget_tokens", "cap_tokens"), [(0.29, 100, 29), (0.5, 9, 4), (0.7, 10, 7)])
def test_a_share_is_rounded_down_to_whole_tokens(share: float, budget_tokens: int, cap_tokens: int) -> None:
    packer = Greedy(kind="greedy", max_share_per_document=share)
    assert packer.pack([item(cap_tokens, 0.5)], budget_tokens) == [PACKED]
    assert packer.pack([item(cap_tokens + 1, 0.5)], budget_tokens)[0].reason == "source_cap"


@given(some=items(), budget_tokens=budgets)
def test_the_best_that_fits_is_included(some: list[PackItem], budget_tokens: int) -> None:
    fitting = [one for one in some if one.tokens <= budget_tokens]
    if fitting:
        decisions = Greedy(kind="greedy").pack(some, budget_tokens)
        best_score = max(one.score for one in fitting)
        assert any(
            decision.is_included and one.score == best_score for one, decision in zip(some, decisions, strict=True)
        )


@pytest.mark.parametrize("share", [0, -0.1, 1.01, float("nan")])
def test_a_share_outside_its_range_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="max_share_per_document"):
        Greedy(kind="greedy", max_share_per_document=share)
