"""Prices: hand calculations, the library itself as oracle over its whole list, and what is unknown stays unknown."""

from __future__ import annotations

import socket
from datetime import date, datetime

import genai_prices
import pytest
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.evaluation.economics.prices import (
    GIVEN,
    PRICE_UNKNOWN,
    SNAPSHOT,
    GivenPrice,
    Rates,
    Usage,
    cost_usd,
    newest_price_change,
    price_of,
    shown_usd,
)
from configs.errors import InvalidInputError
from tests.app.evaluation.economics.price_lists import MOMENT, made_price

CACHED = Usage(input_tokens=10_000, cache_read_tokens=8_000, output_tokens=500)
COUNTS = st.integers(0, 10**6)


@pytest.mark.parametrize(
    ("model", "provider", "expected_usd"),
    [
        ("claude-sonnet-4-5", "anthropic", (2_000 * 3 + 8_000 * 0.3 + 500 * 15) / 1e6),
        ("claude-sonnet-4-5", None, 0.0159),
        ("gpt-5", "openai", (2_000 * 1.25 + 8_000 * 0.125 + 500 * 10) / 1e6),
        ("gpt-5", None, 0.0085),
    ],
)
def test_cached_input_is_counted_once(model: str, provider: str | None, expected_usd: float) -> None:
    assert cost_usd(price_of(model, provider, at=MOMENT), CACHED) == pytest.approx(expected_usd, rel=1e-12)


@pytest.mark.parametrize(
    ("model", "provider"),
    [("no-such-model", None), ("no-such-model", "openai"), ("gpt-5", "no-such-provider"), ("", None)],
)
def test_an_unknown_model_has_no_price_and_costs_nobody_knows_what(model: str, provider: str | None) -> None:
    price = price_of(model, provider)
    assert price is None
    assert cost_usd(price, CACHED) is None
    assert shown_usd(cost_usd(price, CACHED)) == PRICE_UNKNOWN


def test_a_price_names_where_it_comes_from() -> None:
    price = price_of("gpt-5", at=MOMENT)
    assert price is not None
    assert (price.model, price.provider, price.source) == ("gpt-5", "openai", SNAPSHOT)
    assert f"genai-prices {genai_prices.__version__}" == SNAPSHOT
    assert price.context_window_tokens == 400_000


def test_no_network_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a price was looked up over the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert price_of("claude-sonnet-4-5") is not None
    assert price_of("no-such-model") is None


def test_costs_equal_those_of_the_library_for_every_listed_model() -> None:
    compared = 0
    for provider in get_snapshot().providers:
        for model in provider.models:
            price = price_of(model.id, provider.id, at=MOMENT)
            if price is None or price.rates[0].output_usd_per_million is None:
                continue
            listed = get_snapshot().find_provider_model(model.id, None, provider.id, None)[1].get_prices(MOMENT)
            for total_tokens in (3_000, 600_000):
                counts = {
                    "input_tokens": total_tokens,
                    "cache_read_tokens": total_tokens // 3,
                    "cache_write_tokens": total_tokens // 4,
                    "output_tokens": 700,
                }
                expected = listed.calc_price(genai_prices.Usage(**counts))["total_price"]
                assert cost_usd(price, Usage(**counts)) == pytest.approx(float(expected), rel=1e-9), model.id
                compared += 1
    assert compared > 3_000


def test_a_long_prompt_pays_the_higher_rates_for_all_of_it() -> None:
    low = Rates(input_usd_per_million=1.0, output_usd_per_million=5.0)
    high = Rates(above_input_tokens=200_000, input_usd_per_million=2.0, output_usd_per_million=6.0)
    price = made_price(rates=(low, high))
    assert cost_usd(price, Usage(input_tokens=200_000, output_tokens=1_000)) == pytest.approx(0.2 + 0.005)
    assert cost_usd(price, Usage(input_tokens=200_001, output_tokens=1_000)) == pytest.approx(0.400002 + 0.006)


def test_the_tiers_of_the_list_arrive() -> None:
    price = price_of("claude-sonnet-4-5", "anthropic", at=MOMENT)
    assert price is not None
    assert [(one.above_input_tokens, one.input_usd_per_million) for one in price.rates] == [(0, 3.0), (200_000, 6.0)]


