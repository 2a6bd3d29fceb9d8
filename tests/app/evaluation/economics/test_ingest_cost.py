"""Ingest cost by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.economics.ingest_cost import ingest_cost_usd


@pytest.mark.parametrize(
    ("tokens", "usd_per_million", "share", "months", "expected_usd"),
    [
        (10_000_000, 0.02, 0.0, 12, 0.2),
        (10_000_000, 0.02, 0.1, 12, 0.44),
        (10_000_000, 0.02, 0.1, 0, 0.2),
        (0, 0.02, 0.1, 12, 0.0),
        (5_000_000, 0.0, 1.0, 12, 0.0),
    ],
)
def test_ingest_cost_by_hand(
    tokens: int, usd_per_million: float, share: float, months: float, expected_usd: float
) -> None:
    assert ingest_cost_usd(tokens, usd_per_million, share, months) == pytest.approx(expected_usd)


@given(st.integers(0, 10**9), st.floats(0, 10), st.floats(0, 1), st.floats(0, 24), st.floats(0, 24))
def test_every_month_costs_the_same(tokens: int, price: float, share: float, first: float, second: float) -> None:
    whole = ingest_cost_usd(tokens, price, share, first + second)
    parts = ingest_cost_usd(tokens, price, share, first) + ingest_cost_usd(tokens, price, share, second)
    assert whole == pytest.approx(parts - ingest_cost_usd(tokens, price, share, 0), abs=1e-6)
