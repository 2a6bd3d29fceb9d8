"""Cost of measured requests: mean, interval and month by hand."""

from __future__ import annotations

from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from app.evaluation.economics.assumptions import DAYS_PER_MONTH
from app.evaluation.economics.prices import Rates
from app.evaluation.economics.request_cost import request_cost
from configs.errors import InvalidInputError
from tests.app.evaluation.economics.price_lists import made_assumptions, made_price


def test_a_mean_request_by_hand() -> None:
    cost = request_cost(made_price(), [1_000, 2_000, 3_000], made_assumptions())
    per_request = (500 + 2_000 + 500 * 10) / 1e6
    margin = 4.302653 * 1_000 / 1e6 / 3**0.5
    assert cost.requests == 3
    assert cost.mean_input_tokens == 2_500
    assert cost.usd_per_request == pytest.approx(per_request)
    assert cost.low_usd_per_request == pytest.approx(per_request - margin)
    assert cost.high_usd_per_request == pytest.approx(per_request + margin)
    assert cost.usd_per_month == pytest.approx(per_request * 100 * DAYS_PER_MONTH)
    assert cost.low_usd_per_month == pytest.approx((per_request - margin) * 100 * DAYS_PER_MONTH)
    assert cost.high_usd_per_month == pytest.approx((per_request + margin) * 100 * DAYS_PER_MONTH)


@given(st.lists(st.integers(0, 10_000), min_size=2, max_size=30, unique=True))
def test_the_interval_is_scipys(tokens: list[int]) -> None:
    costs = np.array([(500 + one + 5_000) / 1e6 for one in tokens])
    low, high = stats.t.interval(0.95, len(tokens) - 1, loc=costs.mean(), scale=stats.sem(costs))
    cost = request_cost(made_price(), tokens, made_assumptions())
    assert cost.low_usd_per_request == pytest.approx(max(0.0, low))
    assert cost.high_usd_per_request == pytest.approx(high)
    assert cost.usd_per_request == pytest.approx(fmean(costs))


def test_equal_requests_have_no_spread_and_a_single_one_no_interval() -> None:
    equal = request_cost(made_price(), [700] * 5, made_assumptions())
    assert equal.low_usd_per_request == equal.usd_per_request == equal.high_usd_per_request
    single = request_cost(made_price(), [700], made_assumptions())
    assert single.usd_per_request == pytest.approx(equal.usd_per_request)
    assert (single.low_usd_per_request, single.high_usd_per_month) == (None, None)


def test_retrieval_itself_is_charged() -> None:
    plain = request_cost(made_price(), [700, 800], made_assumptions())
    charged = request_cost(made_price(), [700, 800], made_assumptions(retrieval_usd_per_request=0.002))
    assert plain.usd_per_request is not None
    assert charged.usd_per_request == pytest.approx(plain.usd_per_request + 0.002)


def test_long_requests_are_priced_one_by_one() -> None:
    low = Rates(input_usd_per_million=1.0, output_usd_per_million=0.0)
    high = Rates(above_input_tokens=1_000, input_usd_per_million=3.0, output_usd_per_million=0.0)
    assumptions = made_assumptions(instruction_tokens=0, question_tokens=0)
    cost = request_cost(made_price(rates=(low, high)), [800, 1_200], assumptions)
    assert cost.usd_per_request == pytest.approx((800 + 3 * 1_200) / 2 / 1e6)


def test_an_unknown_price_leaves_tokens_alone() -> None:
    cost = request_cost(None, [1_000, 3_000], made_assumptions())
    assert cost.mean_input_tokens == 2_500
    amounts = cost.model_dump(exclude={"requests", "mean_input_tokens"})
    assert set(amounts.values()) == {None}


def test_nothing_measured_has_no_cost() -> None:
    with pytest.raises(InvalidInputError, match="no request was measured") as raised:
        request_cost(made_price(), [], made_assumptions())
    assert raised.value.code == "nothing_measured"
