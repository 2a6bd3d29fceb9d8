"""Nobody gets their own profile, and every derangement is counted out where there are few."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.personalisation.derangements import (
    NOBODY,
    across_groups,
    derangements,
    within_groups,
)
from app.evaluation.statistics.score_table import Flags

GROUPS = st.lists(st.frozensets(st.sampled_from("abc")), min_size=1, max_size=5)


def names(size: int) -> list[str]:
    return [f"u{number}" for number in range(size)]


def anybody(size: int) -> Flags:
    """Return the flags by which everybody may lend to everybody."""
    return np.ones((size, size), dtype=np.bool_)


def all_draws(may_lend: Flags) -> set[tuple[int, ...]]:
    """Return every draw that serves as many users as any, by trying all of them."""
    size = len(may_lend)
    options = [[*np.flatnonzero(row).tolist(), NOBODY] for row in may_lend & ~np.eye(size, dtype=bool)]
    valid = [
        draw
        for draw in product(*options)
        if len({donor for donor in draw if donor != NOBODY}) == size - draw.count(NOBODY)
    ]
    most = max(size - draw.count(NOBODY) for draw in valid)
    return {draw for draw in valid if size - draw.count(NOBODY) == most} if most else set()


@given(groups=GROUPS, seed=st.integers(0, 99), is_within=st.booleans(), at_least=st.integers(1, 30))
def test_draws_are_different_and_allowed_and_all_where_they_are_few(
    groups: list[frozenset[str]], seed: int, is_within: bool, at_least: int
) -> None:
    may_lend = within_groups(groups) if is_within else across_groups(groups)
    expected = all_draws(may_lend)
    found = derangements(names(len(groups)), seed, may_lend, at_least)
    drawn = [tuple(row) for row in found.donors.tolist()]
    assert len(set(drawn)) == len(drawn) == min(at_least, len(expected))
    assert set(drawn) <= expected
    if len(expected) < at_least:
        assert found.is_all
    if found.is_all:
        assert set(drawn) == expected


@pytest.mark.parametrize(("users", "count"), [(1, 0), (2, 1), (3, 2), (4, 9), (5, 44)])
def test_derangements_are_as_many_as_the_subfactorial(users: int, count: int) -> None:
    found = derangements(names(users), 3, anybody(users), at_least=50)
    assert len(found.donors) == count
    assert found.is_all


@given(st.integers(6, 25), st.integers(0, 99))
def test_everybody_borrows_and_nobody_from_themselves(users: int, seed: int) -> None:
    found = derangements(names(users), seed, anybody(users))
    assert found.donors.shape == (20, users)
    assert not found.is_all
    assert (np.sort(found.donors, axis=1) == np.arange(users)).all()
    assert (found.donors != np.arange(users)).all()
    assert np.array_equal(found.donors, derangements(names(users), seed, anybody(users)).donors)


def test_every_profile_is_lent_to_everybody_alike() -> None:
    found = derangements(names(6), 1, anybody(6), at_least=265)
    times = np.array([np.bincount(found.donors[:, user], minlength=6) for user in range(6)])
    assert found.is_all
    assert (times[~np.eye(6, dtype=bool)] == 53).all()


def test_of_a_large_group_and_a_small_one_only_some_can_borrow_across() -> None:
    groups = [{"many"}] * 8 + [{"few"}] * 2
    found = derangements(names(10), seed=1, may_lend=across_groups(groups))
    assert ((found.donors != NOBODY).sum(axis=1) == 4).all()
    served = (found.donors[:, :8] != NOBODY).any(axis=0)
    assert served.all()


def test_many_pairs_leave_a_single_derangement() -> None:
    found = derangements(names(60), seed=1, may_lend=within_groups([{str(user // 2)} for user in range(60)]))
    assert found.is_all
    assert found.donors.tolist() == [[user ^ 1 for user in range(60)]]


def test_users_without_groups_share_none() -> None:
    assert not within_groups([(), ()]).any()
    assert across_groups([(), ()]).tolist() == [[False, True], [True, False]]
    assert within_groups([("a", "b"), ("b",), ("c",)]).tolist()[0] == [False, True, False]


def test_a_user_named_twice_and_flags_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        derangements(["a", "a"], 1, anybody(2))
    with pytest.raises(ValueError, match="2 users"):
        derangements(["a", "b"], seed=1, may_lend=np.ones((3, 3), dtype=np.bool_))
