"""JSON values as lines, against a second way to say the same."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import PlaygroundError, TooLargeError
from ingest import numbered_blocks
from ingest.json_record import MAX_DEPTH, MAX_PATH_CHARACTERS, Members, load, record_text

STORABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | STORABLE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STORABLE, inner, max_size=4),
    max_leaves=15,
)


def lines_of(value: Any, path: list[str | int]) -> list[str]:
    """Return the lines of a value as `json.loads` gives it: the whole path is put together at each leaf."""
    if isinstance(value, dict) and value:
        return [line for key, child in value.items() for line in lines_of(child, [*path, key])]
    if isinstance(value, list) and value:
        return [line for number, child in enumerate(value) for line in lines_of(child, [*path, number])]
    shown = value if isinstance(value, str) else json.dumps(value)
    if not path:
        return [shown]
    steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in path]
    first = steps[0] if isinstance(path[0], int) else steps[0][1:]
    return [f"{first}{''.join(steps[1:])}: {shown}"]


def text_of(source: str) -> str:
    return record_text(load(source, "here"), "here")


def refusal_of(source: str) -> PlaygroundError:
    with pytest.raises(PlaygroundError) as caught:
        text_of(source)
    return caught.value


@given(VALUES)
def test_every_leaf_has_its_line(value: Any) -> None:
    expected = "" if value in ({}, []) else "\n".join(lines_of(value, []))
    assert text_of(json.dumps(value)) == expected
    assert text_of(json.dumps(value, ensure_ascii=False, indent=1)) == expected


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('{"user": {"name": "Ann", "tags": ["a", "b"]}}', "user.name: Ann\nuser.tags[0]: a\nuser.tags[1]: b"),
        ("[[1, [2]], 3]", "[0][0]: 1\n[0][1][0]: 2\n[1]: 3"),
        ('{"a": {}, "b": [], "c": ""}', "a: {}\nb: []\nc: "),
        ('{"a": true, "b": false, "c": null}', "a: true\nb: false\nc: null"),
        ('{"": {"": 1}}', ".: 1"),
        ('{"a.b": {"c[0]": 1}}', "a.b.c[0]: 1"),
        ('{"a": "two\\nlines"}', "a: two\nlines"),
        ('"text"', "text"),
        ("null", "null"),
        ("{}", ""),
        ("[]", ""),
        ('""', ""),
    ],
)
def test_examples(source: str, text: str) -> None:
    assert text_of(source) == text


@pytest.mark.parametrize("number", ["1.50", "1e400", "-0", "0.1000000000000000055", "1E-2", "9" * 5_000])
def test_numbers_stand_as_they_are_written(number: str) -> None:
    assert text_of(f'{{"n": {number}}}') == f"n: {number}"


def test_a_key_that_occurs_twice_has_two_lines() -> None:
    assert text_of('{"a": 1, "b": 2, "a": {"a": 3}}') == "a: 1\nb: 2\na.a: 3"
    assert load('{"a": 1, "a": 2}', "here") == Members([("a", "1"), ("a", "2")])


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_what_json_does_not_know_is_refused(name: str) -> None:
    error = refusal_of(f'{{"a": [{name}]}}')
    assert (error.code, error.detail) == ("invalid_json", f"here: {name} is not a JSON value")


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ('{"a": }', "here: not valid JSON: Expecting value (column 7)"),
        ("[1,\n2", "here: not valid JSON: Expecting ',' delimiter (line 2, column 2)"),
        ("{} {}", "here: not valid JSON: Extra data (column 4)"),
        ("{'a': 1}", "here: not valid JSON: Expecting property name enclosed in double quotes (column 2)"),
        ('["a\nb"]', "here: not valid JSON: Invalid control character at (line 1, column 4)"),
        ("[01]", "here: not valid JSON: Expecting ',' delimiter (column 3)"),
    ],
)
def test_broken_json_is_refused_with_the_place(source: str, detail: str) -> None:
    error = refusal_of(source)
    assert (error.code, error.detail) == ("invalid_json", detail)


@pytest.mark.parametrize(
    ("source", "code", "shown"),
    [
        ('{"a": "\\ud800"}', "lone_surrogate", "a: \\ud800"),
        ('{"a": ["x", "\\udfff y"]}', "lone_surrogate", "a[1]: \\udfff y"),
        ('{"\\udc00": 1}', "lone_surrogate", "\\udc00: 1"),
        ('{"a": {"x\\ud83d": {}}}', "lone_surrogate", "a.x\\ud83d: {}"),
        ('["\\ude00\\ud83d"]', "lone_surrogate", "[0]: \\ude00\\ud83d"),
        ('{"a": "x\\u0000"}', "nul_character", "a: x\\x00"),
        ('{"\\u0000": 1}', "nul_character", "\\x00: 1"),
        ('"\\u0000"', "nul_character", "\\x00"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_line(source: str, code: str, shown: str) -> None:
    error = refusal_of(source)
    assert error.code == code
    assert error.detail.startswith(f"here: the line '{shown}' contains a ")
    assert error.detail.isascii()


def test_surrogate_pairs_are_one_character() -> None:
    assert text_of('{"\\ud83d\\ude00": "\\ud83d\\ude00"}') == "😀: 😀"


@pytest.mark.parametrize("inside", ["1", "[]", "{}", '""'])
def test_the_deepest_nesting_that_is_read(inside: str) -> None:
    is_nested = inside in ("[]", "{}")
    levels = MAX_DEPTH - is_nested
    text = text_of("[" * levels + inside + "]" * levels)
    assert text == "[0]" * levels + ": " + inside.strip('"')
    error = refusal_of("[" * (levels + 1) + inside + "]" * (levels + 1))
    assert (error.code, error.status) == ("nested_too_deeply", 422)


@pytest.mark.parametrize("levels", [101, 500, sys.getrecursionlimit(), 10_000, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deeper_nesting_is_one_error_at_any_depth(levels: int, opening: str, closing: str) -> None:
    error = refusal_of(opening * levels + "1" + closing * levels)
    assert error.code == "nested_too_deeply"
    assert error.detail == "here: arrays and objects are nested more than 100 levels deep"


def test_deep_nesting_that_never_ends_is_an_error_too() -> None:
    assert refusal_of("[" * 100_000).code == "nested_too_deeply"
    assert refusal_of("[" * 50).code == "invalid_json"


def test_long_paths_are_refused_before_they_multiply() -> None:
    key = "k" * MAX_PATH_CHARACTERS
    assert text_of(json.dumps({key: [1]})) == f"{key}[0]: 1"
    assert text_of(json.dumps({key + "k": 1})) == f"{key}k: 1"
    assert refusal_of(json.dumps({key + "k": [1]})).code == "path_too_long"


def test_a_small_file_cannot_become_a_huge_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbered_blocks, "MAX_EXTRACTED_CHARACTERS", 100_000)
    error = refusal_of(json.dumps({"k" * 1_000: list(range(1_000))}))
    assert isinstance(error, TooLargeError)
    assert error.code == "extracted_text_too_large"
