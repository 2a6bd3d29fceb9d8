"""Presentations: a page for each slide with text, its title a heading."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO

import pytest

from configs.errors import InvalidInputError
from ingest.document import ParsedDocument
from ingest.parsers.presentation import Presentation
from tests.ingest.parsers.office_files import pptx, replaced

PARSER = Presentation(kind="presentation")


def test_each_slide_with_text_is_a_page() -> None:
    document = PARSER.parse(pptx([("Größe 🎉", ["one", "two"]), ("", []), ("Third", ["last"])], title="Deck"))
    assert document.text == "Größe 🎉\n\none\n\ntwo\n\nThird\n\nlast"
    assert document.title == "Deck"
    assert [(one.kind, one.label, document.text[one.span.start : one.span.end]) for one in document.blocks] == [
        ("page", "1", "Größe 🎉\n\none\n\ntwo"), ("heading", "Größe 🎉", "Größe 🎉"),
        ("page", "3", "Third\n\nlast"), ("heading", "Third", "Third"),
    ]  # fmt: skip


def test_one_slide_is_a_page_as_well() -> None:
    assert [one.label for one in PARSER.parse(pptx([("Only", ["x"])])).blocks if one.kind == "page"] == ["1"]


def test_slides_keep_their_order() -> None:
    document = PARSER.parse(pptx([(f"Slide {number}", ["x"]) for number in range(1, 13)]))
    assert [one.label for one in document.blocks if one.kind == "page"] == [str(number) for number in range(1, 13)]
    assert [one.label for one in document.blocks if one.kind == "heading"] == [f"Slide {n}" for n in range(1, 13)]


def path(document: ParsedDocument, words: str) -> tuple[str, tuple[str, ...]]:
    """Return page and headings of the place where the words stand."""
    position = document.text.index(words)
    (page,) = (one.label for one in document.blocks if one.kind == "page" and one.span.start <= position < one.span.end)
    return page, document.heading_path(position)


def test_the_speakers_notes_stand_behind_their_slide_and_are_told_apart() -> None:
    slides = [("First", ["one"]), ("", []), ("", ["untitled"]), ("Last", ["end"])]
    notes = {1: ["Say hello.", "Then <smile> & wait."], 2: ["On a blank slide."], 4: ["Thank them."]}
    document = PARSER.parse(pptx(slides, notes=notes))
    assert document.text == "\n\n".join(
        ("First", "one", "Notes", "Say hello.", "Then <smile> & wait.", "Slide 2", "Notes", "On a blank slide.",
         "untitled", "Last", "end", "Notes", "Thank them.")
    )  # fmt: skip
    assert {words: path(document, words) for words in ("one", "smile", "blank", "untitled", "end", "Thank")} == {
        "one": ("1", ("First",)),
        "smile": ("1", ("First", "Notes")),
        "blank": ("2", ("Slide 2", "Notes")),
        "untitled": ("3", ("untitled",)),
        "end": ("4", ("Last",)),
        "Thank": ("4", ("Last", "Notes")),
    }


def test_numbers_and_blank_lines_of_the_page_of_notes_are_no_notes() -> None:
    assert PARSER.parse(pptx([("Only", ["x"])], notes={1: ["", "  "]})).text == "Only\n\nx"


def test_slides_and_notes_follow_the_presentation_and_not_the_names_of_files() -> None:
    made = pptx([("One", ["a"]), ("Two", ["b"])], notes={1: ["of one"], 2: ["of two"]})
    with zipfile.ZipFile(BytesIO(made)) as archive:
        name = "ppt/presentation.xml"
        turned = re.sub(rb"(<p:sldId [^>]*>)(<p:sldId [^>]*>)", rb"\2\1", archive.read(name))
    document = PARSER.parse(replaced(made, {name: turned}))
    assert document.text == "Two\n\nb\n\nNotes\n\nof two\n\nOne\n\na\n\nNotes\n\nof one"
    assert path(document, "of two") == ("1", ("Two", "Notes"))
    assert path(document, "of one") == ("2", ("One", "Notes"))


def test_damaged_notes_are_not_left_out_in_silence() -> None:
    made = pptx([("Only", ["x"])], notes={1: ["words"]})
    with pytest.raises(InvalidInputError, check=lambda error: error.code == "damaged_file"):
        PARSER.parse(replaced(made, {"ppt/notesSlides/notesSlide1.xml": b"<p:notes"}))
