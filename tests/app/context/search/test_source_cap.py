"""The cap on sources: the best hits of each stay, the others are told."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.search.source_cap import SourceCap
from app.context.search.steps import capped
from configs.part import JsonObject
from tests.app.context.search.found import ranked

names = st.lists(st.sampled_from("abc"), max_size=15)


@given(names=names, most=st.integers(1, 4))
def test_the_best_of_each_document_stay_in_their_order(names: list[str], most: int) -> None:
    hits = ranked([1.0] * len(names), names)
    kept, dropped = capped(*SourceCap(hits=most).split(hits, {name: {} for name in names}))
    taken: Counter[str] = Counter()
    expected = []
    for one in hits:
        taken[one.document_id] += 1
        if taken[one.document_id] <= most:
            expected.append(one.ordinal)
    assert [one.ordinal for one in kept] == expected
    assert {one.ordinal for one in dropped} == {one.ordinal for one in hits} - set(expected)
    assert [one.rank for one in (*kept, *dropped)] == list(range(1, len(hits) + 1))


@given(names=names, most=st.integers(1, 4))
def test_every_hit_that_moved_or_was_dropped_says_where_it_stood(names: list[str], most: int) -> None:
    hits = ranked([1.0] * len(names), names)
    kept, dropped = capped(*SourceCap(hits=most).split(hits, {name: {} for name in names}))
    for one in kept:
        assert [step.rank for step in one.steps] == ([] if one.rank == one.ordinal + 1 else [one.ordinal + 1])
    for one in dropped:
        assert [(step.stage, step.rank) for step in one.steps] == [("source_cap", one.ordinal + 1)]


@pytest.mark.parametrize(
    ("field", "kept"),
    [(None, [0, 1, 2, 3, 4]), ("team", [0, 1, 3]), ("of.unit", [0, 1, 2, 4]), ("absent", [0, 1, 2, 3, 4])],
)
def test_equal_values_of_a_field_are_one_source(field: str | None, kept: list[int]) -> None:
    metadata: dict[str, JsonObject] = {
        "a": {"team": 1, "of": {"unit": "x"}}, "b": {"team": True, "of": {"unit": "y"}}, "c": {"team": 1},
        "d": {"of": {"unit": "x"}}, "e": {"team": True},
    }  # fmt: skip
    hits = ranked([5.0, 4.0, 3.0, 2.0, 1.0], list("abcde"))
    stay, _ = SourceCap(hits=1, field=field).split(hits, metadata)
    assert [one.ordinal for one in stay] == kept
