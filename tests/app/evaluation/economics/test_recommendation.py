"""Recommendations: constraints at their edges, what is unknown, safety before cost, and a brute-force law."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.evaluation.economics.latency import Quantile
from app.evaluation.economics.recommendation import Constraints, Option, recommend

NONE = Constraints()


def option(label: str, **changes: Any) -> Option:
    """Return a safe option of middling cost that answers within 200 ms, its interval up to 250."""
    values: dict[str, Any] = {
        "quality": 0.8,
        "is_co_winner": True,
        "loss_bound": 0.01,
        "usd_per_request": 0.01,
        "largest_tokens": 1_000,
        "p95": Quantile(seconds=0.2, low_seconds=0.18, high_seconds=0.25),
    }
    return Option.model_validate({"label": label} | values | changes)


def test_the_cheapest_safe_option_is_taken_over_the_best_scorer() -> None:
    best = option("best", quality=0.9, loss_bound=0.0, usd_per_request=0.03)
    result = recommend([best, option("cheap")], NONE)
    assert (result.label, result.is_safe) == ("cheap", True)
    assert result.sentence == (
        "cheap: cheapest of the 2 safe within the constraints, $0.01 per request. "
        "Choosing it instead of the top scorer loses at most 0.010."
    )


@pytest.mark.parametrize("changes", [{"is_co_winner": False}, {"loss_bound": 0.051}])
def test_an_unsafe_option_is_not_taken_though_cheaper(changes: dict[str, Any]) -> None:
    unsafe = option("unsafe", usd_per_request=0.001, **changes)
    assert recommend([unsafe, option("safe")], NONE).label == "safe"


def test_a_loss_bound_at_the_tolerance_is_safe() -> None:
    edge = option("edge", usd_per_request=0.001, loss_bound=0.05)
    assert recommend([edge, option("safe")], NONE).label == "edge"
    assert recommend([edge, option("safe")], NONE, loss_tolerance=0.04).label == "safe"


@pytest.mark.parametrize(
    ("constraints", "is_allowed"),
    [
        (Constraints(max_p95_ms=250), True),
        (Constraints(max_p95_ms=249), False),
        (Constraints(max_tokens=1_000), True),
        (Constraints(max_tokens=999), False),
        (Constraints(max_cost_usd_per_request=0.01), True),
        (Constraints(max_cost_usd_per_request=0.0099), False),
        (Constraints(max_p95_ms=300, max_tokens=1_500), True),
    ],
)
def test_constraints_at_their_edges(constraints: Constraints, is_allowed: bool) -> None:
    result = recommend([option("one")], constraints)
    assert result.options[0].is_allowed == is_allowed
    assert result.label == ("one" if is_allowed else None)
    assert len(result.options[0].reasons) == (0 if is_allowed else 1)


def test_all_failed_constraints_are_named_with_values() -> None:
    constraints = Constraints(max_p95_ms=100, max_tokens=500, max_cost_usd_per_request=0.001)
    result = recommend([option("one")], constraints)
    assert result.sentence == "no strategy meets the constraints"
    assert result.options[0].reasons == [
        "p95 may be as high as 250 ms, over the limit of 100 ms",
        "it sent 1,000 tokens, over the limit of 500",
        "a request costs $0.01, over the limit of $0.001",
    ]


def test_what_is_unknown_meets_no_constraint() -> None:
    unknown = option("unknown", usd_per_request=None, p95=None)
    result = recommend([unknown], Constraints(max_p95_ms=10_000, max_cost_usd_per_request=100))
    assert result.label is None
    assert result.options[0].reasons == [
        "p95 was not measured (limit 10000 ms)",
        "price unknown (limit $100 per request)",
    ]
    assert recommend([unknown], NONE).label == "unknown"


def test_an_unknown_price_is_never_the_cheapest_but_tokens_decide() -> None:
    unknown = option("unknown", usd_per_request=None, largest_tokens=1_200)
    result = recommend([unknown, option("known", usd_per_request=5.0)], NONE)
    assert result.label == "known"
    assert "fewest tokens" in result.sentence
    assert "price unknown" in result.sentence


def test_without_a_safe_option_the_best_allowed_is_named_as_unsafe() -> None:
    slow = option("slow", quality=0.9, loss_bound=0.0, p95=Quantile(seconds=1.0, low_seconds=0.9, high_seconds=1.1))
    poor = option("poor", quality=0.6, is_co_winner=False, loss_bound=0.2, usd_per_request=0.001)
    fair = option("fair", quality=0.7, is_co_winner=False, loss_bound=0.15)
    result = recommend([slow, poor, fair], Constraints(max_p95_ms=300))
    assert (result.label, result.is_safe) == ("fair", False)
    assert "no strategy is shown to be safe" in result.sentence
    assert "loses at most 0.150" in result.sentence


def test_no_options_no_recommendation() -> None:
    assert recommend([], NONE).label is None


@pytest.mark.parametrize("changes", [{"max_p95_ms": 0}, {"max_tokens": -1}, {"max_seconds": 3}])
def test_constraints_that_cannot_be_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Constraints.model_validate(changes)


OPTIONS = st.lists(
    st.builds(
        lambda quality, winner, loss, cost, tokens: option(
            f"{quality}-{cost}-{tokens}",
            quality=quality,
            is_co_winner=winner,
            loss_bound=loss,
            usd_per_request=cost,
            largest_tokens=tokens,
        ),
        st.sampled_from([0.5, 0.6, 0.7]),
        st.booleans(),
        st.sampled_from([0.0, 0.04, 0.06]),
        st.sampled_from([None, 0.01, 0.02]),
        st.integers(0, 3_000),
    ),
    max_size=6,
    unique_by=lambda one: one.label,
)


@given(OPTIONS, st.integers(0, 3_000))
def test_what_is_recommended_is_allowed_safe_if_possible_and_then_cheapest(options: list[Option], limit: int) -> None:
    result = recommend(options, Constraints(max_tokens=limit))
    allowed = [one for one in options if one.largest_tokens <= limit]
    safe = [one for one in allowed if one.is_co_winner and one.loss_bound <= 0.05]
    assert (result.label is None) == (not allowed)
    assert result.is_safe == bool(safe)
    costs = [one.usd_per_request for one in safe]
    chosen = next((one for one in options if one.label == result.label), None)
    if chosen is not None and safe:
        assert chosen in safe
        known = [cost for cost in costs if cost is not None]
        if len(known) == len(costs):
            assert chosen.usd_per_request == min(known)
        else:
            assert chosen.largest_tokens == min(one.largest_tokens for one in safe)
    elif chosen is not None:
        assert chosen.quality == max(one.quality for one in allowed)


@given(OPTIONS, st.randoms(use_true_random=False))
def test_the_order_of_options_does_not_matter(options: list[Option], random: Any) -> None:
    shuffled = sorted(options, key=lambda _: random.random())
    assert recommend(shuffled, NONE).label == recommend(options, NONE).label
