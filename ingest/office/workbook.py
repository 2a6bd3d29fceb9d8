"""From the cells of a workbook to one text: a heading for each sheet, a record for each row."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from xml.etree.ElementTree import Element, iterparse

from ingest.office.package import elements, link_of, linked_parts, local_name, read_part
from ingest.office.written_text import LINE_END, WrittenText, row_line

Rows = Sequence[Sequence[str]]

_NUMBER = re.compile(r"\d+$")
WORKBOOK = "xl/workbook.xml"


def write_sheet(name: str, rows: Rows, first_row: int, written: WrittenText) -> None:
    """Write one sheet; its rows are numbered as the sheet numbers them, beginning with `first_row`.

    The header is the first row with two filled cells or more, else the first filled one. Rows up to it are written as
    they stand, rows under it as `column: value` lines without blank cells.
    """
    written.heading(name, 1)
    width = 2 if any(_filled(row) > 1 for row in rows) else 1
    columns: list[str] | None = None
    for number, row in enumerate(rows, start=first_row):
        text = row_line(row) if columns is None else LINE_END.join(_lines(columns, row))
        written.write(text, kind="record", label=str(number))
        if columns is None and _filled(row) >= width:
            names = (" ".join(cell.split()) for cell in row)
            columns = [column or f"column {position}" for position, column in enumerate(names, start=1)]


def _filled(row: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _lines(columns: Sequence[str], row: Sequence[str]) -> Iterator[str]:
    for position, value in enumerate(row):
        if value.strip():
            yield f"{columns[position] if position < len(columns) else f'column {position + 1}'}: {value.strip()}"


def first_rows(data: bytes) -> dict[str, int]:
    """Return for each sheet of an XLSX file with values the number of its first row that holds one.

    The library's rows begin there. A sheet that cannot be found is left out. Only a process that limits itself may
    call this: the XML is read as it comes.
    """
    with zipfile.ZipFile(BytesIO(data)) as archive:
        parts = linked_parts(archive, WORKBOOK)
        found: dict[str, int] = {}
        for sheet in elements(read_part(archive, WORKBOOK), "sheet"):
            path = parts.get(link_of(sheet))
            if path is not None:
                with archive.open(path) as source:
                    number = _first_row(iterparse(source, events=("start", "end")))  # noqa: S314  # see first_rows
                if number is not None:
                    found[str(sheet.get("name"))] = number
        return found


def _first_row(events: Iterator[tuple[str, Element]]) -> int | None:
    row = 0
    for event, element in events:
        name = local_name(element)
        if name == "row" and event == "start":
            row = int(element.get("r") or row + 1)
        elif name == "c" and event == "end" and any(child.tag.endswith(("}v", "}is")) for child in element):
            place = _NUMBER.search(element.get("r") or "")
            return int(place[0]) if place else row
        elif name == "row":
            element.clear()
    return None
