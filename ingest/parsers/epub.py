"""Electronic books."""

from __future__ import annotations

from typing import ClassVar, Literal

from ingest.document import ParsedDocument
from ingest.office.limits import require_office
from ingest.office.reader import check_archive, read_office
from ingest.parsers import Parser, refuse_empty


class Epub(Parser):
    """An electronic book (EPUB): its chapters in reading order, each read as the HTML parser reads a page.

    Needs the extra `office`; each file is read in a process of its own with a limit of memory and time, which costs
    about half a second. Only what a reader sees is read: no scripts, styles and hidden parts, no words in pictures.
    Books have no pages: citations name chapter and section. Books that are locked (DRM) cannot be read.
    """

    extensions: ClassVar[tuple[str, ...]] = (".epub",)
    media_types: ClassVar[tuple[str, ...]] = ("application/epub+zip",)

    kind: Literal["epub"]

    def check_available(self) -> None:
        """Raise where the extra is not installed."""
        require_office()

    def parse(self, data: bytes) -> ParsedDocument:
        """Return the text of the chapters."""
        refuse_empty(data)
        check_archive(data)
        return read_office("epub", data)
