"""Covered places against a grid that is filled cell by cell, as the HTML standard says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import TooLargeError
from ingest.covered_cells import MOST_COLUMNS, MOST_ROWS, Allowance, CoveredCells

SPANS = st.tuples(st.integers(0, 4), st.integers(1, 3))
TABLES = st.lists(st.lists(SPANS, max_size=4), max_size=6)


def followed(table: list[list[tuple[int, int]]]) -> list[list[int]]:
    """Return for each row how many covered cells are before each of its cells and behind the last."""
    cells, found = CoveredCells(Allowance()), []
    for row in table:
        counts = []
        for rows, columns in row:
            counts.append(cells.pass_covered())
            cells.place(str(rows), str(columns))
        found.append([*counts, cells.end_row()])
    return found


def of_grid(table: list[list[tuple[int, int]]]) -> list[list[int]]:
    """The same from a grid: the cells of rows above, each known by its first column, in every row that they cover."""
    starts: list[dict[int, int]] = [{} for _ in range(len(table) + 5)]
    found = []
    for number, row in enumerate(table):
        column, counts = 0, []
        for rows, columns in row:
            count = 0
            while column in starts[number]:
                column, count = starts[number][column], count + 1
            counts.append(count)
            for below in range(number + 1, number + rows if rows else len(table)):
                starts[below][column] = column + columns
            column += columns
        found.append([*counts, sum(start >= column for start in starts[number])])
    return found


@given(TABLES)
def test_covered_places_are_those_of_the_grid(table: list[list[tuple[int, int]]]) -> None:
    assert followed(table) == of_grid(table)


def test_nothing_is_covered_across_groups() -> None:
    cells = CoveredCells(Allowance())
    cells.place("9", "1")
    cells.end_row()
    assert cells.pass_covered() == 1
    cells.end_row()
    cells.end_group()
    assert (cells.pass_covered(), cells.end_row()) == (0, 0)


def test_spans_are_read_as_the_standard_does() -> None:
    def covers(rowspan: str, colspan: str = "") -> tuple[int, int]:
        """Return how many rows and how many columns a cell takes."""
        cells = CoveredCells(Allowance())
        cells.place(rowspan, colspan)
        width = cells._column  # nowhere else told
        rows = 1
        cells.end_row()
        while rows < MOST_ROWS + 2 and cells.pass_covered():
            rows += 1
            cells.end_row()
        return rows, width

    assert covers("2", "3") == (2, 3)
    assert covers("", "") == (1, 1)
    assert covers(" +3 rows", "0") == (3, 1)
    assert covers("-2", "x") == (1, 1)
    assert covers("0") == (MOST_ROWS, 1)
    assert covers("999999999", "999999999") == (MOST_ROWS, MOST_COLUMNS)


def test_every_covered_place_that_a_row_comes_by_is_counted() -> None:
    cells = CoveredCells(allowance := Allowance(places=40))
    for _ in range(10):
        cells.place("4", "1")
    for _ in range(10):
        cells.end_row()
    assert allowance.places == 0
    cells.place("2", "1")
    with pytest.raises(TooLargeError) as caught:
        cells.end_row()
    assert caught.value.code == "too_many_covered_cells"
