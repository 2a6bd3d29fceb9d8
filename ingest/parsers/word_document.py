"""Word documents."""

from __future__ import annotations

from typing import ClassVar, Literal

from ingest.document import ParsedDocument
from ingest.office.limits import require_office
from ingest.office.reader import check_archive, read_office
from ingest.parsers import Parser, Place, refuse_empty


class WordDocument(Parser):
    """A Word document (DOCX): headings, paragraphs, lists and tables, separated by blank lines.

    Needs the extra `office`; each file is read in a process of its own with a limit of memory and time, which costs
    about half a second. Headings, tables (a line for each row, cells joined with ` | `) and code have blocks. Pages
    are those that Word last laid out, or that begin at a break; a document without either has no pages, and citations
    name its heading alone. Tracked insertions stand as text; deletions, the old places of moved text, comments,
    headers, footers and hidden text are left out.
    """

    extensions: ClassVar[tuple[str, ...]] = (".docx",)
    media_types: ClassVar[tuple[str, ...]] = (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    )
    places: ClassVar[tuple[Place, ...]] = ("page",)

    kind: Literal["word_document"]

    def check_available(self) -> None:
        """Raise where the extra is not installed."""
        require_office()

    def parse(self, data: bytes) -> ParsedDocument:
        """Return the text of the document's body and footnotes."""
        refuse_empty(data)
        check_archive(data)
        return read_office("docx", data)
