"""From the parts of a presentation to one text: a page for each slide, its title, its text, the speaker's notes."""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from xml.etree.ElementTree import Element

from ingest.office.outline import Node, write_nodes
from ingest.office.package import elements, link_of, linked_parts, local_name, read_part
from ingest.office.written_text import LINE_END, WrittenText

_FILE = re.compile(r"/slide(\d+)\.xml$")
TITLES = frozenset({"title", "heading"})
TITLE_LEVEL = 2
"""Where the library puts the titles of slides."""

NOTES = "Notes"
NO_NOTES = frozenset({"sldImg", "sldNum", "hdr", "ftr", "dt"})
"""What stands on a page of notes beside them: a picture of the slide, its number, a header and so on."""


@dataclass(frozen=True, slots=True)
class SlideOrder:
    """What the library does not tell of the slides.

    `numbers` in the presentation by its pages, notes by number, and which numbers are `hidden` when it is shown.
    """

    numbers: Mapping[int, int] = field(default_factory=dict)
    notes: Mapping[int, Sequence[str]] = field(default_factory=dict)
    hidden: frozenset[int] = frozenset()


def write_slides(nodes: Sequence[Node], order: SlideOrder, written: WrittenText) -> None:
    """Write the slides that hold text or have notes, each a page under its title, or under `Slide n` without one.

    Hidden slides are left out and keep their numbers. Notes stand behind the slide's text under a heading of their own.
    """
    by_number: dict[int, list[int]] = {number: [] for number in order.notes}
    page = 1
    for position, (_, _, on_page) in enumerate(nodes):
        page = max(page, on_page or page)
        by_number.setdefault(order.numbers.get(page, page), []).append(position)
    for number, positions in sorted(by_number.items()):
        if number in order.hidden:
            continue
        written.begin_page(number)
        has_title = any(nodes[position][0]["node_type"] in TITLES for position in positions)
        if not has_title and (number in order.notes or _holds_text(nodes, positions, written.most_characters)):
            written.heading(f"Slide {number}", TITLE_LEVEL)
        write_nodes(nodes, positions, written)
        if number in order.notes:
            written.heading(NOTES, TITLE_LEVEL + 1)
            for paragraph in order.notes[number]:
                written.write(paragraph)


def _holds_text(nodes: Sequence[Node], positions: Sequence[int], most_characters: int) -> bool:
    alone = WrittenText(most_characters)
    write_nodes(nodes, positions, alone)
    return bool(alone.text)


def slide_order(data: bytes) -> SlideOrder:
    """Return the order in which the presentation shows its slides, and their notes, without slides that have none.

    The library numbers slides by the names of their files, and tells notes without saying whose they are. Slides that
    the presentation does not list come last. Only a process that limits itself may call this.
    """
    with zipfile.ZipFile(BytesIO(data)) as archive:
        for presentation in linked_parts(archive, "", "officeDocument").values():
            slides = linked_parts(archive, presentation, "slide")
            listed = [slides.get(link_of(one), "") for one in elements(read_part(archive, presentation), "sldId")]
            by_file = sorted(slides.values(), key=_number_of_file)
            shown = [*listed, *(slide for slide in by_file if slide not in listed)]
            notes = {number: list(_notes_of(archive, slide)) for number, slide in enumerate(shown, start=1)}
            return SlideOrder(
                numbers={page: shown.index(slide) + 1 for page, slide in enumerate(by_file, start=1)},
                notes={number: paragraphs for number, paragraphs in notes.items() if paragraphs},
                hidden=frozenset(number for number, slide in enumerate(shown, start=1) if _is_hidden(archive, slide)),
            )
    return SlideOrder()


def _is_hidden(archive: zipfile.ZipFile, slide: str) -> bool:
    return bool(slide) and read_part(archive, slide).get("show", "1").lower() in {"0", "false"}


def _number_of_file(name: str) -> float:
    found = _FILE.search(name)
    return int(found[1]) if found else math.inf


def _notes_of(archive: zipfile.ZipFile, slide: str) -> Iterator[str]:
    for part in linked_parts(archive, slide, "notesSlide").values() if slide else ():
        for shape in elements(read_part(archive, part), "sp"):
            if _is_of_the_speaker(shape):
                yield from _paragraphs(shape)


def _is_of_the_speaker(shape: Element) -> bool:
    return not any(place.get("type") in NO_NOTES for place in elements(shape, "ph"))


def _paragraphs(shape: Element) -> Iterator[str]:
    for paragraph in elements(shape, "p"):
        words = (one.text or "" if local_name(one) == "t" else LINE_END for one in _runs(paragraph))
        text = "".join(words)
        if text.strip():
            yield text


def _runs(paragraph: Element) -> Iterator[Element]:
    return (one for one in paragraph.iter() if local_name(one) in {"t", "br"})
