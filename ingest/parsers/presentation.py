"""PowerPoint presentations."""

from __future__ import annotations

from typing import ClassVar, Literal

from ingest.document import ParsedDocument
from ingest.office.limits import require_office
from ingest.office.reader import check_archive, read_office
from ingest.parsers import Parser, Place, refuse_empty


class Presentation(Parser):
    """A PowerPoint presentation (PPTX): each slide with text is a page, its title a heading, the speaker's notes below.

    Needs the extra `office`; each file is read in a process of its own with a limit of memory and time, which costs
    about half a second. Citations name the slide's number as the page and its title as the heading; what comes from the
    speaker's notes stands under the heading `Notes` inside it. A slide without any title goes by `Slide n`. Words in
    pictures and charts, hidden slides with their notes, hidden shapes and comments are not read.
    """

    extensions: ClassVar[tuple[str, ...]] = (".pptx",)
    media_types: ClassVar[tuple[str, ...]] = (
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    )
    places: ClassVar[tuple[Place, ...]] = ("page",)

    kind: Literal["presentation"]

    def check_available(self) -> None:
        """Raise where the extra is not installed."""
        require_office()

    def parse(self, data: bytes) -> ParsedDocument:
        """Return the text of the slides in order."""
        refuse_empty(data)
        check_archive(data)
        return read_office("pptx", data)
