"""From the cells of a workbook to one text: a heading for each sheet, a record for each row."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from xml.etree.ElementTree import Element, iterparse
from xml.parsers import expat

from ingest.office.package import elements, link_of, linked_parts, local_name, read_part
from ingest.office.written_text import LINE_END, WrittenText, row_line

Rows = Sequence[Sequence[str]]

_PLACE = re.compile(r"([A-Z]*)(\d*)", re.IGNORECASE)
_MAY_HIDE = re.compile(rb"hidden|\x00")
"""A part without any of these hides nothing; a NUL stands in every part that is UTF-16."""

WORKBOOK = "xl/workbook.xml"
PIECE_BYTES = 1_000_000
OFF = frozenset({"", "0", "false"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the library does not tell of a sheet: where its cells begin, and what of it a reader does not see."""

    first_row: int = 1
    first_column: int = 1
    is_hidden: bool = False
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: Sequence[range] = ()

    def is_column_shown(self, position: int) -> bool:
        """Tell whether the column is shown that stands at a position, from 0, of the library's rows."""
        return not any(self.first_column + position in columns for columns in self.hidden_columns)


def write_sheet(name: str, rows: Rows, layout: Layout, written: WrittenText) -> None:
    """Write what a sheet shows; its rows are numbered as the sheet numbers them.

    The header is the first row with two filled cells or more, else the first filled one. Rows up to it are written as
    they stand, rows under it as `column: value` lines without blank cells.
    """
    shown = {} if layout.is_hidden else _shown(rows, layout)
    filled = max(map(_filled, shown.values()), default=0)
    if filled:
        written.heading(name, 1)
    columns: list[str] | None = None
    for number, row in shown.items():
        text = row_line(row) if columns is None else LINE_END.join(_lines(columns, row))
        written.write(text, kind="record", label=str(number))
        if columns is None and _filled(row) >= min(filled, 2):
            names = (" ".join(cell.split()) for cell in row)
            columns = [column or f"column {position}" for position, column in enumerate(names, start=1)]


def _shown(rows: Rows, layout: Layout) -> Mapping[int, Sequence[str]]:
    """Return the rows that are shown by their numbers, without the columns that are not."""
    numbered = ((number, row) for number, row in enumerate(rows, start=layout.first_row))
    shown = {number: row for number, row in numbered if number not in layout.hidden_rows}
    if not layout.hidden_columns:
        return shown
    width = max((len(row) for row in shown.values()), default=0)
    kept = [position for position in range(width) if layout.is_column_shown(position)]
    return {number: [row[at] for at in kept if at < len(row)] for number, row in shown.items()}


def _filled(row: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _lines(columns: Sequence[str], row: Sequence[str]) -> Iterator[str]:
    for position, value in enumerate(row):
        if value.strip():
            yield f"{columns[position] if position < len(columns) else f'column {position + 1}'}: {value.strip()}"


def sheet_layouts(data: bytes) -> dict[str, Layout]:
    """Return the layout of each sheet of an XLSX file that holds a value.

    The library's rows begin with the first that does. A sheet that cannot be found is left out. Only a process that
    limits itself may call this: the XML is read as it comes.
    """
    with zipfile.ZipFile(BytesIO(data)) as archive:
        parts = linked_parts(archive, WORKBOOK)
        found: dict[str, Layout] = {}
        for sheet in elements(read_part(archive, WORKBOOK), "sheet"):
            path = parts.get(link_of(sheet))
            if path is not None:
                is_hidden = sheet.get("state", "visible") != "visible"
                layout = Layout(is_hidden=True) if is_hidden else _layout(archive, path)
                if layout is not None:
                    found[str(sheet.get("name"))] = layout
        return found


def _layout(archive: zipfile.ZipFile, path: str) -> Layout | None:
    if _may_hide(archive, path):
        with archive.open(path) as source:
            return _Sheet(source.read()).layout()
    with archive.open(path) as source:
        number = _first_row(iterparse(source, events=("start", "end")))  # noqa: S314  # see sheet_layouts
    return None if number is None else Layout(first_row=number)


def _may_hide(archive: zipfile.ZipFile, path: str) -> bool:
    with archive.open(path) as source:
        before = b""
        while piece := source.read(PIECE_BYTES):
            if _MAY_HIDE.search(before + piece):
                return True
            before = piece[-len(b"hidden") :]
    return False


def _first_row(events: Iterator[tuple[str, Element]]) -> int | None:
    row = 0
    for event, element in events:
        name = local_name(element)
        if name == "row" and event == "start":
            row = int(element.get("r") or row + 1)
        elif name == "c" and event == "end" and any(child.tag.endswith(("}v", "}is")) for child in element):
            place = _PLACE.match(element.get("r") or "")
            return int(place[2]) if place and place[2] else row
        elif name == "row":
            element.clear()
    return None


class _Sheet:
    """Reads a sheet that may hide something whole."""

    def __init__(self, part: bytes) -> None:
        self._row = self._column = 0
        self._first_row = self._first_column = 0
        self._hidden_rows: set[int] = set()
        self._hidden_columns: list[range] = []
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.Parse(part, True)

    def layout(self) -> Layout | None:
        """Return what was found, None for a sheet without values."""
        if not self._first_row:
            return None
        return Layout(
            first_row=self._first_row,
            first_column=self._first_column,
            hidden_rows=frozenset(self._hidden_rows),
            hidden_columns=tuple(self._hidden_columns),
        )

    def _start(self, qualified: str, attributes: Mapping[str, str]) -> None:
        name = qualified.rpartition(":")[2]
        is_hidden = attributes.get("hidden", "").lower() not in OFF
        if name == "row":
            self._row, self._column = int(attributes.get("r") or self._row + 1), 0
            if is_hidden:
                self._hidden_rows.add(self._row)
        elif name == "col" and is_hidden:
            self._hidden_columns.append(range(int(attributes["min"]), int(attributes["max"]) + 1))
        elif name == "c":
            place = _PLACE.match(attributes.get("r") or "")
            self._column = _number(place[1]) if place and place[1] else self._column + 1
        elif name in {"v", "is"}:
            self._first_row = self._first_row or self._row
            self._first_column = min(self._first_column or self._column, self._column)


def _number(letters: str) -> int:
    """Return the number of a column by its letters, from 1."""
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - ord("A") + 1
    return number
