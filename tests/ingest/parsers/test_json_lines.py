"""JSON Lines: a record for each line, and errors that name the line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import InvalidInputError
from ingest.document import ParsedDocument
from ingest.parsers.json_document import JsonDocument
from ingest.parsers.json_lines import JsonLines

PARSER = JsonLines(kind="json_lines")


def parse(source: str) -> ParsedDocument:
    return PARSER.parse(source.encode())


def records(document: ParsedDocument) -> list[tuple[str, str]]:
    """Return each block's label and text."""
    assert all(block.kind == "record" for block in document.blocks)
    return [(block.label, document.text[block.span.start : block.span.end]) for block in document.blocks]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_each_line_is_a_record(newline: str) -> None:
    document = parse(newline.join(['{"a": 1, "b": {"c": "x"}}', '["d", 2]', '"text"', ""]))
    assert document.text == "a: 1\nb.c: x\n\n[0]: d\n[1]: 2\n\ntext"
    assert records(document) == [("1", "a: 1\nb.c: x"), ("2", "[0]: d\n[1]: 2"), ("3", "text")]


def test_blank_lines_are_no_records_but_empty_values_are() -> None:
    assert records(parse('\n{"a": 1}\n \t\r\n{}\n\n{"b": 2}\n\n')) == [("1", "a: 1"), ("3", "b: 2")]


def test_only_line_feeds_end_lines() -> None:
    source = '{"a": "x\u2028y\u0085z\x0c"}\n{"b": 1}'.replace("\x0c", "\\f")
    assert records(parse(source)) == [("1", "a: x\u2028y\u0085z\x0c"), ("2", "b: 1")]


VALUES = st.lists(
    st.dictionaries(st.sampled_from("abc"), st.integers() | st.text("xyü \n", max_size=5) | st.none()), max_size=6
)


@given(VALUES)
def test_the_lines_of_a_file_are_the_elements_of_an_array(values: list[dict[str, Any]]) -> None:
    lines = "\n".join(json.dumps(value) for value in [*values, {"last": 1}])
    assert parse(lines) == JsonDocument(kind="json_document").parse(json.dumps([*values, {"last": 1}]).encode())


@pytest.mark.parametrize(
    ("source", "code", "detail"),
    [
        ('{"a": 1}\n\n{"a": }', "invalid_json", "line 3: not valid JSON: Expecting value (column 7)"),
        ('{"a": 1} {"b": 2}', "invalid_json", "line 1: not valid JSON: Extra data (column 10)"),
        ('{"a":\n1}', "invalid_json", "line 1: not valid JSON: Expecting value (column 6)"),
        ('1\n{"a": -Infinity}', "invalid_json", "line 2: -Infinity is not a JSON value"),
        ("1\n2\n" + "[" * 9_999 + "]" * 9_999, "nested_too_deeply", "line 3: arrays and objects are nested more than"),
        ('1\n"\\ud800"', "lone_surrogate", "line 2: the line '\\ud800' contains a lone surrogate at position 0"),
        ('{"\\u0000": 1}', "nul_character", "line 1: the line '\\x00: 1' contains a NUL character at position 0"),
    ],
)
def test_errors_name_the_line(source: str, code: str, detail: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse(source)
    assert caught.value.code == code
    assert caught.value.detail.startswith(detail)


def test_lines_without_values_have_no_text() -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse('{}\n[]\n""\n')
    assert caught.value.code == "no_text"
