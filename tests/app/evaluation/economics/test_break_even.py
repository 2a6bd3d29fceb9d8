"""The three ways side by side, calculated by hand; break-even where both cost the same; windows and unknown prices."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.evaluation.economics.assumptions import DAYS_PER_MONTH, Assumptions
from app.evaluation.economics.break_even import compare_ways
from tests.app.evaluation.economics.price_lists import made_assumptions, made_price

OUTPUT_USD = 500 * 10.0 / 1e6


def test_every_way_by_hand() -> None:
    result = compare_ways(made_price(), made_assumptions())
    hit = 1 - math.exp(-100 / 86_400 * 300)
    prefix_usd = (hit * 0.1 + (1 - hit) * 1.25) * 100_400 / 1e6
    assert result.no_context.usd_per_request == pytest.approx(500 / 1e6 + OUTPUT_USD)
    assert result.retrieval.usd_per_request == pytest.approx(2_500 / 1e6 + OUTPUT_USD)
    assert result.whole_documents.uncached_usd_per_request == pytest.approx(100_500 / 1e6 + OUTPUT_USD)
    assert result.whole_documents.cached_usd_per_request == pytest.approx(prefix_usd + 100 / 1e6 + OUTPUT_USD)
    assert result.whole_documents.hit_probability == pytest.approx(hit)
    assert result.whole_documents.is_cached
    assert result.retrieval.usd_per_month == pytest.approx((2_500 / 1e6 + OUTPUT_USD) * 100 * DAYS_PER_MONTH)
    assert result.cheapest == "retrieval"


def test_fixed_costs_of_retrieval_by_hand() -> None:
    assumptions = made_assumptions(
        embedded_tokens=120_000, embedding_usd_per_million=0.5, months=10, reembedded_share_per_month=0.2,
        hosting_usd_per_month=30.0, retrieval_usd_per_request=0.001,
    )  # fmt: skip
    result = compare_ways(made_price(), assumptions)
    fixed = 0.12 * 0.5 * (1 + 0.2 * 10) / 10 + 30.0
    assert result.retrieval.fixed_usd_per_month == pytest.approx(fixed)
    assert result.retrieval.usd_per_request == pytest.approx(0.001 + 2_500 / 1e6 + OUTPUT_USD)
    assert result.whole_documents.fixed_usd_per_month == 0.0
    assert result.no_context.fixed_usd_per_month == 0.0


def test_break_even_is_fixed_cost_over_the_saving_per_request() -> None:
    assumptions = made_assumptions(hosting_usd_per_month=100.0, smallest_cached_tokens=10**6)
    result = compare_ways(made_price(), assumptions)
    assert result.break_even_requests_per_month == pytest.approx(100.0 / (98_000 / 1e6))


@pytest.mark.parametrize(("factor", "cheapest"), [(0.99, "whole_documents"), (1.01, "retrieval")])
def test_the_choice_changes_at_the_break_even(factor: float, cheapest: str) -> None:
    assumptions = made_assumptions(hosting_usd_per_month=100.0, smallest_cached_tokens=10**6)
    break_even = compare_ways(made_price(), assumptions).break_even_requests_per_month
    assert break_even is not None
    at = assumptions.model_copy(update={"requests_per_day": break_even / DAYS_PER_MONTH * factor})
    assert compare_ways(made_price(), at).cheapest == cheapest


def test_rare_requests_pay_the_write_price_and_then_caching_is_left_out() -> None:
    whole = compare_ways(made_price(), made_assumptions(requests_per_day=1e-6)).whole_documents
    assert whole.cached_usd_per_request == pytest.approx(1.25 * 100_400 / 1e6 + 100 / 1e6 + OUTPUT_USD)
    assert not whole.is_cached
    assert whole.usd_per_request == whole.uncached_usd_per_request


def test_frequent_requests_pay_the_read_price() -> None:
    whole = compare_ways(made_price(), made_assumptions(requests_per_day=1e8)).whole_documents
    assert whole.usd_per_request == pytest.approx(0.1 * 100_400 / 1e6 + 100 / 1e6 + OUTPUT_USD)
    assert whole.is_cached


def test_a_prefix_below_the_smallest_is_not_cached() -> None:
    result = compare_ways(made_price(), made_assumptions(instruction_tokens=1_023, requests_per_day=1e8))
    assert result.retrieval.cached_usd_per_request is None
    assert (result.retrieval.hit_probability, result.retrieval.is_cached) == (0.0, False)
    longer = compare_ways(made_price(), made_assumptions(instruction_tokens=1_024, requests_per_day=1e8))
    assert longer.retrieval.is_cached


def test_a_small_corpus_is_cheapest_whole() -> None:
    result = compare_ways(made_price(), made_assumptions(corpus_tokens=1_500))
    assert result.cheapest == "whole_documents"
    assert result.break_even_requests_per_month is None


def test_the_same_cost_is_decided_for_what_needs_no_index() -> None:
    result = compare_ways(made_price(), made_assumptions(corpus_tokens=2_000, smallest_cached_tokens=10**6))
    assert result.retrieval.usd_per_month == result.whole_documents.usd_per_month
    assert result.cheapest == "whole_documents"


@pytest.mark.parametrize(
    ("window_tokens", "possible", "cheapest"),
    [
        (101_000, (True, True, True), "retrieval"),
        (100_999, (True, True, False), "retrieval"),
        (2_999, (True, False, False), None),
        (999, (False, False, False), None),
    ],
)
def test_what_does_not_fit_the_window_is_not_chosen(
    window_tokens: int, possible: tuple[bool, bool, bool], cheapest: str | None
) -> None:
    result = compare_ways(made_price(), made_assumptions(context_window_tokens=window_tokens))
    ways = (result.no_context, result.retrieval, result.whole_documents)
    assert tuple(way.is_possible for way in ways) == possible
    assert result.cheapest == cheapest


def test_whole_documents_that_do_not_fit_are_not_chosen_though_cheaper() -> None:
    assumptions = made_assumptions(hosting_usd_per_month=10_000.0, context_window_tokens=50_000)
    result = compare_ways(made_price(), assumptions)
    assert result.cheapest == "retrieval"
    assert result.break_even_requests_per_month is None


def test_the_window_of_the_model_holds_unless_another_is_given() -> None:
    price = made_price(context_window_tokens=50_000)
    assert not compare_ways(price, made_assumptions()).whole_documents.is_possible
    assert compare_ways(price, made_assumptions(context_window_tokens=200_000)).whole_documents.is_possible


def test_an_unknown_price_leaves_every_amount_and_the_choice_unknown() -> None:
    result = compare_ways(None, made_assumptions())
    for way in (result.no_context, result.retrieval, result.whole_documents):
        assert way.usd_per_request is None
        assert way.usd_per_month is None
        assert way.cached_usd_per_request is None
        assert not way.is_cached
    assert result.cheapest is None
    assert result.break_even_requests_per_month is None


def test_given_multipliers_win_over_those_of_the_model() -> None:
    own = made_assumptions(cache_write_multiplier=1.0, cache_read_multiplier=0.5, requests_per_day=1e8)
    result = compare_ways(made_price(), own)
    assert result.whole_documents.usd_per_request == pytest.approx(0.5 * 100_400 / 1e6 + 100 / 1e6 + OUTPUT_USD)
    assert result.assumptions.cache_write_multiplier == 1.0


@pytest.mark.parametrize(("lifetime_seconds", "write"), [(300, 1.25), (3_600, 2.0)])
def test_a_longer_lifetime_is_written_at_the_long_rate(lifetime_seconds: float, write: float) -> None:
    result = compare_ways(made_price(), made_assumptions(cache_lifetime_seconds=lifetime_seconds))
    assert result.assumptions.cache_write_multiplier == pytest.approx(write)


def test_defaults_are_shown_filled_in() -> None:
    used = compare_ways(made_price(context_window_tokens=200_000), made_assumptions()).assumptions
    assert used.embedded_tokens == 100_000
    assert used.context_window_tokens == 200_000
    assert used.cache_read_multiplier == pytest.approx(0.1)


@pytest.mark.parametrize(
    "changes",
    [{"requests_per_day": 0}, {"corpus_tokens": -1}, {"months": float("nan")}, {"months": 0}, {"unknown": 1}],
)
def test_assumptions_that_cannot_be_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Assumptions.model_validate({"corpus_tokens": 10, "retrieved_tokens": 10} | changes)


@given(st.integers(0, 10**7), st.integers(0, 10**5), st.floats(0.01, 1e6))
def test_nothing_costs_least_and_caching_only_lowers(corpus: int, retrieved: int, requests_per_day: float) -> None:
    assumptions = made_assumptions(
        corpus_tokens=corpus, retrieved_tokens=retrieved, requests_per_day=requests_per_day, instruction_tokens=2_000
    )
    result = compare_ways(made_price(), assumptions)
    nothing = result.no_context.usd_per_request
    assert nothing is not None
    for way in (result.retrieval, result.whole_documents):
        assert way.usd_per_request is not None
        assert way.uncached_usd_per_request is not None
        assert nothing <= way.usd_per_request * (1 + 1e-12)
        assert way.usd_per_request <= way.uncached_usd_per_request
