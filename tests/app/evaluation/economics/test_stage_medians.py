"""Medians of stages: each over the requests that had it, in the order in which stages first came."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.economics.latency import stage_medians

STAGES = ["embedding", "search", "assembly"]
requests = st.lists(st.dictionaries(st.sampled_from(STAGES), st.floats(0, 10)), max_size=9)


def test_medians_by_hand() -> None:
    timed = [
        {"search": 0.3, "assembly": 0.01},
        {"embedding": 0.2, "search": 0.1, "assembly": 0.03},
        {"embedding": 0.4, "search": 0.2, "assembly": 0.5},
    ]
    medians = stage_medians(timed)
    assert medians == pytest.approx({"search": 0.2, "assembly": 0.03, "embedding": 0.3})
    assert list(medians) == ["search", "assembly", "embedding"]


def test_without_requests_there_are_no_stages() -> None:
    assert stage_medians([]) == stage_medians([{}, {}]) == {}


@given(requests)
def test_a_stage_counts_only_where_it_was(timed: list[dict[str, float]]) -> None:
    medians = stage_medians(timed)
    assert set(medians) == {stage for one in timed for stage in one}
    for stage, median in medians.items():
        assert median == pytest.approx(statistics.median(one[stage] for one in timed if stage in one))


@given(requests, st.data())
def test_the_order_of_requests_does_not_matter(timed: list[dict[str, float]], data: st.DataObject) -> None:
    assert stage_medians(data.draw(st.permutations(timed))) == stage_medians(timed)


@given(requests, st.sampled_from(STAGES))
def test_one_slow_request_of_three_moves_no_median_beyond_the_others(timed: list[dict[str, float]], stage: str) -> None:
    even = [{stage: 0.1}, {stage: 0.2}]
    assert stage_medians([*even, {stage: 1_000.0}]) == {stage: 0.2}
    assert stage_medians([*timed, {"other": 1.0}]).get(stage) == stage_medians(timed).get(stage)
