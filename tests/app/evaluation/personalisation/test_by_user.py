"""Comparisons by user: the user is the unit, whatever their questions say alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.personalisation.by_user import Comparison, Draws, compare, estimate, stricter
from app.evaluation.statistics.score_table import Integers, Numbers

DRAWS = Draws(resamples=400, seed=3, look=1)


def compared(values: Numbers, users: Integers) -> Comparison:
    return compare("own", "anonymous", values, users, DRAWS, margin=0.02, alpha=0.05)


def test_a_comparison_by_hand() -> None:
    users = np.repeat(np.arange(10), 2)
    values = np.tile([0.0, 0.2], 10)
    values[:2] = [-0.2, 0.0]
    values[2:4] = [0.1, -0.1]
    found = compared(values, users)
    assert found.difference is not None
    assert found.difference.value == pytest.approx((8 * 0.2 - 0.2) / 20)
    assert (found.users_above, found.users_level, found.users_below) == (8, 1, 1)
    assert found.mean_of_users == pytest.approx((8 * 0.1 - 0.1) / 10)
    # of the 2^9 patterns of nine equal sums, 10 keep at most one sign apart, and as many mirror them
    assert found.p == pytest.approx(20 / 512)


@pytest.mark.parametrize(("users", "has_verdict"), [(9, False), (10, True)])
def test_ten_users_are_needed_however_many_questions_they_ask(users: int, has_verdict: bool) -> None:
    owners = np.repeat(np.arange(users), 100)
    found = compared(np.random.default_rng(1).normal(0.3, 0.01, len(owners)), owners)
    assert (found.verdict == "better") is has_verdict
    assert (found.verdict == "not_enough_users") is not has_verdict
    assert (found.p is None) is not has_verdict


def test_repeating_a_users_questions_makes_nothing_surer() -> None:
    values = np.random.default_rng(4).normal(0.03, 0.1, 40)
    once = compared(values, np.arange(40))
    often = compared(np.repeat(values, 50), np.repeat(np.arange(40), 50))
    assert once.difference is not None
    assert often.difference is not None
    assert often.p == pytest.approx(once.p)
    assert (often.difference.low, often.difference.high) == pytest.approx((once.difference.low, once.difference.high))
    assert (often.verdict, often.users_to_detect) == (once.verdict, once.users_to_detect)


@given(st.integers(0, 2**32 - 1), st.integers(2, 16), st.floats(-0.2, 0.2))
def test_swapping_the_arms_swaps_the_verdict(seed: int, users: int, mean: float) -> None:
    random = np.random.default_rng(seed)
    owners = np.repeat(np.arange(users), 3)
    values: Numbers = np.asarray(np.round(random.normal(mean, 0.1, len(owners)), 3), dtype=np.float64)
    one, other = compared(values, owners), compared(-values, owners)
    swapped = {"better": "worse", "worse": "better"}
    assert other.verdict == swapped.get(one.verdict, one.verdict)
    assert (one.users_above, one.users_level) == (other.users_below, other.users_level)
    assert one.p == other.p


def test_questions_without_both_scores_are_left_out() -> None:
    values = np.array([0.1, np.nan, 0.3, np.nan])
    found = compared(values, np.array([0, 0, 1, 2]))
    assert found.difference is not None
    assert (found.difference.users, found.difference.questions) == (2, 2)
    nothing = compared(np.full(4, np.nan), np.arange(4))
    assert (nothing.difference, nothing.verdict) == (None, "not_enough_users")
    assert estimate(np.full(4, np.nan), np.arange(4), DRAWS, is_difference=True) is None


def test_a_verdict_stands_only_where_both_kinds_of_clusters_give_it() -> None:
    random = np.random.default_rng(6)
    clear = compared(random.normal(0.2, 0.05, 30), np.arange(30))
    vague = compared(random.normal(0.2, 0.9, 30).clip(-1, 1), np.arange(30))
    few = compared(np.full(5, 0.2), np.arange(5))
    assert stricter(clear, clear) == clear
    for found in (stricter(clear, vague), stricter(vague, clear)):
        assert (found.verdict, found.reason) == ("too_close_to_call", "not_enough_evidence")
        assert found.p == vague.p
        assert found.difference is not None
        assert vague.difference is not None
        assert (found.difference.low, found.difference.high) == (vague.difference.low, vague.difference.high)
    assert stricter(clear, few).verdict == "not_enough_users"
