"""The most score per token first."""

from __future__ import annotations

from hypothesis import given

from app.context.packers import PackItem
from app.context.packers.density import Density
from tests.app.context.packers.example_items import PACKED, item, skipped
from tests.contracts.test_packer import budgets, items

DENSITY = Density(kind="density")


def test_two_short_items_win_over_a_long_one_that_is_a_little_better() -> None:
    """0.9 for 200 tokens is 0.0045 per token, 0.8 for 100 is 0.008, 0.6 for 100 is 0.006."""
    candidates = [item(200, 0.9), item(100, 0.8, start=20), item(100, 0.6, start=40)]
    assert DENSITY.pack(candidates, 200) == [skipped(200, 0), PACKED, PACKED]


def test_what_is_shorter_than_the_smallest_size_gains_nothing_by_it() -> None:
    """Of 5 tokens, 0.1 is 0.02 per token; counted as 64 it is 0.0016, less than 0.5 for 100."""
    candidates = [item(100, 0.5), item(5, 0.1, start=20)]
    assert DENSITY.pack(candidates, 104) == [PACKED, skipped(5, 4)]
    assert Density(kind="density", smallest_tokens=1).pack(candidates, 104) == [skipped(100, 99), PACKED]


def test_negative_scores_count_from_the_lowest() -> None:
    """From -2 on, the scores are 3, 2 and 0; per token 0.015, 0.02 and 0."""
    candidates = [item(200, 1.0), item(100, 0.0, start=20), item(100, -2.0, start=40)]
    assert DENSITY.pack(candidates, 200) == [skipped(200, 100), PACKED, PACKED]


def test_of_equal_density_the_better_score_goes_first() -> None:
    assert DENSITY.pack([item(100, 0.4), item(200, 0.8, start=20)], 200) == [skipped(100, 0), PACKED]


@given(some=items(scores=[0.5]), budget_tokens=budgets)
def test_of_equal_scores_as_many_as_possible_are_sent(some: list[PackItem], budget_tokens: int) -> None:
    decisions = Density(kind="density", smallest_tokens=1).pack(some, budget_tokens)
    left_tokens, most = budget_tokens, 0
    for tokens in sorted(one.tokens for one in some):
        left_tokens -= tokens
        most += left_tokens >= 0
    assert sum(decision.is_included for decision in decisions) == most