def test_a_fee_for_each_request_is_part_of_its_cost() -> None:
    price = price_of("sonar", "perplexity", at=MOMENT)
    assert price is not None
    assert price.request_usd == pytest.approx(0.012)
    assert cost_usd(price, Usage(input_tokens=1_000)) == pytest.approx(0.012 + 0.001)


def test_output_without_a_rate_is_unknown_and_not_free() -> None:
    price = price_of("text-embedding-3-small", "openai", at=MOMENT)
    assert cost_usd(price, Usage(input_tokens=1_000_000)) == pytest.approx(0.02)
    assert cost_usd(made_price(rates=(Rates(input_usd_per_million=1.0),)), CACHED) is None


def test_given_values_win_over_the_list_at_every_length() -> None:
    own = {"claude-sonnet-4-5": GivenPrice(input_usd_per_million=1.0, cache_read_usd_per_million=0.0)}
    price = price_of("claude-sonnet-4-5", "anthropic", given=own, at=MOMENT)
    assert price is not None
    assert price.source == f"{SNAPSHOT}, {GIVEN}"
    assert {one.input_usd_per_million for one in price.rates} == {1.0}
    assert cost_usd(price, CACHED) == pytest.approx((2_000 * 1.0 + 500 * 15) / 1e6)
    other = price_of("gpt-5", given=own, at=MOMENT)
    assert other == price_of("gpt-5", at=MOMENT)


def test_given_values_price_a_model_that_no_list_knows() -> None:
    own = {"own-llama": GivenPrice(input_usd_per_million=0.5, output_usd_per_million=1.0)}
    price = price_of("own-llama", given=own)
    assert price is not None
    assert (price.model, price.source) == ("own-llama", GIVEN)
    assert cost_usd(price, Usage(input_tokens=1_000_000, output_tokens=1_000_000)) == pytest.approx(1.5)


def test_an_output_rate_alone_prices_no_unlisted_model() -> None:
    assert price_of("own-llama", given={"own-llama": GivenPrice(output_usd_per_million=1.0)}) is None


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_a_given_rate_is_a_finite_amount(value: float) -> None:
    with pytest.raises(ValidationError):
        GivenPrice(input_usd_per_million=value)


@pytest.mark.parametrize(
    ("input_tokens", "read_tokens", "write_tokens", "output_tokens"),
    [(10, 8, 3, 0), (10, 11, 0, 0), (-1, 0, 0, 0), (10, -1, 0, 0), (10, 0, 0, -5), (float("nan"), 0, 0, 0)],
)
def test_usage_that_cannot_be_is_refused(
    input_tokens: float, read_tokens: float, write_tokens: float, output_tokens: float
) -> None:
    with pytest.raises(InvalidInputError, match="is no usage") as raised:
        Usage(
            input_tokens=input_tokens,
            cache_read_tokens=read_tokens,
            cache_write_tokens=write_tokens,
            output_tokens=output_tokens,
        )
    assert raised.value.code == "invalid_usage"


@given(COUNTS, COUNTS, COUNTS)
def test_reading_from_the_cache_lies_between_the_read_and_the_full_price(fresh: int, read: int, output: int) -> None:
    usage = Usage(input_tokens=fresh + read, cache_read_tokens=read, output_tokens=output)
    cost = cost_usd(made_price(), usage)
    assert cost == pytest.approx((fresh + 0.1 * read + 10 * output) / 1e6)


@pytest.mark.parametrize(
    ("value_usd", "text"),
    [
        (None, PRICE_UNKNOWN),
        (0.0, "$0"),
        (0.0159, "$0.0159"),
        (0.00000123456, "$0.00000123"),
        (12.3456, "$12.3"),
        (99.99, "$100"),
        (1234567.8, "$1,234,568"),
    ],
)
def test_amounts_as_people_read_them(value_usd: float | None, text: str) -> None:
    assert shown_usd(value_usd) == text


def test_the_age_of_the_snapshot_is_bounded_by_its_newest_change() -> None:
    assert date(2026, 1, 1) < newest_price_change(MOMENT) <= MOMENT.date()
    early = datetime(2025, 6, 1, tzinfo=MOMENT.tzinfo)
    assert newest_price_change(early) <= early.date()
