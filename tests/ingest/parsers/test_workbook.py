"""Workbooks: a heading for each sheet, a record for each row, numbered as the sheet numbers it."""

from __future__ import annotations

from ingest.document import ParsedDocument
from ingest.parsers.workbook import Workbook
from tests.ingest.parsers.office_files import xlsx

PARSER = Workbook(kind="workbook")


def records(document: ParsedDocument) -> list[tuple[tuple[str, ...], str, str]]:
    """Return sheet, number and text of each row."""
    return [
        (document.heading_path(one.span.start), one.label, document.text[one.span.start : one.span.end])
        for one in document.blocks
        if one.kind == "record"
    ]


def test_rows_are_records_under_their_sheet() -> None:
    document = PARSER.parse(
        xlsx(
            {"Preise, neu": [["Artikel", "Preis"], ["Hut 🎉", "5.5"], ["", ""], ["a | b", "6"]], "Zwei": [["x"], ["y"]]}
        )
    )
    assert records(document) == [
        (("Preise, neu",), "1", "Artikel | Preis"),
        (("Preise, neu",), "2", "Artikel: Hut 🎉\nPreis: 5.5"),
        (("Preise, neu",), "4", "Artikel: a | b\nPreis: 6"),
        (("Zwei",), "1", "x"),
        (("Zwei",), "2", "x: y"),
    ]
    assert document.text.startswith("Preise, neu\n\nArtikel | Preis\n\nArtikel: Hut 🎉")
    assert document.title == ""


def test_rows_have_the_numbers_of_the_sheet_wherever_its_values_begin() -> None:
    document = PARSER.parse(
        xlsx({"Empty": [], "Late": [["", ""], ["", ""], ["", "n", "p"], ["", "ann", "1"]]}, title="T")
    )
    assert records(document) == [(("Late",), "3", "n | p"), (("Late",), "4", "n: ann\np: 1")]
    assert document.title == "T"


def test_a_long_sheet_is_read_whole() -> None:
    rows = [["name", "number"], *([f"row {number}", str(number)] for number in range(2, 12_002))]
    found = records(PARSER.parse(xlsx({"s": rows})))
    assert [label for _, label, _ in found] == [str(number) for number in range(1, 12_002)]
    assert found[-1][2] == "name: row 12001\nnumber: 12001"
