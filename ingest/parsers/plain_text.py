"""Plain text, taken as it is."""

from __future__ import annotations

from typing import ClassVar, Literal

from ingest.document import ParsedDocument
from ingest.parsers import Parser, decode


class PlainText(Parser):
    """The decoded file is the text, line ends included; it has no structure that a reader could be sure of."""

    extensions: ClassVar[tuple[str, ...]] = (".txt", ".text", ".log", ".rst")
    media_types: ClassVar[tuple[str, ...]] = ("text/plain", "text/x-rst")

    kind: Literal["plain_text"]

    def parse(self, data: bytes) -> ParsedDocument:
        """Return the text of `data`, without title and blocks."""
        return ParsedDocument(text=decode(data))
