"""What building an index takes: time by the measured speed, money once and for each month, by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.estimate import TOKENS_PER_SECOND
from app.evaluation.economics.ingest_cost import IngestCost, ingest_cost, ingest_cost_usd

prices, shares = st.floats(0, 1_000), st.floats(0, 31)


def test_a_cost_by_hand() -> None:
    cost = ingest_cost(5_000_000, 0.02, 0.25)
    assert cost.usd_once == pytest.approx(0.1)
    assert cost.usd_per_month == pytest.approx(0.025)
    assert cost.seconds == pytest.approx(5_000_000 / TOKENS_PER_SECOND)


def test_nothing_to_embed_takes_nothing() -> None:
    assert ingest_cost(0, 500.0, 31.0) == IngestCost(seconds=0.0, usd_once=0.0, usd_per_month=0.0)


@given(tokens=st.integers(0, 10**9), price=prices, share=shares, months=st.integers(0, 24))
def test_once_and_months_make_up_the_whole(tokens: int, price: float, share: float, months: int) -> None:
    cost = ingest_cost(tokens, price, share)
    whole = ingest_cost_usd(tokens, price, share, months)
    assert cost.usd_once is not None
    assert cost.usd_per_month is not None
    assert cost.usd_once + months * cost.usd_per_month == pytest.approx(whole, rel=1e-6, abs=1e-6)


@given(tokens=st.integers(1, 10**9), price=prices, share=shares)
def test_twice_the_tokens_take_twice_the_time_and_money(tokens: int, price: float, share: float) -> None:
    once, twice = ingest_cost(tokens, price, share), ingest_cost(2 * tokens, price, share)
    assert twice.seconds == pytest.approx(2 * once.seconds)
    assert once.usd_once is not None
    assert once.usd_per_month is not None
    assert twice.usd_once == pytest.approx(2 * once.usd_once)
    assert twice.usd_per_month == pytest.approx(2 * once.usd_per_month, abs=1e-6)


@given(tokens=st.integers(0, 10**9), share=shares)
def test_a_model_of_ones_own_costs_time_alone(tokens: int, share: float) -> None:
    cost = ingest_cost(tokens, 0.0, share)
    assert (cost.usd_once, cost.usd_per_month) == (0.0, 0.0)
    assert (cost.seconds > 0) == (tokens > 0)


def test_a_price_nobody_knows_is_no_price_of_zero() -> None:
    cost = ingest_cost(5_000_000, None, 0.25)
    assert (cost.usd_once, cost.usd_per_month) == (None, None)
    assert cost.seconds == ingest_cost(5_000_000, 0.02, 0.25).seconds
