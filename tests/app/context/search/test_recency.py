"""Recency: half of what age can take after one half-life, never more, and nothing for a weight of 0."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.search.recency import Recency, moment_of
from app.context.search.steps import aged
from tests.app.context.search.found import Drawn, drawn, ranked

weights = st.floats(0, 1)
ages = st.timedeltas(timedelta(), timedelta(days=3_000))


@given(weight=weights, half_life=st.integers(1, 3_000))
def test_one_half_life_takes_half_the_weight(weight: float, half_life: int) -> None:
    recency = Recency(half_life_days=half_life, weight=weight)
    assert recency.factor(timedelta(days=half_life)) == pytest.approx(1 - weight / 2)
    assert recency.factor(timedelta()) == pytest.approx(1.0)
    assert recency.factor(None) == 1 - weight


@given(weight=weights, one=ages, other=ages)
def test_older_never_counts_for_more(weight: float, one: timedelta, other: timedelta) -> None:
    recency = Recency(weight=weight)
    younger, older = sorted((one, other))
    assert 1 - weight <= recency.factor(older) <= recency.factor(younger) <= 1


def test_the_future_is_not_younger_than_now() -> None:
    assert Recency().factor(timedelta(days=-40)) == Recency().factor(timedelta())


@given(drawn=drawn(), data=st.data())
def test_a_weight_of_0_changes_nothing(drawn: Drawn, data: st.DataObject) -> None:
    some = data.draw(st.lists(st.none() | ages, min_size=len(drawn.hits), max_size=len(drawn.hits)))
    assert aged(drawn.hits, Recency(weight=0), some) == drawn.hits


@given(drawn=drawn(least=1), data=st.data(), weight=weights)
def test_the_order_is_that_of_the_formula(drawn: Drawn, data: st.DataObject, weight: float) -> None:
    count = len(drawn.hits)
    some = data.draw(st.lists(st.none() | ages, min_size=count, max_size=count))
    recency = Recency(weight=weight)
    moved = aged(drawn.hits, recency, some)
    scores = [one.score for one in drawn.hits]
    spread = max(scores) - min(scores)
    expected = {
        one.ordinal: ((one.score - min(scores)) / spread if spread else 0.5) * recency.factor(age)
        for one, age in zip(drawn.hits, some, strict=True)
    }
    if weight == 0:
        return
    assert {one.ordinal: one.score for one in moved} == pytest.approx(expected, abs=1e-9)
    assert [one.rank for one in moved] == list(range(1, count + 1))
    assert [one.score for one in moved] == sorted((one.score for one in moved), reverse=True)
    for one in moved:
        assert one.steps[-1].rank == drawn.hits[one.ordinal].rank


def test_a_step_says_the_age_and_what_it_cost() -> None:
    new, old = aged(ranked([2.0, 1.0]), Recency(half_life_days=10, weight=0.5), [timedelta(days=10), None])
    assert (new.ordinal, new.score, new.steps[0].details) == (0, 0.75, {"factor": 0.75, "age_days": 10.0})
    assert (old.ordinal, old.score, old.steps[0].details) == (1, 0.0, {"factor": 0.5})


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-03-31", datetime(2026, 3, 31, tzinfo=UTC)),
        (" 2026-03-31T12:30:00Z ", datetime(2026, 3, 31, 12, 30, tzinfo=UTC)),
        ("2026-03-31T12:30:00+02:00", datetime(2026, 3, 31, 10, 30, tzinfo=UTC)),
        ("last year", None),
        ("", None),
        (2026, None),
        (None, None),
        (["2026-03-31"], None),
    ],
)
def test_metadata_values_are_moments_or_nothing(value: object, moment: datetime | None) -> None:
    assert moment_of(value) == moment
