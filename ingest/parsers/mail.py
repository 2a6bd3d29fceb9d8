"""Mail messages."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from configs.errors import InvalidInputError
from ingest.document import ParsedDocument
from ingest.office.limits import require_office
from ingest.office.reader import read_office
from ingest.parsers import Parser, refuse_empty

_FIRST_FIELD = re.compile(rb"\s*[!-9;-~]+[ \t]*:")


class Mail(Parser):
    """A mail message (EML): subject, sender, recipients and date, the body, then the attachments that can be read.

    Needs the extra `office`; each file is read in a process of its own with a limit of memory and time, which costs
    about half a second. The title is the subject. Where the body is sent as text and as HTML, the text is read; of HTML
    only what a reader sees, as the HTML parser does it. Each attachment is a section under its file name, read as a
    file of its kind would be, without its pages. Forwarded messages are sections with head and attachments of their
    own, up to four inside each other; at most 200 attachments are read. What is not read is named, with the reason.
    """

    extensions: ClassVar[tuple[str, ...]] = (".eml",)
    media_types: ClassVar[tuple[str, ...]] = ("message/rfc822",)

    kind: Literal["mail"]

    def check_available(self) -> None:
        """Raise where the extra is not installed."""
        require_office()

    def parse(self, data: bytes) -> ParsedDocument:
        """Return the message as one text."""
        refuse_empty(data)
        if not _FIRST_FIELD.match(data):
            raise InvalidInputError(
                "the file does not begin like a mail message",
                hint="save the message from the mail program as .eml and upload that",
                code="damaged_file",
            )
        return read_office("eml", data)
