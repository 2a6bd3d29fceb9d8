"""From cells to records: rows keep the numbers of their sheet, and every filled cell stands in the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.office.workbook import first_rows, write_sheet
from ingest.office.written_text import WrittenText
from tests.ingest.parsers.office_files import replaced, xlsx


def sheet(rows: list[list[str]], first_row: int = 1) -> list[tuple[str, str]]:
    """Return label and text of each record."""
    written = WrittenText(100_000)
    write_sheet("Sheet", rows, first_row, written)
    assert written.blocks[0]["label"] == "Sheet"
    return [(block["label"], written.text[block["start"] : block["end"]]) for block in written.blocks[1:]]


@pytest.mark.parametrize(
    ("rows", "records"),
    [
        ([["n", "p"], ["ann", "1"], ["bob", ""]], [("1", "n | p"), ("2", "n: ann\np: 1"), ("3", "n: bob")]),
        ([["Title", ""], ["", ""], ["n", "p"], ["ann", "1"]], [("1", "Title"), ("3", "n | p"), ("4", "n: ann\np: 1")]),
        ([["x"], ["1"], ["2"]], [("1", "x"), ("2", "x: 1"), ("3", "x: 2")]),
        ([["n", "", "p"], ["a", "b", "c"]], [("1", "n |  | p"), ("2", "n: a\ncolumn 2: b\np: c")]),
        ([["n", "p"], ["a", "b", "c"]], [("1", "n | p"), ("2", "n: a\np: b\ncolumn 3: c")]),
        ([["only", "one"]], [("1", "only | one")]),
    ],
)  # fmt: skip
def test_the_first_row_with_two_cells_names_the_columns(rows: list[list[str]], records: list[tuple[str, str]]) -> None:
    assert sheet(rows) == records


ROWS = st.lists(st.lists(st.text("ab é", max_size=3), min_size=1, max_size=4), max_size=6)


@given(ROWS, st.integers(1, 1_000))
def test_every_filled_cell_stands_in_the_record_of_its_row(rows: list[list[str]], first_row: int) -> None:
    records = dict(sheet(rows, first_row))
    for number, row in enumerate(rows, start=first_row):
        filled = [" ".join(cell.split()) for cell in row if cell.strip()]
        assert bool(filled) == (str(number) in records)
        assert all(cell in " ".join(records[str(number)].split()) for cell in filled)


@given(st.integers(0, 30), st.integers(0, 3))
def test_the_first_row_is_where_the_values_begin(blank_rows: int, blank_columns: int) -> None:
    rows = [[""]] * blank_rows + [[""] * blank_columns + ["a", "b"], ["c"]]
    assert first_rows(xlsx({"One & <b>": rows, "Two": [["x"]], "Empty": []})) == {"One & <b>": blank_rows + 1, "Two": 1}


def test_rows_without_numbers_are_counted() -> None:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    made = f'<worksheet xmlns="{space}"><sheetData><row/><row/><row><c><v>1</v></c></row></sheetData></worksheet>'
    assert first_rows(replaced(xlsx({"s": [["a"]]}), {"xl/worksheets/sheet1.xml": made.encode()})) == {"s": 3}
