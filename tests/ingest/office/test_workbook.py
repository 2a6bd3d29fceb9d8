"""From cells to records: rows keep the numbers of their sheet, and every filled cell stands in the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.office.workbook import Layout, sheet_layouts, write_sheet
from ingest.office.written_text import WrittenText
from tests.ingest.parsers.office_files import replaced, xlsx


def sheet(rows: list[list[str]], layout: Layout = Layout()) -> list[tuple[str, str]]:  # noqa: B008  # is frozen
    """Return label and text of each record."""
    written = WrittenText(100_000)
    write_sheet("Sheet", rows, layout, written)
    assert [block["label"] for block in written.blocks[:1]] == ["Sheet"] * bool(written.text)
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
    records = dict(sheet(rows, Layout(first_row=first_row)))
    for number, row in enumerate(rows, start=first_row):
        filled = [" ".join(cell.split()) for cell in row if cell.strip()]
        assert bool(filled) == (str(number) in records)
        assert all(cell in " ".join(records[str(number)].split()) for cell in filled)


@given(st.integers(0, 30), st.integers(0, 3))
def test_the_first_row_is_where_the_values_begin(blank_rows: int, blank_columns: int) -> None:
    rows = [[""]] * blank_rows + [[""] * blank_columns + ["a", "b"], ["c"]]
    layouts = sheet_layouts(xlsx({"One & <b>": rows, "Two": [["x"]], "Empty": []}))
    assert {name: layout.first_row for name, layout in layouts.items()} == {"One & <b>": blank_rows + 1, "Two": 1}


def test_rows_without_numbers_are_counted() -> None:
    assert layouts_of("<row/><row/><row><c><v>1</v></c></row>") == {"s": Layout(first_row=3)}
    assert layouts_of('<row/><row hidden="true"/><row><c/><c><v>1</v></c></row>') == {
        "s": Layout(first_row=3, first_column=2, hidden_rows=frozenset({2}))
    }


def layouts_of(rows: str, columns: str = "") -> dict[str, Layout]:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    made = f'<worksheet xmlns="{space}"><cols>{columns}</cols><sheetData>{rows}</sheetData></worksheet>'
    return sheet_layouts(replaced(xlsx({"s": [["a"]]}), {"xl/worksheets/sheet1.xml": made.encode()}))


HIDDEN = st.sets(st.integers(1, 8))


@given(HIDDEN, HIDDEN, st.integers(0, 3), st.integers(0, 3))
def test_hidden_rows_and_columns_are_those_that_the_sheet_hides(
    rows: set[int], columns: set[int], blank_rows: int, blank_columns: int
) -> None:
    cells = [[f"r{row}c{column}" for column in range(1, 9)] for row in range(1, 9)]
    shown = [row[blank_columns:] for row in cells[blank_rows:]]
    made = "".join(
        f'<row r="{number}" hidden="{int(number in rows)}">'
        + "".join(f'<c r="{"ABCDEFGH"[at]}{number}"><v>1</v></c>' for at in range(blank_columns, 8))
        + "</row>"
        for number in range(blank_rows + 1, 9)
    )
    hidden = "".join(f'<col min="{number}" max="{number}" hidden="1"/>' for number in columns)
    text = " ".join(words for _, words in sheet(shown, layouts_of(made, hidden)["s"]))
    for row in range(blank_rows + 1, 9):
        for column in range(blank_columns + 1, 9):
            assert (f"r{row}c{column}" in text) == (row not in rows and column not in columns)


def test_a_sheet_that_hides_all_of_it_leaves_nothing_behind() -> None:
    assert sheet([["a", "b"]], Layout(is_hidden=True)) == []
    assert sheet([["a"], ["b"]], Layout(hidden_rows=frozenset({1, 2}))) == []
    assert sheet([["a", "b"]], Layout(hidden_columns=(range(1, 3),))) == []
