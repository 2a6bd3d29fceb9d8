"""Sensitivity: rows against direct calculation, and flip points that separate one choice from the other."""

from __future__ import annotations

import math

import pytest

from app.evaluation.economics.assumptions import DAYS_PER_MONTH, Assumptions
from app.evaluation.economics.break_even import compare_ways
from app.evaluation.economics.sensitivity import Sensitivity, sensitivities
from tests.app.evaluation.economics.price_lists import made_assumptions, made_price

WITH_HOSTING = made_assumptions(hosting_usd_per_month=100.0, smallest_cached_tokens=10**6)
"""Retrieval saves 0.098 USD a request and costs 100 USD a month: they meet at 33.5 requests a day."""


def row(assumptions: Assumptions, name: str) -> Sensitivity:
    """Return the row of one assumption."""
    return next(one for one in sensitivities(made_price(), assumptions) if one.assumption == name)


def test_the_flip_point_of_requests_is_the_break_even() -> None:
    found = row(WITH_HOSTING, "requests_per_day")
    assert found.changes_below == pytest.approx(100.0 / 0.098 / DAYS_PER_MONTH, rel=1e-5)
    assert found.changes_above is None
    assert found.value == 100.0


def test_the_flip_point_of_hosting_by_hand() -> None:
    found = row(WITH_HOSTING, "hosting_usd_per_month")
    assert found.changes_above == pytest.approx(0.098 * 100 * DAYS_PER_MONTH, rel=1e-5)
    assert found.changes_below is None


def test_a_flip_point_of_tokens_is_a_whole_number_that_separates_the_choices() -> None:
    found = row(WITH_HOSTING, "corpus_tokens")
    assert found.changes_below is not None
    flip = int(found.changes_below)
    assert flip == found.changes_below

    def cheapest(tokens: int) -> str | None:
        return compare_ways(made_price(), WITH_HOSTING.model_copy(update={"corpus_tokens": tokens})).cheapest

    assert cheapest(flip) == "whole_documents"
    assert cheapest(flip + 1) == "retrieval"


def test_half_and_double_are_what_a_direct_calculation_says() -> None:
    for found in sensitivities(made_price(), WITH_HOSTING):
        for factor, choice in ((0.5, found.at_half), (2.0, found.at_double)):
            if found.assumption in {"corpus_tokens", "requests_per_day", "output_tokens", "hosting_usd_per_month"}:
                varied = WITH_HOSTING.model_copy(update={found.assumption: found.value * factor})
                result = compare_ways(made_price(), varied)
                way = result.retrieval if result.cheapest == "retrieval" else result.whole_documents
                assert (choice.cheapest, choice.usd_per_month) == (result.cheapest, way.usd_per_month)


def test_requests_at_a_third_change_the_choice_and_at_half_do_not() -> None:
    assert row(WITH_HOSTING, "requests_per_day").at_half.cheapest == "retrieval"
    fewer = WITH_HOSTING.model_copy(update={"requests_per_day": 50.0})
    assert row(fewer, "requests_per_day").at_half.cheapest == "whole_documents"


def test_output_tokens_change_the_cost_and_never_the_choice() -> None:
    found = row(WITH_HOSTING, "output_tokens")
    assert (found.changes_below, found.changes_above) == (None, None)
    assert found.at_half.usd_per_month is not None
    assert found.at_double.usd_per_month is not None
    more = found.at_double.usd_per_month - found.at_half.usd_per_month
    assert more == pytest.approx(750 * 10 / 1e6 * 100 * DAYS_PER_MONTH)


def test_there_is_a_row_for_every_assumption_that_is_not_zero() -> None:
    names = {one.assumption for one in sensitivities(made_price(context_window_tokens=200_000), WITH_HOSTING)}
    zero = {"embedding_usd_per_million", "retrieval_usd_per_request", "embedded_tokens"}
    assert names == set(Assumptions.model_fields) - zero


def test_chunks_that_were_not_measured_follow_the_corpus() -> None:
    own = WITH_HOSTING.model_copy(update={"embedding_usd_per_million": 1_000.0})
    doubled = compare_ways(made_price(), own.model_copy(update={"corpus_tokens": 200_000}))
    assert row(own, "corpus_tokens").at_double.usd_per_month == doubled.retrieval.usd_per_month


def test_a_window_too_small_for_anything_is_no_choice() -> None:
    own = WITH_HOSTING.model_copy(update={"context_window_tokens": 4_000})
    found = row(own, "context_window_tokens")
    assert found.at_half.cheapest is None
    assert found.at_half.usd_per_month is None
    assert found.changes_below == pytest.approx(2_999, abs=1)


def test_a_longer_lifetime_turns_to_cached_documents_where_reading_is_cheap_enough() -> None:
    own = made_assumptions(corpus_tokens=15_000, cache_read_multiplier=0.01, cache_write_multiplier=1.25)
    found = row(own, "cache_lifetime_seconds")
    assert compare_ways(made_price(), own).cheapest == "retrieval"
    assert found.changes_above is not None
    hit = 1 - math.exp(-100 / 86_400 * found.changes_above)
    prefix_usd = (hit * 0.01 + (1 - hit) * 1.25) * 15_400
    assert prefix_usd + 100 == pytest.approx(2_500, rel=1e-4)


def test_an_unknown_price_has_no_choice_and_no_flip_point() -> None:
    for found in sensitivities(None, WITH_HOSTING):
        assert found.at_half.cheapest is None
        assert found.at_double.usd_per_month is None
        assert (found.changes_below, found.changes_above) == (None, None)
