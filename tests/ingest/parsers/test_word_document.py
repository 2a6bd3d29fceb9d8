"""Word documents: headings, tables, lists and pages, with exact offsets."""

from __future__ import annotations

import pytest

from configs.errors import InvalidInputError
from ingest.document import ParsedDocument
from ingest.parsers.word_document import WordDocument
from tests.ingest.parsers.office_files import docx, heading, page_break, paragraph, table, xlsx

PARSER = WordDocument(kind="word_document")


def blocks(document: ParsedDocument) -> list[tuple[str, str, str]]:
    """Return kind, label and text of each block."""
    return [(one.kind, one.label, document.text[one.span.start : one.span.end]) for one in document.blocks]


def test_headings_and_tables_have_blocks() -> None:
    document = PARSER.parse(
        docx(
            heading("Größen 🎉"), paragraph("Ein Satz."), heading("Tabelle", 2),
            table([["Artikel", "Preis"], ["Hut", "5 | 6"], ["", ""], ["Schal", ""]]),
        )
    )  # fmt: skip
    rows = "Artikel | Preis\nHut | 5 | 6\nSchal"
    assert document.text == f"Größen 🎉\n\nEin Satz.\n\nTabelle\n\n{rows}"
    assert blocks(document) == [
        ("heading", "Größen 🎉", "Größen 🎉"), ("heading", "Tabelle", "Tabelle"), ("table", "", rows),
    ]  # fmt: skip
    assert [one.level for one in document.blocks] == [1, 2, 0]
    assert document.heading_path(len(document.text) - 1) == ("Größen 🎉", "Tabelle")


@pytest.mark.parametrize(("title", "expected"), [("Report", "Report"), ("", "First")])
def test_the_title_is_the_documents_own_else_its_first_heading(title: str, expected: str) -> None:
    assert PARSER.parse(docx(heading("First"), paragraph("x"), title=title)).title == expected


def test_pages_are_those_that_were_laid_out() -> None:
    laid_out = "<w:p><w:r><w:lastRenderedPageBreak/><w:t>third</w:t></w:r></w:p>"
    document = PARSER.parse(docx(paragraph("first é"), page_break(), paragraph("second"), laid_out))
    assert blocks(document) == [("page", "1", "first é"), ("page", "2", "second"), ("page", "3", "third")]


def test_markup_is_text() -> None:
    text = "# no heading, *no emphasis* | <b> & [a](b)"
    assert PARSER.parse(docx(paragraph(text))).text == text


def test_lists_are_lines() -> None:
    item = (
        '<w:p><w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t>{}</w:t></w:r></w:p>'
    )
    assert PARSER.parse(docx(item.format("one"), item.format("two"), paragraph("end"))).text == "- one\n- two\n\nend"


def test_deleted_text_is_gone_and_inserted_text_is_there() -> None:
    changed = (
        '<w:p><w:ins w:id="1" w:author="a"><w:r><w:t>new</w:t></w:r></w:ins>'
        '<w:del w:id="2" w:author="a"><w:r><w:delText>old</w:delText></w:r></w:del></w:p>'
    )
    assert PARSER.parse(docx(changed)).text == "new"


@pytest.mark.parametrize(
    ("data", "code"),
    [(docx(), "no_text"), (docx(paragraph(" ")), "no_text"), (xlsx({"s": [["a"]]}), "damaged_file")],
)
def test_a_file_without_text_or_of_another_kind_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        PARSER.parse(data)
    assert caught.value.code == code


def test_text_that_repeats_is_kept() -> None:
    pages = [
        part for number in range(4) for part in (paragraph("Internal use only"), paragraph(str(number)), page_break())
    ]
    assert PARSER.parse(docx(*pages)).text.count("Internal use only") == 4
