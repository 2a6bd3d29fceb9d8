"""The sign-flip test: exact p against brute force, sampled p against exact, add-one, one set of draws for all."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.statistics.sign_flip import draw_signs, draws_needed, sign_flip_p
from app.evaluation.statistics.simulation import separate


def brute_force_p(sums: list[float]) -> float:
    flipped = [
        abs(sum(sign * value for sign, value in zip(signs, sums, strict=True)))
        for signs in product((1, -1), repeat=len(sums))
    ]
    return sum(value >= abs(sum(sums)) - 1e-9 for value in flipped) / len(flipped)


@pytest.mark.parametrize(
    ("sums", "expected"),
    [([], 1.0), ([0.0, 0.0], 1.0), ([0.5], 1.0), ([1.0, 1.0], 0.5), ([1.0] * 6, 2 / 64), ([1.0, 1.0, -1.0], 1.0)],
)
def test_exact_p_by_hand(sums: list[float], expected: float) -> None:
    values = np.array([[*sums, *[0.0] * 20]])
    assert sign_flip_p(separate(values), iter(())).tolist() == [expected]


@given(st.lists(st.integers(-4, 4).map(lambda value: value / 4), min_size=1, max_size=9))
def test_exact_p_is_the_share_of_all_patterns(sums: list[float]) -> None:
    found = sign_flip_p(separate(np.array([sums])), iter(()))
    assert found[0] == pytest.approx(brute_force_p(sums))


def test_sampled_p_is_near_the_share_of_all_patterns() -> None:
    random = np.random.default_rng(1)
    values = np.round(random.normal(0.1, 0.3, (3, 14)), 2)
    found = sign_flip_p(separate(values), draw_signs(14, 20_000, seed=2))
    for row, p in zip(values, found, strict=True):
        expected = brute_force_p(row.tolist())
        assert abs(p - expected) < 4 * np.sqrt(expected * (1 - expected) / 20_000) + 1e-4


def test_a_sampled_p_is_never_below_one_in_all_draws() -> None:
    values = np.ones((1, 60))
    assert sign_flip_p(separate(values), draw_signs(60, 999, seed=2)).tolist() == [1 / 1_000]


def test_all_differences_meet_the_same_signs() -> None:
    random = np.random.default_rng(3)
    values = random.normal(0, 1, (5, 40))
    together = sign_flip_p(separate(values), draw_signs(40, 2_500, seed=4))
    alone = [sign_flip_p(separate(row[np.newaxis]), draw_signs(40, 2_500, seed=4))[0] for row in values]
    assert together.tolist() == alone


@given(st.integers(0, 1_000))
def test_swapping_the_pair_leaves_p(seed: int) -> None:
    values = np.random.default_rng(seed).normal(0, 1, (1, 30))
    both = separate(np.concatenate([values, -values]))
    first, second = sign_flip_p(both, draw_signs(30, 300, seed=1))
    assert first == second
    assert 0 < first <= 1


def test_signs_are_fair_and_seeded() -> None:
    signs = np.concatenate(list(draw_signs(200, 2_300, seed=8)))
    assert signs.shape == (2_300, 200)
    assert set(np.unique(signs)) == {-1, 1}
    assert abs(signs.mean()) < 4 / np.sqrt(signs.size)
    assert np.array_equal(signs, np.concatenate(list(draw_signs(200, 2_300, seed=8))))
    assert not np.array_equal(signs[:1_000], signs[1_000:2_000])


@pytest.mark.parametrize(
    ("pairs", "look", "draws"), [(1, 1, 10_000), (100, 1, 10_000), (300, 1, 30_000), (300, 3, 270_000)]
)
def test_draws_by_hand(pairs: int, look: int, draws: int) -> None:
    assert draws_needed(pairs, look) == draws


@given(st.integers(1, 2_000), st.integers(1, 20))
def test_enough_draws_for_a_pair_to_be_significant(pairs: int, look: int) -> None:
    level = 0.05 * 6 / (np.pi * look) ** 2
    assert pairs / (draws_needed(pairs, look) + 1) < level
