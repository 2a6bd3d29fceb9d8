"""JSON files."""

from __future__ import annotations

from typing import ClassVar, Literal

from ingest.document import ParsedDocument
from ingest.json_record import Members, load, record_text
from ingest.numbered_blocks import numbered_document
from ingest.parsers import Parser, Place, decode


class JsonDocument(Parser):
    """One `path: value` line per leaf; each element of a top-level array is a record of its own, anything else is one.

    Paths begin inside the record (`user.tags[0]: new`). Numbers stand as they are written, and a key that an object
    holds twice gives two lines. Records are separated by a blank line.
    """

    extensions: ClassVar[tuple[str, ...]] = (".json",)
    media_types: ClassVar[tuple[str, ...]] = ("application/json", "text/json")
    places: ClassVar[tuple[Place, ...]] = ("record",)

    kind: Literal["json_document"]

    def parse(self, data: bytes) -> ParsedDocument:
        """Return the records of the JSON value that `data` holds."""
        value = load(decode(data), "the file")
        records = value if isinstance(value, list) and not isinstance(value, Members) else [value]
        texts = (record_text(record, f"record {number}") for number, record in enumerate(records, start=1))
        return numbered_document("record", texts, hint_without_text="upload a JSON file with values in it")
