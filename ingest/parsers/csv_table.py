"""CSV and TSV files with a header row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from itertools import islice
from typing import ClassVar, Literal

from configs.errors import InvalidInputError, TooLargeError
from ingest.document import ParsedDocument
from ingest.numbered_blocks import numbered_document
from ingest.parsers import Parser, Place, decode

MAX_COLUMNS = 10_000
MAX_LINE_CHARACTERS = 10_000_000
DELIMITERS = ("\t", ";", "|", ",")
SAMPLE_ROWS = 20


class CsvTable(Parser):
    """Each row under the header is a record of `column: value` lines; records are separated by a blank line.

    The delimiter is the one of comma, semicolon, tab and bar that cuts the first rows into the same number of fields,
    and into the most. A column without a name is called by its number (`column 3`). Lines without fields are no rows;
    a row whose fields are all blank counts, but has no block.
    """

    extensions: ClassVar[tuple[str, ...]] = (".csv", ".tsv")
    media_types: ClassVar[tuple[str, ...]] = ("text/csv", "text/tab-separated-values")
    places: ClassVar[tuple[Place, ...]] = ("record",)

    kind: Literal["csv_table"]

    def parse(self, data: bytes) -> ParsedDocument:
        """Return one record per row; the first row names the columns."""
        text = decode(data)
        _refuse_long_line(text)
        hint = "upload a table with a header row and rows under it"
        return numbered_document("record", _records(_rows(text, _delimiter(text))), hint_without_text=hint)


def _refuse_long_line(text: str) -> None:
    """Raise TooLargeError where a line passes the limit: what is no table may be one line."""
    position = 0
    while len(text) - position > MAX_LINE_CHARACTERS:
        end = text.rfind("\n", position, position + MAX_LINE_CHARACTERS + 1)
        if end < 0:
            raise TooLargeError(
                f"the line behind position {position} is longer than {MAX_LINE_CHARACTERS} characters",
                hint="end every row with a line end; upload text that is no table as .txt",
                code="line_too_long",
            )
        position = end + 1


def _records(rows: Iterator[tuple[int, list[str]]]) -> Iterator[str]:
    """Yield the text of each row after the first, empty where all its fields are blank."""
    columns = _column_names(next(rows, (0, []))[1])
    for number, (line, row) in enumerate(rows, start=1):
        if len(row) != len(columns):
            raise InvalidInputError(
                f"row {number} (ends in line {line}) has {len(row)} fields, the header has {len(columns)}",
                hint="give every row as many fields as the header; put fields that hold the delimiter into quotes",
                code="uneven_row",
            )
        is_blank = not any(value.strip() for value in row)
        yield "" if is_blank else "\n".join(map(_line, columns, row))


def _line(column: str, value: str) -> str:
    return f"{column}: {value}" if value else f"{column}:"


def _column_names(header: list[str]) -> list[str]:
    if len(header) > MAX_COLUMNS:
        raise TooLargeError(
            f"the table has {len(header)} columns, more than {MAX_COLUMNS}",
            hint="remove columns, or upload the rows as JSON Lines",
            code="too_many_columns",
        )
    names = [name.strip() for name in header]
    if not any(names):
        raise InvalidInputError(
            "the first row names no column", hint="begin the table with a header row", code="no_header"
        )
    return [name or f"column {number}" for number, name in enumerate(names, start=1)]


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the number of the line it ends in; lines without a field are skipped."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if len(row) > 1 or any(value.strip() for value in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise InvalidInputError(
            f"line {reader.line_num}: {error}",
            hint="close every quote, double the quotes inside a field, and upload very long fields as JSON Lines",
            code="invalid_csv",
        ) from None


def _delimiter(text: str) -> str:
    return max(DELIMITERS, key=lambda delimiter: _agreement(text, delimiter))


def _agreement(text: str, delimiter: str) -> tuple[bool, int]:
    """Return whether the first rows have one number of fields, more than one, and how many the header has."""
    widths: list[int] = []
    try:
        widths.extend(len(row) for _, row in islice(_rows(text, delimiter), SAMPLE_ROWS))
    except InvalidInputError:
        return False, widths[0] if widths else 0
    width = widths[0] if widths else 0
    return width > 1 and min(widths) == max(widths), width
