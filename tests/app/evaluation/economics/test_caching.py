"""Prompt caching: break-even uses by hand, the published formula, and the limits of never and always."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.economics.caching import (
    SECONDS_PER_DAY,
    CacheTerms,
    SharedRequest,
    break_even_uses,
    expected_cost_usd,
    hit_probability,
    plain_cost_usd,
    terms_of,
    with_terms,
)
from app.evaluation.economics.prices import Rates, price_of
from tests.app.evaluation.economics.price_lists import MOMENT, made_price

REQUEST = SharedRequest(prefix_tokens=10_000, suffix_tokens=1_000, output_tokens=200)
MULTIPLIERS = st.floats(0, 3, allow_nan=False)


def terms(write: float, read: float) -> CacheTerms:
    """Return terms from two numbers."""
    return CacheTerms(write_multiplier=write, read_multiplier=read)


@pytest.mark.parametrize(
    ("write", "read", "uses", "pays_from_call"),
    [(1.25, 0.1, 1.2778, 2), (2.0, 0.1, 2.1111, 3), (1.0, 0.1, 1.0, 1), (1.0, 0.5, 1.0, 1), (1.25, 0.5, 1.5, 2)],
)
def test_break_even_uses_by_hand(write: float, read: float, uses: float, pays_from_call: int) -> None:
    assert break_even_uses(terms(write, read)) == pytest.approx(uses, abs=1e-4)
    assert math.ceil(break_even_uses(terms(write, read))) == pays_from_call


def test_a_cache_that_saves_nothing_never_pays() -> None:
    assert break_even_uses(terms(1.25, 1.0)) == math.inf
    assert break_even_uses(terms(1.0, 1.0)) == 1.0


@given(st.floats(1.001, 3), st.floats(0, 0.99), st.integers(1, 50))
def test_caching_is_cheaper_exactly_from_the_break_even_on(write: float, read: float, uses: int) -> None:
    price = with_terms(made_price(), terms(write, read))
    cached, plain = expected_cost_usd(price, REQUEST, 1 - 1 / uses), plain_cost_usd(price, REQUEST)
    assert cached is not None
    assert plain is not None
    if abs(uses - break_even_uses(terms(write, read))) > 1e-6:
        assert (cached < plain) == (uses > break_even_uses(terms(write, read)))


@pytest.mark.parametrize("uses", [1, 2, 3, 10, 1_000])
def test_reuse_follows_the_published_formula(uses: int) -> None:
    expected = ((1.25 * 10_000 + (uses - 1) * 0.1 * 10_000) / uses * 1.0 + 1_000 * 1.0 + 200 * 10.0) / 1e6
    assert expected_cost_usd(made_price(), REQUEST, 1 - 1 / uses) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("requests_per_day", "lifetime_seconds", "probability"),
    [(288, 300, 1 - math.exp(-1)), (24, 3_600, 1 - math.exp(-1)), (1_440, 300, 1 - math.exp(-5)), (100, 0, 0.0)],
)
def test_hit_probability_by_hand(requests_per_day: float, lifetime_seconds: float, probability: float) -> None:
    assert hit_probability(requests_per_day, lifetime_seconds) == pytest.approx(probability)


def test_hits_of_random_arrivals_are_as_frequent_as_predicted() -> None:
    random, rate_per_second = Random(7), 400 / SECONDS_PER_DAY
    gaps = [random.expovariate(rate_per_second) for _ in range(40_000)]
    observed = sum(gap <= 300 for gap in gaps) / len(gaps)
    assert observed == pytest.approx(hit_probability(400, 300), abs=0.01)


def test_rare_requests_write_every_time_and_frequent_ones_read() -> None:
    price = made_price()
    rest = (1_000 * 1.0 + 200 * 10.0) / 1e6
    rare = expected_cost_usd(price, REQUEST, hit_probability(1e-9, 300))
    frequent = expected_cost_usd(price, REQUEST, hit_probability(1e9, 300))
    assert rare == pytest.approx(1.25 * 10_000 / 1e6 + rest)
    assert frequent == pytest.approx(0.1 * 10_000 / 1e6 + rest)


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_hits_never_cost_more(first: float, second: float) -> None:
    low, high = sorted((first, second))
    few, many = expected_cost_usd(made_price(), REQUEST, low), expected_cost_usd(made_price(), REQUEST, high)
    assert few is not None
    assert many is not None
    assert many <= few + 1e-15


@given(MULTIPLIERS, MULTIPLIERS)
def test_terms_survive_being_put_into_a_price(write: float, read: float) -> None:
    found = terms_of(with_terms(made_price(), terms(write, read)), 300)
    assert found.write_multiplier == pytest.approx(write)
    assert found.read_multiplier == pytest.approx(read)


def test_terms_of_listed_models() -> None:
    sonnet, gpt = price_of("claude-sonnet-4-5", at=MOMENT), price_of("gpt-5", at=MOMENT)
    assert sonnet is not None
    assert gpt is not None
    for price, lifetime_seconds, write in ((sonnet, 300, 1.25), (sonnet, 3_600, 2.0), (gpt, 300, 1.0)):
        found = terms_of(price, lifetime_seconds)
        assert found.write_multiplier == pytest.approx(write)
        assert found.read_multiplier == pytest.approx(0.1)


def test_without_listed_cache_rates_cached_tokens_cost_what_others_do() -> None:
    price = made_price(rates=(Rates(input_usd_per_million=2.0, output_usd_per_million=4.0),))
    assert terms_of(price, 300) == terms(1.0, 1.0)
    assert expected_cost_usd(price, REQUEST, 0.3) == pytest.approx(plain_cost_usd(price, REQUEST))


def test_a_free_model_has_terms_and_costs_nothing() -> None:
    price = made_price(rates=(Rates(input_usd_per_million=0.0, output_usd_per_million=0.0),))
    assert terms_of(price, 300) == terms(1.0, 1.0)
    assert expected_cost_usd(price, REQUEST, 0.5) == 0.0


def test_an_unknown_price_stays_unknown() -> None:
    assert plain_cost_usd(None, REQUEST) is None
    assert expected_cost_usd(None, REQUEST, 0.5) is None
