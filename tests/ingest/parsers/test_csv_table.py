"""CSV and TSV: records of `column: value` lines."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from configs.errors import InvalidInputError, PlaygroundError, TooLargeError
from ingest import numbered_blocks
from ingest.document import ParsedDocument
from ingest.parsers import csv_table as csv_module
from ingest.parsers.csv_table import DELIMITERS, MAX_COLUMNS, SAMPLE_ROWS, CsvTable

PARSER = CsvTable(kind="csv_table")


def parse(source: str) -> ParsedDocument:
    return PARSER.parse(source.encode())


def records(document: ParsedDocument) -> list[tuple[str, str]]:
    """Return each block's label and text."""
    assert all(block.kind == "record" for block in document.blocks)
    return [(block.label, document.text[block.span.start : block.span.end]) for block in document.blocks]


def refusal_of(source: str) -> PlaygroundError:
    with pytest.raises(PlaygroundError) as caught:
        parse(source)
    return caught.value


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_each_row_is_a_record(newline: str) -> None:
    document = parse(newline.join(["name,age", "Ann,30", "Bob,", ""]))
    assert document.text == "name: Ann\nage: 30\n\nname: Bob\nage:"
    assert records(document) == [("1", "name: Ann\nage: 30"), ("2", "name: Bob\nage:")]
    assert document.title == ""


def test_quoted_fields_hold_anything() -> None:
    document = parse('a,b\r\n"x, ""y""","two\r\nlines\n"\r\n" z ",\r\n')
    assert records(document) == [("1", 'a: x, "y"\nb: two\r\nlines\n'), ("2", "a:  z \nb:")]


CELLS = st.text(st.sampled_from('ab ü,;\t|"\n\r'), max_size=5)
TABLES = st.integers(2, 4).flatmap(
    lambda width: st.tuples(
        st.lists(st.sampled_from(["id", "naïve name", "x y", "z"]), min_size=width, max_size=width),
        st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=6),
    )
)


@given(TABLES, st.sampled_from(DELIMITERS), st.sampled_from(["\n", "\r\n"]))
def test_what_is_written_comes_back(table: tuple[list[str], list[list[str]]], delimiter: str, newline: str) -> None:
    header, rows = table
    assume(any(value.strip() for row in rows for value in row))
    file = StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, lineterminator=newline, quoting=csv.QUOTE_ALL)
    writer.writerows([header, *rows])
    expected = [
        (
            str(number),
            "\n".join(f"{name}: {value}" if value else f"{name}:" for name, value in zip(header, row, strict=True)),
        )
        for number, row in enumerate(rows, start=1)
        if any(value.strip() for value in row)
    ]
    assert records(parse(file.getvalue())) == expected


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a,b\n1,2\n", "a: 1\nb: 2"),
        ("a;b\n1,5;2,5\n", "a: 1,5\nb: 2,5"),
        ("a\tb\nx, y\tz; w\n", "a: x, y\nb: z; w"),
        ("a|b\n1|2\n", "a: 1\nb: 2"),
        ("Name, first;Age\nLee, Ann;30\n", "Name, first: Lee, Ann\nAge: 30"),
        ('name,"x;y;z"\n1,2\n', "name: 1\nx;y;z: 2"),
        ("a,b\n1;1,2\n", "a: 1;1\nb: 2"),
        ("text\nhello, world; and | more\n", "text: hello, world; and | more"),
    ],
)
def test_the_delimiter_is_the_one_that_fits(source: str, text: str) -> None:
    assert parse(source).text == text


def test_a_late_error_does_not_change_the_delimiter() -> None:
    rows = ["a,b c"] + ["1,2;3"] * SAMPLE_ROWS + ["1,2,3;4"]
    assert refusal_of("\n".join(rows)).detail == "row 21 (ends in line 22) has 3 fields, the header has 2"


def test_a_column_without_a_name_is_called_by_its_number() -> None:
    assert parse(",name, \n0,Ann,x\n").text == "column 1: 0\nname: Ann\ncolumn 3: x"


def test_columns_of_one_name_are_both_kept() -> None:
    assert parse("a, a \n1,2\n").text == "a: 1\na: 2"


def test_blank_lines_are_no_rows_but_blank_rows_are() -> None:
    assert records(parse("\n\na,b\n\n1,2\n,\n \n3,4\n\n")) == [("1", "a: 1\nb: 2"), ("3", "a: 3\nb: 4")]


@pytest.mark.parametrize(
    ("source", "code", "detail"),
    [
        ("a,b\n1,2\n1,2,3\n", "uneven_row", "row 2 (ends in line 3) has 3 fields, the header has 2"),
        ('a,b\n"x\ny",2\n\n1\n', "uneven_row", "row 2 (ends in line 5) has 1 fields, the header has 2"),
        ('a,b\n1,"open\n', "invalid_csv", "line 2: unexpected end of data"),
        ('a,b\n"x"y,2\n', "invalid_csv", "line 2: ',' expected after '\"'"),
        ("a,b\n1," + "x" * 131_073, "invalid_csv", "line 2: field larger than field limit (131072)"),
        (",\n1,2\n", "no_header", "the first row names no column"),
        ('""\n', "no_header", "the first row names no column"),
        ("a,b\n", "no_text", "no record of the file holds text"),
        ("a,b\n,\n , \n", "no_text", "no record of the file holds text"),
    ],
)
def test_errors_name_the_row_or_the_line(source: str, code: str, detail: str) -> None:
    error = refusal_of(source)
    assert isinstance(error, InvalidInputError)
    assert (error.code, error.detail) == (code, detail)


def test_the_widest_table() -> None:
    columns = [f"c{number}" for number in range(MAX_COLUMNS)]
    values = ["1"] * MAX_COLUMNS
    (block,) = parse(",".join(columns) + "\n" + ",".join(values)).blocks
    assert block.label == "1"
    error = refusal_of(",".join([*columns, "more"]) + "\n" + ",".join([*values, "1"]))
    assert isinstance(error, TooLargeError)
    assert (error.code, error.detail) == ("too_many_columns", "the table has 10001 columns, more than 10000")


def test_a_field_of_the_largest_size_is_read() -> None:
    value = "x" * 131_072
    assert parse(f"a,b\n1,{value}\n").text == f"a: 1\nb: {value}"


def test_a_long_header_cannot_become_a_huge_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbered_blocks, "MAX_EXTRACTED_CHARACTERS", 100_000)
    source = "k" * 1_000 + ",b\n" + "1,2\n" * 200
    assert refusal_of(source).code == "extracted_text_too_large"


@pytest.mark.parametrize(("rest", "is_read"), [("x" * 20 + "\n", True), ("x" * 21, False), ("x" * 21 + "\n1\n", False)])
def test_lines_have_a_limit(monkeypatch: pytest.MonkeyPatch, rest: str, is_read: bool) -> None:
    monkeypatch.setattr(csv_module, "MAX_LINE_CHARACTERS", 20)
    data = ("a\n" * 30 + rest).encode()
    if is_read:
        assert len(PARSER.parse(data).blocks) == 30
        return
    with pytest.raises(TooLargeError) as caught:
        PARSER.parse(data)
    assert caught.value.code == "line_too_long"
    assert "60" in caught.value.detail
