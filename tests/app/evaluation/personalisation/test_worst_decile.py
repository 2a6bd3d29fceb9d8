"""The worst tenth is chosen on other questions than it is scored on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.personalisation.worst_decile import decile_mean, worst_decile


def test_the_lowest_tenth_is_scored_and_ties_share_its_places() -> None:
    chosen_by = np.array([0.0, 0.1, 0.1, 0.1, *[0.5] * 16])
    scored_by = np.arange(20.0)
    assert decile_mean(chosen_by, scored_by) == pytest.approx((0 + (1 + 2 + 3) / 3) / 2)


@given(st.integers(0, 2**32 - 1), st.integers(20, 60))
def test_the_order_of_users_does_not_matter_for_a_decile(seed: int, users: int) -> None:
    random = np.random.default_rng(seed)
    one, other = random.integers(-2, 3, users) / 2, random.random(users)
    order = random.permutation(users)
    assert decile_mean(one, other) == pytest.approx(decile_mean(one[order], other[order]))


def test_a_planted_tenth_is_found() -> None:
    users = np.repeat(np.arange(40), 6)
    gain = np.where(users < 4, -0.3, 0.1)
    found = worst_decile(gain, users, np.arange(240), seed=1)
    assert (found.is_shown, found.users, found.decile_users) == (True, 40, 4)
    assert found.gain == pytest.approx(-0.3)
    assert found.naive_gain == pytest.approx(-0.3)


def test_noise_alone_makes_the_naive_tenth_look_harmed_and_not_the_cross_fitted() -> None:
    random = np.random.default_rng(2)
    users = np.repeat(np.arange(60), 8)
    found = [worst_decile(random.normal(0, 0.3, 480), users, np.arange(480), seed=seed) for seed in range(60)]
    assert np.mean([one.gain for one in found]) == pytest.approx(0, abs=0.02)
    assert np.mean([one.naive_gain for one in found]) < -0.15


def test_questions_that_are_not_independent_stay_together_and_count_once() -> None:
    users = np.repeat(np.arange(20), 10)
    gain = np.random.default_rng(3).normal(0, 0.3, 200)
    assert worst_decile(gain, users, np.arange(200), seed=1).is_shown
    assert not worst_decile(gain, users, np.arange(200) // 5, seed=1).is_shown
    doubled = worst_decile(np.repeat(gain, 2), np.repeat(users, 2), np.repeat(np.arange(200), 2), seed=1)
    assert doubled.gain == pytest.approx(worst_decile(gain, users, np.arange(200), seed=1).gain)


@pytest.mark.parametrize(("users", "questions", "is_shown"), [(20, 5, True), (19, 5, False), (20, 4, False)])
def test_twenty_users_with_five_questions_are_needed(users: int, questions: int, is_shown: bool) -> None:
    owners = np.repeat(np.arange(users), questions)
    found = worst_decile(np.zeros(len(owners)), owners, np.arange(len(owners)), seed=1)
    assert found.is_shown is is_shown
    assert (found.gain is None) is not is_shown


def test_users_with_few_questions_are_left_out() -> None:
    owners = np.concatenate([np.repeat(np.arange(20), 5), np.repeat([20, 21], 2)])
    gain = np.where(owners >= 20, -1.0, 0.0)
    found = worst_decile(gain, owners, np.arange(len(owners)), seed=1)
    assert (found.users, found.gain, found.naive_gain) == (20, 0, 0)
