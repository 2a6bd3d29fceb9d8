"""Books: chapters in reading order, which is the spine's."""

from __future__ import annotations

import pytest

from configs.errors import InvalidInputError
from ingest.parsers.epub import Epub
from tests.ingest.parsers.office_files import epub, replaced

PARSER = Epub(kind="epub")


def test_chapters_come_in_reading_order() -> None:
    document = PARSER.parse(epub([("Größe", "One 🎉."), ("Ende", "Two.")], title="A Book"))
    assert document.text == "Größe\n\nOne 🎉.\n\nEnde\n\nTwo."
    assert document.title == "A Book"
    assert [(one.kind, one.level, one.label) for one in document.blocks] == [
        ("heading", 1, "Größe"),
        ("heading", 1, "Ende"),
    ]
    assert document.heading_path(len(document.text) - 1) == ("Ende",)


def test_the_spine_decides_not_the_names_of_the_files() -> None:
    made = epub([("One", "a"), ("Two", "b")])
    opf = (
        b'<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
        b'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">1</dc:identifier>'
        b"<dc:title>T</dc:title><dc:language>en</dc:language></metadata><manifest>"
        b'<item id="c1" href="chapter1.xhtml" media-type="application/xhtml+xml"/>'
        b'<item id="c2" href="chapter2.xhtml" media-type="application/xhtml+xml"/></manifest>'
        b'<spine><itemref idref="c2"/><itemref idref="c1"/></spine></package>'
    )
    turned = replaced(made, {"OEBPS/content.opf": opf})
    assert PARSER.parse(turned).text == "Two\n\nb\n\nOne\n\na"


def test_a_book_without_words_has_no_text() -> None:
    with pytest.raises(InvalidInputError) as caught:
        PARSER.parse(epub([]))
    assert caught.value.code in {"no_text", "damaged_file"}
