"""Which places of a table's rows are covered by a cell of a row above that spans several."""

from __future__ import annotations

import re
from dataclasses import dataclass

from configs.errors import TooLargeError

MOST_ROWS = 65_534
MOST_COLUMNS = 1_000
"""What a cell may span, says the HTML standard."""

MOST_COVERED_PLACES = 1_000_000

_NUMBER = re.compile(r"\s*\+?(\d{1,9})")


@dataclass(slots=True)
class Allowance:
    """How many covered places the rows of all tables of a page may still come by."""

    places: int = MOST_COVERED_PLACES

    def take(self, count: int) -> None:
        """Raise TooLargeError `too_many_covered_cells` where nothing is left: the blanks would be most of the text."""
        self.places -= count
        if self.places < 0:
            raise TooLargeError(
                f"cells that span rows cover more than {MOST_COVERED_PLACES} places of the page's tables",
                hint="split it, or save it as text",
                code="too_many_covered_cells",
            )


class CoveredCells:
    """Follows one table cell by cell."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._row = self._column = 0
        self._covers: dict[int, tuple[int, int]] = {}
        """Behind which column a covering cell ends, and the last row that it covers, by its first column."""

    def pass_covered(self) -> int:
        """Go to the next place where a cell can stand and return how many cells of rows above are in front of it."""
        count = 0
        while (cover := self._covers.get(self._column)) is not None:
            end, last_row = cover
            if last_row < self._row:
                del self._covers[self._column]
                break
            self._column = end
            count += 1
        return count

    def place(self, rowspan: str, colspan: str) -> None:
        """Put a cell with these attributes where `pass_covered` stopped; a `rowspan` of 0 is the rest of the group."""
        rows, columns = _spanned(rowspan, 1, MOST_ROWS), max(_spanned(colspan, 1, MOST_COLUMNS), 1)
        if rows != 1:
            self._covers[self._column] = (self._column + columns, self._row + (rows or MOST_ROWS) - 1)
        self._column += columns

    def end_row(self) -> int:
        """Go to the next row and return how many cells of rows above are behind the last cell of this one."""
        self._covers = {start: cover for start, cover in self._covers.items() if cover[1] >= self._row}
        self._allowance.take(len(self._covers))
        behind = sum(start >= self._column for start in self._covers)
        self._row, self._column = self._row + 1, 0
        return behind

    def end_group(self) -> None:
        """Cover nothing more: no cell spans rows of two groups."""
        self._covers.clear()


def _spanned(value: str, default: int, most: int) -> int:
    found = _NUMBER.match(value)
    return min(int(found[1]), most) if found else default
