"""Slides as pages: every part and every note is written once, under the title of its slide."""

from __future__ import annotations

import zipfile
from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st

from ingest.office.slides import SlideOrder, slide_order, write_slides
from ingest.office.written_text import WrittenText
from tests.ingest.office.test_outline import Part, part
from tests.ingest.parsers.office_files import pptx, replaced

WORDS = st.text("ab <&é", min_size=1, max_size=5)
SLIDES = st.lists(st.tuples(WORDS, st.lists(WORDS, max_size=2)), min_size=1, max_size=5)


def written(*parts: Part, notes: dict[int, list[str]] | None = None) -> WrittenText:
    text = WrittenText(10_000)
    write_slides(parts, SlideOrder(notes=notes or {}), text)
    return text


def test_a_slide_without_a_title_is_not_taken_for_part_of_the_one_before() -> None:
    text = written(
        part("heading", level=2, text="Title", page=1), part("paragraph", text="a", page=1),
        part("paragraph", text="b", page=2), part("image", description=None, page=3),
    )  # fmt: skip
    assert text.text == "Title\n\na\n\nSlide 2\n\nb"
    assert [block["label"] for block in text.blocks if block["kind"] == "page"] == ["1", "2"]


@given(SLIDES, st.sets(st.integers(1, 5)), st.sampled_from(["0", "false"]))
def test_hidden_slides_are_left_out_with_their_notes(
    slides: list[tuple[str, list[str]]], hidden: set[int], off: str
) -> None:
    made = pptx(slides, notes={number: ["spoken"] for number in range(1, len(slides) + 1)})
    parts = {f"ppt/slides/slide{number}.xml" for number in hidden if number <= len(slides)}
    with zipfile.ZipFile(BytesIO(made)) as archive:
        changed = {name: archive.read(name).replace(b"<p:sld ", f'<p:sld show="{off}" '.encode()) for name in parts}
    order = slide_order(replaced(made, changed))
    text = WrittenText(10_000)
    write_slides([part("paragraph", text=f"on {n}", page=n) for n in range(1, len(slides) + 1)], order, text)
    shown = [number for number in range(1, len(slides) + 1) if number not in hidden]
    assert text.text == "\n\n".join(f"Slide {n}\n\non {n}\n\nNotes\n\nspoken" for n in shown)
    assert [one["label"] for one in text.blocks if one["kind"] == "page"] == [str(number) for number in shown]


def test_a_list_of_a_slide_keeps_its_indents() -> None:
    text = written(
        part("heading", level=2, text="Title", page=1), part("paragraph", text="x", page=2),
        part("list", ordered=False, page=2), part("list_item", text="one", parent=2, page=2),
        part("list", ordered=False, parent=2, page=2), part("list_item", text="inner", parent=4, page=2),
    )  # fmt: skip
    assert text.text == "Title\n\nSlide 2\n\nx\n\n- one\n  - inner"


@given(SLIDES, st.dictionaries(st.integers(1, 5), st.lists(WORDS, min_size=1, max_size=3)))
def test_notes_are_read_as_they_were_written(slides: list[tuple[str, list[str]]], notes: dict[int, list[str]]) -> None:
    there = {number: lines for number, lines in notes.items() if number <= len(slides)}
    spoken = {number: [line for line in lines if line.strip()] for number, lines in there.items()}
    assert slide_order(pptx(slides, notes=there)).notes == {number: lines for number, lines in spoken.items() if lines}


@given(st.dictionaries(st.integers(1, 9), st.lists(st.text("abc", min_size=1), min_size=1, max_size=3)))
def test_every_note_stands_on_the_page_of_its_slide(notes: dict[int, list[str]]) -> None:
    text = written(part("heading", level=2, text="T", page=1), notes=notes)
    pages = {int(block["label"]): text.text[block["start"] : block["end"]] for block in text.blocks
             if block["kind"] == "page"}  # fmt: skip
    for number, lines in notes.items():
        assert pages[number].split("\n\n") == ["T" if number == 1 else f"Slide {number}", "Notes", *lines]
    assert set(pages) == {1, *notes}
