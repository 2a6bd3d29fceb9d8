"""JSON files: one record, or one for each element of a top-level array."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import InvalidInputError
from ingest.document import ParsedDocument
from ingest.parsers.json_document import JsonDocument

PARSER = JsonDocument(kind="json_document")


def parse(source: str) -> ParsedDocument:
    return PARSER.parse(source.encode())


def records(document: ParsedDocument) -> list[tuple[str, str]]:
    """Return each block's label and text."""
    assert all(block.kind == "record" for block in document.blocks)
    return [(block.label, document.text[block.span.start : block.span.end]) for block in document.blocks]


def test_each_element_of_an_array_is_a_record() -> None:
    document = parse('[{"id": 1, "tags": ["a", "b"]}, {"id": 2.0}, "text", [3, {"x": null}]]')
    assert document.text == "id: 1\ntags[0]: a\ntags[1]: b\n\nid: 2.0\n\ntext\n\n[0]: 3\n[1].x: null"
    assert records(document) == [
        ("1", "id: 1\ntags[0]: a\ntags[1]: b"),
        ("2", "id: 2.0"),
        ("3", "text"),
        ("4", "[0]: 3\n[1].x: null"),
    ]
    assert document.title == ""


@pytest.mark.parametrize(
    ("source", "text"),
    [('{"a": [{"b": 1}, {"b": 2}]}', "a[0].b: 1\na[1].b: 2"), ('"text"', "text"), ("12.50", "12.50"), ("true", "true")],
)
def test_anything_else_is_one_record(source: str, text: str) -> None:
    assert records(parse(source)) == [("1", text)]


def test_elements_without_anything_in_them_keep_their_number() -> None:
    assert records(parse('[{"a": 1}, {}, [], "", "  ", {"b": 2}]')) == [("1", "a: 1"), ("6", "b: 2")]


ELEMENTS = st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(0, 9), min_size=1), min_size=1, max_size=8)


@given(ELEMENTS)
def test_every_record_holds_its_element_and_nothing_else(elements: list[dict[str, Any]]) -> None:
    expected = [
        (str(number), "\n".join(f"{key}: {value}" for key, value in element.items()))
        for number, element in enumerate(elements, start=1)
    ]
    assert records(parse(json.dumps(elements))) == expected


@pytest.mark.parametrize("source", ["{}", "[]", "[{}, []]", '""', '" "'])
def test_json_without_values_has_no_text(source: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse(source)
    assert caught.value.code == "no_text"


@pytest.mark.parametrize(
    ("source", "code", "place"),
    [
        ("{", "invalid_json", "the file: "),
        ("[NaN]", "invalid_json", "the file: "),
        ('[1, {"a": "\\ud800"}]', "lone_surrogate", "record 2: "),
        ('{"a\\u0000": 1}', "nul_character", "record 1: "),
        ("[" * 150 + "]" * 150, "nested_too_deeply", "record 1: "),
        ("[" * 10_000 + "]" * 10_000, "nested_too_deeply", "the file: "),
    ],
)
def test_errors_name_the_record_where_there_is_one(source: str, code: str, place: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse(source)
    assert caught.value.code == code
    assert caught.value.detail.startswith(place)


def test_a_line_end_inside_a_string_stays_as_it_is() -> None:
    assert parse('{"a": "x\\r\\ny"}').text == "a: x\r\ny"
