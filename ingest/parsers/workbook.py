"""Excel workbooks."""

from __future__ import annotations

from typing import ClassVar, Literal

from ingest.document import ParsedDocument
from ingest.office.limits import require_office
from ingest.office.reader import check_archive, read_office
from ingest.parsers import Parser, Place, refuse_empty


class Workbook(Parser):
    """An Excel workbook (XLSX): each sheet is a heading, each row a record numbered as in the sheet.

    Needs the extra `office`; each file is read in a process of its own with a limit of memory and time, which costs
    about half a second, and more for large sheets. The first row with two filled cells names the columns; it and the
    rows above it stand as they are, cells joined with ` | `. Rows under it are written as `column: value` lines, so
    that a row found alone still says what its numbers mean; blank cells are left out. Formulas stand as the values
    that Excel last computed. Hidden sheets, rows (those that a filter hides too) and columns are left out:
    show them before you upload. Citations name sheet and row. At most 2,000,000 cells.
    """

    extensions: ClassVar[tuple[str, ...]] = (".xlsx",)
    media_types: ClassVar[tuple[str, ...]] = ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",)
    places: ClassVar[tuple[Place, ...]] = ("record",)

    kind: Literal["workbook"]

    def check_available(self) -> None:
        """Raise where the extra is not installed."""
        require_office()

    def parse(self, data: bytes) -> ParsedDocument:
        """Return the rows of every sheet in order."""
        refuse_empty(data)
        check_archive(data)
        return read_office("xlsx", data)
