"""Presentations: a page for each slide with text, its title a heading."""

from __future__ import annotations

from ingest.parsers.presentation import Presentation
from tests.ingest.parsers.office_files import pptx

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
