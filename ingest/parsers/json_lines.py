"""JSON Lines: one JSON value a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from ingest.document import ParsedDocument
from ingest.json_record import load, record_text
from ingest.numbered_blocks import numbered_document
from ingest.parsers import Parser, Place, decode


class JsonLines(Parser):
    """Each line is a record, rendered as one `path: value` line per leaf; records are separated by a blank line.

    Lines end with LF or CRLF; blank lines are skipped and not counted as records. Errors name the line of the file.
    """

    extensions: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson")
    media_types: ClassVar[tuple[str, ...]] = ("application/jsonl", "application/x-ndjson", "application/x-jsonlines")
    places: ClassVar[tuple[Place, ...]] = ("record",)

    kind: Literal["json_lines"]

    def parse(self, data: bytes) -> ParsedDocument:
        """Return one record per line that is not blank."""
        return numbered_document("record", _records(decode(data)), hint_without_text="upload lines with values in them")


def _records(text: str) -> Iterator[str]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip(" \t\r"):
            place = f"line {number}"
            yield record_text(load(line, place), place)
