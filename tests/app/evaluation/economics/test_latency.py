"""Latency: quantiles by hand, intervals against a drawn bootstrap and by coverage, too few requests have none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.economics.latency import latency_of, quantile_of


def test_quantiles_by_hand() -> None:
    latency = latency_of([number / 1_000 for number in range(200, 0, -1)])
    assert latency.requests == 200
    assert latency.p50 is not None
    assert latency.p95 is not None
    assert (latency.p50.seconds, latency.p95.seconds) == (0.1, 0.19)


@pytest.mark.parametrize(
    ("requests", "has_p95", "has_p99"),
    [(0, False, False), (99, False, False), (100, True, False), (999, True, False), (1_000, True, True)],
)
def test_quantiles_need_enough_requests(requests: int, has_p95: bool, has_p99: bool) -> None:
    latency = latency_of([0.1] * requests)
    assert (latency.p50 is not None) == has_p95
    assert (latency.p95 is not None) == has_p95
    assert (latency.p99 is not None) == has_p99
    assert latency.requests == requests


@pytest.mark.parametrize(("size", "share"), [(100, 0.5), (100, 0.95), (400, 0.95), (1_000, 0.99)])
def test_the_interval_is_that_of_a_drawn_bootstrap(size: int, share: float) -> None:
    random = np.random.default_rng(11)
    ordered = np.sort(random.lognormal(-2, 0.5, size))
    resamples = random.choice(ordered, size=(4_000, size))
    drawn = np.quantile(resamples, share, axis=1, method="inverted_cdf")
    low, high = np.quantile(drawn, [0.025, 0.975], method="inverted_cdf")
    found = quantile_of(ordered, share)
    for exact, expected in ((found.low_seconds, low), (found.high_seconds, high)):
        assert abs(int(np.searchsorted(ordered, exact)) - int(np.searchsorted(ordered, expected))) <= 1


@pytest.mark.parametrize(("share", "true_seconds"), [(0.5, np.log(2)), (0.95, -np.log(0.05))])
def test_the_interval_covers_the_true_quantile(share: float, true_seconds: float) -> None:
    random = np.random.default_rng(23)
    covered = 0
    for _ in range(400):
        found = quantile_of(np.sort(random.exponential(size=200)), share)
        covered += found.low_seconds <= true_seconds <= found.high_seconds
    assert 0.90 <= covered / 400 <= 0.98


@given(st.lists(st.floats(0, 10), min_size=100, max_size=150), st.sampled_from([0.5, 0.95]))
def test_a_quantile_is_a_measured_time_within_its_interval(seconds: list[float], share: float) -> None:
    ordered = np.sort(np.array(seconds))
    found = quantile_of(ordered, share)
    assert found.low_seconds <= found.seconds <= found.high_seconds
    assert np.mean(ordered <= found.seconds) >= share
    assert np.mean(ordered < found.seconds) < share


def test_the_order_of_requests_does_not_matter() -> None:
    seconds = list(np.random.default_rng(2).exponential(size=150))
    assert latency_of(seconds) == latency_of(seconds[::-1])


def test_more_requests_narrow_the_interval() -> None:
    random = np.random.default_rng(4)
    few, many = (
        latency_of(random.exponential(size=100).tolist()).p95,
        latency_of(random.exponential(size=4_000).tolist()).p95,
    )
    assert few is not None
    assert many is not None
    assert many.high_seconds - many.low_seconds < (few.high_seconds - few.low_seconds) / 2
