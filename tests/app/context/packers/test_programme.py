"""The most valuable set of loads, against all sets."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.packers.programme import Load, best_loads

loads = st.builds(Load, st.integers(0, 12), st.integers(0, 9).map(float), st.sampled_from("abc"))


def fits(chosen: tuple[Load, ...], capacity: int, group_capacity: dict[str, int]) -> bool:
    weights: Counter[str] = Counter()
    for load in chosen:
        weights[load.group] += load.weight
    return weights.total() <= capacity and all(weights[group] <= group_capacity[group] for group in weights)


@given(
    some=st.lists(loads, max_size=8),
    capacity=st.integers(0, 40),
    group_capacity=st.fixed_dictionaries({group: st.integers(0, 40) for group in "abc"}),
)
def test_no_other_set_is_worth_more(some: list[Load], capacity: int, group_capacity: dict[str, int]) -> None:
    chosen = best_loads(some, capacity, group_capacity)
    assert chosen == sorted(set(chosen))
    assert fits(tuple(some[number] for number in chosen), capacity, group_capacity)
    sets = (numbers for size in range(len(some) + 1) for numbers in combinations(some, size))
    best = max(sum(load.value for load in one) for one in sets if fits(one, capacity, group_capacity))
    assert sum(some[number].value for number in chosen) == best


def test_a_worked_example() -> None:
    """Capacity 10: 6 + 4 with 30 + 16 is 46; 5 + 5 with 22 + 22 is 44; 6 alone is 30."""
    some = [Load(6, 30.0, "a"), Load(5, 22.0, "b"), Load(5, 22.0, "c"), Load(4, 16.0, "a")]
    assert best_loads(some, 10, {"a": 10, "b": 10, "c": 10}) == [0, 3]
    assert best_loads(some, 10, {"a": 6, "b": 10, "c": 10}) == [1, 2]


@pytest.mark.parametrize("group_capacity", [{"a": 5}, {"a": 3}])
def test_of_equal_sets_the_one_with_the_earlier_loads_is_chosen(group_capacity: dict[str, int]) -> None:
    some = [Load(3, 1.0, "a"), Load(3, 1.0, "a"), Load(3, 1.0, "a")]
    assert best_loads(some, 5, group_capacity) == [0]


def test_a_group_that_is_held_may_make_another_one_break_its_capacity() -> None:
    some = [Load(6, 9.0, "a"), Load(6, 8.0, "a"), Load(6, 7.0, "b"), Load(6, 6.0, "b"), Load(6, 5.0, "c")]
    assert best_loads(some, 12, {"a": 6, "b": 6, "c": 6}) == [0, 2]
    assert best_loads(some, 12, {"a": 0, "b": 6, "c": 6}) == [2, 4]
