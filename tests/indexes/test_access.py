"""Principals and filters, against the plain reading of what they say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from configs.errors import InvalidInputError
from configs.part import JsonObject
from indexes.access import Condition, Filter, Principal, Range

NAMES = ["user:ann", "user:bob", "group:finance"]
SCALARS = st.sampled_from([True, False, 0, 1, 2, 1.0, 1.5, "", "1", "true", "b"])


def restriction(*conditions: dict[str, Any]) -> Filter:
    return Filter.model_validate({"all": conditions})


def holds(condition: dict[str, Any], metadata: dict[str, Any], tags: list[str] | None = None) -> bool:
    return Condition.model_validate(condition).holds(tags or [], metadata)


@given(st.lists(st.sampled_from(NAMES)), st.none() | st.lists(st.sampled_from(NAMES)))
def test_a_principal_reads_what_is_open_or_names_it(names: list[str], access: list[str] | None) -> None:
    expected = access is None or any(name in access for name in names)
    assert Principal.of(names).may_read(access) is expected


def test_an_empty_access_list_is_for_nobody_and_none_for_everybody() -> None:
    assert not Principal.of(NAMES).may_read([])
    assert Principal.of([]).may_read(None)
    assert not Principal.of([]).may_read(NAMES)


def test_names_are_compared_whole() -> None:
    assert not Principal.of(["user:an", "ann", "USER:ANN", ""]).may_read(["user:ann"])


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ({"equal": "b"}, "b", True),
        ({"equal": "b"}, "B", False),
        ({"equal": 1}, 1, True),
        ({"equal": 1}, 1.0, True),
        ({"equal": 1}, "1", False),
        ({"equal": 1}, True, False),
        ({"equal": True}, True, True),
        ({"equal": True}, 1, False),
        ({"equal": False}, 0, False),
        ({"equal": "true"}, True, False),
        ({"equal": "b"}, None, False),
        ({"equal": "b"}, {"b": "b"}, False),
        ({"equal": "b"}, ["a", "b"], True),
        ({"equal": True}, [1], False),
        ({"equal": "b"}, [], False),
        ({"in": ["a", 2]}, 2, True),
        ({"in": ["a", 2]}, "2", False),
        ({"in": [0, "a"]}, False, False),
        ({"in": ["a", "c"]}, ["b", "c"], True),
        ({"range": {"gte": 1, "lt": 3}}, 1, True),
        ({"range": {"gte": 1, "lt": 3}}, 2.9, True),
        ({"range": {"gte": 1, "lt": 3}}, 3, False),
        ({"range": {"gt": 1}}, 1, False),
        ({"range": {"lte": 1}}, 1, True),
        ({"range": {"gte": 0}}, True, False),
        ({"range": {"gte": 0}}, "5", False),
        ({"range": {"gte": "2026-01-01", "lt": "2027"}}, "2026-12-31", True),
        ({"range": {"gte": "2026-01-01", "lt": "2027"}}, "2027-01-01", False),
        ({"range": {"gte": "2026"}}, 2026, False),
        ({"range": {"gte": 1}}, [2], False),
        ({"range": {"gte": 1}}, None, False),
        ({"range": {"gt": 2**53}}, 2**53 + 1, True),
        ({"range": {"gte": 2**53 + 1}}, 2**53, False),
    ],
)
def test_a_condition_on_a_field(condition: dict[str, Any], value: object, expected: bool) -> None:
    assert holds({"field": "f", **condition}, {"f": value}) is expected


@given(SCALARS, st.lists(SCALARS, min_size=1, max_size=3))
def test_in_is_equal_to_any(value: object, wanted: list[object]) -> None:
    expected = any(holds({"field": "f", "equal": one}, {"f": value}) for one in wanted)
    assert holds({"field": "f", "in": wanted}, {"f": value}) is expected


@given(st.integers(-3, 3) | st.floats(-3, 3), st.integers(-3, 3), st.integers(-3, 3))
def test_bounds_are_the_comparisons_they_are_named_after(value: float, low: int, high: int) -> None:
    assert Range(gt=low, lte=high).holds(value) is (low < value <= high)
    assert Range(gte=low, lt=high).holds(value) is (low <= value < high)


@pytest.mark.parametrize(
    ("field", "metadata", "expected"),
    [
        ("a.b", {"a": {"b": 1}}, True),
        ("a.b.c", {"a": {"b": {"c": 1}}}, True),
        ("a.b", {"a.b": 1}, True),
        ("a.b", {"a.b": 1, "a": {"b": 2}}, True),
        ("a.b", {"a": 1}, False),
        ("a.b", {"a": [{"b": 1}]}, False),
        ("a", {"a": {"b": 1}}, False),
        ("a.", {"a": {"": 1}}, True),
        ("b", {}, False),
    ],
)
def test_a_point_reaches_into_nested_fields(field: str, metadata: dict[str, Any], expected: bool) -> None:
    assert holds({"field": field, "equal": 1}, metadata) is expected


def test_all_tags_must_be_present() -> None:
    assert holds({"tags": ["a", "b"]}, {}, ["c", "b", "a"])
    assert not holds({"tags": ["a", "b"]}, {}, ["a"])
    assert not holds({"tags": ["a"]}, {"tags": ["a"]}, [])


def test_every_condition_must_hold() -> None:
    both = restriction({"field": "year", "range": {"gte": 2025}}, {"tags": ["handbook"]})
    assert both.holds(["handbook"], {"year": 2026})
    assert not both.holds(["handbook"], {"year": 2024})
    assert not both.holds([], {"year": 2026})
    assert restriction().holds([], {})


@pytest.mark.parametrize(
    ("conditions", "known"),
    [
        ([{"field": "year", "equal": 1}], [{}, {"year": 2}]),
        ([{"field": "year", "equal": 1}], [{"year": None}]),
        ([{"field": "a.b", "equal": 1}], [{"a": 1}, {"a": {"b": 2}}]),
        ([{"field": "a.b", "equal": 1}], [{"a.b": 2}]),
        ([{"tags": ["anything"]}], []),
        ([], []),
    ],
)
def test_known_fields_pass(conditions: list[dict[str, Any]], known: list[JsonObject]) -> None:
    restriction(*conditions).check_fields(known)


@pytest.mark.parametrize(
    ("field", "known"),
    [
        ("yaer", [{"year": 1}, {"topic": "t"}]),
        ("a.b", [{"b": 1}]),
        ("a.b", [{"a": 1}, {"a": {"c": 1}}, {"a": None}]),
        ("year", []),
    ],
    ids=str,
)
def test_an_unknown_field_is_refused_with_the_known_ones(field: str, known: list[JsonObject]) -> None:
    with pytest.raises(InvalidInputError) as told:
        restriction({"tags": ["t"]}, {"field": field, "equal": 1}).check_fields(known)
    assert told.value.code == "unknown_filter_field"
    assert repr(field) in told.value.detail
    assert all(name in told.value.hint for metadata in known for name in metadata)


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"field": "f"},
        {"equal": 1},
        {"field": "f", "tags": ["t"]},
        {"field": "f", "equal": 1, "in": [1]},
        {"field": "f", "equal": 1, "range": {"gt": 1}},
        {"tags": ["t"], "equal": 1},
        {"tags": []},
        {"field": "f", "in": []},
        {"field": "f", "in": list(range(1001))},
        {"field": "f", "range": {}},
        {"field": "f", "range": {"gte": 1, "lt": "b"}},
        {"field": "f", "range": {"gte": True}},
        {"field": "f", "range": {"above": 1}},
        {"field": "f", "equals": 1},
        {"field": "f", "equal": {"a": 1}},
        {"field": "f\x00", "equal": 1},
        {"field": "f", "equal": "\ud800"},
        {"field": "f", "in": ["a\x00"]},
    ],
)
def test_a_condition_that_says_nothing_or_two_things_is_refused(condition: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Condition.model_validate(condition)


def test_at_most_twenty_conditions() -> None:
    condition = {"tags": ["t"]}
    assert len(restriction(*[condition] * 20).conditions) == 20
    with pytest.raises(ValidationError):
        restriction(*[condition] * 21)


@given(SCALARS, SCALARS)
def test_json_keeps_the_type_of_a_value(value: object, stored: Any) -> None:
    said = restriction({"field": "f", "equal": value})
    read = Filter.model_validate_json(said.model_dump_json(by_alias=True))
    assert read.holds([], {"f": stored}) is said.holds([], {"f": stored})
    assert type(read.conditions[0].equal) is type(value)
