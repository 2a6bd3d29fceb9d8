"""The set of items that is worth most."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.packers import Packed, PackItem
from app.context.packers.greedy import Greedy
from app.context.packers.knapsack import MOST_UNITS, Knapsack
from tests.app.context.packers.example_items import PACKED, allowed_sets, item, sent, skipped
from tests.contracts.test_packer import budgets, items

KNAPSACK = Knapsack(kind="knapsack")
GREEDY = Greedy(kind="greedy")
SCORES = [0.0, 0.25, 0.5, 0.75, 1.0, -3.0]
Value = Literal["reciprocal_rank", "score"]


def worth(some: Sequence[PackItem], numbers: Sequence[int], value: Value = "reciprocal_rank") -> float:
    """Work out by the definition what a set of items is worth."""
    lowest = min(0.0, *(one.score for one in some)) if some else 0.0
    return sum(
        some[number].score - lowest
        if value == "score"
        else 1 / (1 + sum(one.score > some[number].score for one in some))
        for number in numbers
    )


def test_the_best_counts_for_more_than_the_next_two() -> None:
    """1 and 1/2 do not fit together; 1/2 + 1/3 is less than 1 + 1/4, which fits."""
    candidates = [item(60, 0.9), item(50, 0.8, start=20), item(50, 0.7, start=40), item(40, 0.6, start=60)]
    assert KNAPSACK.pack(candidates, 100) == [PACKED, skipped(50, 0), skipped(50, 0), PACKED]


def test_by_score_two_middling_items_win_over_the_best() -> None:
    """The best is worth 0.9 and leaves no room, the two others 1.1; greedy takes the best."""
    candidates = [item(100, 0.9), item(50, 0.6, start=20), item(50, 0.5, start=40)]
    by_score = Knapsack(kind="knapsack", value="score")
    assert by_score.pack(candidates, 100) == [skipped(100, 0), PACKED, PACKED]
    assert GREEDY.pack(candidates, 100) == [PACKED, skipped(50, 0), skipped(50, 0)]
    assert KNAPSACK.pack(candidates, 100) == GREEDY.pack(candidates, 100)


def test_equal_scores_are_worth_the_same() -> None:
    candidates = [item(100, 0.9, "a"), item(50, 0.9, "b"), item(50, 0.9, "c")]
    assert KNAPSACK.pack(candidates, 100) == [skipped(100, 0), PACKED, PACKED]


@pytest.mark.parametrize("value", ["reciprocal_rank", "score"])
@pytest.mark.parametrize("share", [0.4, 1.0])
@given(some=items(SCORES, max_size=8), budget_tokens=budgets)
def test_no_other_set_is_worth_more(value: Value, share: float, some: list[PackItem], budget_tokens: int) -> None:
    packer = Knapsack(kind="knapsack", value=value, max_share_per_document=share)
    found = worth(some, sent(packer.pack(some, budget_tokens)), value)
    best = max(worth(some, numbers, value) for numbers in allowed_sets(some, budget_tokens, share))
    assert found == pytest.approx(best)


def test_no_set_of_twelve_is_worth_more() -> None:
    draw = random.Random(4)
    some = [item(draw.randint(20, 90), draw.random(), draw.choice("abc"), 20 * number) for number in range(12)]
    best = max(worth(some, numbers) for numbers in allowed_sets(some, 250))
    assert worth(some, sent(KNAPSACK.pack(some, 250))) == pytest.approx(best)


@given(
    some=items(SCORES),
    budget_tokens=budgets,
    unit_tokens=st.sampled_from([1, 8, 50]),
    share=st.just(1.0) | st.just(0.6),
)
def test_it_is_never_worth_less_than_greedy(
    some: list[PackItem], budget_tokens: int, unit_tokens: int, share: float
) -> None:
    packer = Knapsack(kind="knapsack", unit_tokens=unit_tokens, max_share_per_document=share)
    greedy = Greedy(kind="greedy", max_share_per_document=share)
    found, least = (worth(some, sent(one.pack(some, budget_tokens))) for one in (packer, greedy))
    assert found >= least - 1e-9


@given(some=items(SCORES), budget_tokens=budgets, more_tokens=st.integers(0, 60))
def test_a_larger_budget_is_never_worth_less(some: list[PackItem], budget_tokens: int, more_tokens: int) -> None:
    before, after = (sent(KNAPSACK.pack(some, tokens)) for tokens in (budget_tokens, budget_tokens + more_tokens))
    assert worth(some, after) >= worth(some, before) - 1e-9


def test_units_are_rounded_up_for_each_item() -> None:
    """60 and 30 fit into 90, but in units of 8 they are 8 and 4 of 11; 60 goes alone, and 30 fills the rest."""
    candidates = [item(91, 0.9), item(60, 0.8, start=20), item(30, 0.7, start=40)]
    decisions = Knapsack(kind="knapsack", unit_tokens=8).pack(candidates, 90)
    assert decisions == [Packed(reason="budget", needed_tokens=91, left_tokens=30), PACKED, PACKED]


def test_what_rounding_up_misses_and_greedy_finds_is_sent() -> None:
    """57 and 39 are exactly 96, but 8 and 5 of 12 units of 8; 57 and 32 are 12 units and worth less."""
    candidates = [item(57, 0.9), item(39, 0.8, start=20), item(32, 0.7, start=40)]
    assert sent(Knapsack(kind="knapsack", unit_tokens=8).pack(candidates, 96)) == [0, 1]


def test_items_beyond_a_hundred_fill_what_is_left() -> None:
    """The best hundred take 40 tokens each, all but the last; what is left holds one of the others."""
    best = [item(40, 2 - number / 1_000, "a", 20 * number) for number in range(100)]
    others = [item(30, 0.5 - number / 1_000, "b", 20 * number) for number in range(10)]
    decisions = KNAPSACK.pack([*others, *best], 99 * 40 + 35)
    assert sent(decisions) == [0, *range(10, 109)]
    assert decisions[-1] == skipped(40, 35)
    assert decisions[1] == skipped(30, 5)


def test_what_can_never_fit_takes_no_place_among_the_hundred() -> None:
    """Greedy sends the first; the second and third are worth more, by score, than it is."""
    too_large = [item(500, 9 - number / 1_000, "a", 20 * number) for number in range(100)]
    fitting = [item(100, 0.9, "b"), item(50, 0.6, "b", 20), item(50, 0.5, "b", 40)]
    assert sent(Knapsack(kind="knapsack", value="score").pack([*too_large, *fitting], 100)) == [101, 102]


def test_a_budget_of_very_many_tokens_is_counted_in_larger_units() -> None:
    """The best is worth less than the next two; sizes are such that rounding up does not matter."""
    half = 10 * MOST_UNITS
    candidates = [item(2 * half, 0.9), item(half, 0.6, start=20), item(half, 0.5, start=40)]
    assert sent(Knapsack(kind="knapsack", value="score").pack(candidates, 2 * half)) == [1, 2]
