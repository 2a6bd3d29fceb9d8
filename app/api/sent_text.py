"""Texts that are sent as JSON: how each is read."""

from __future__ import annotations

from typing import Literal, get_args

from configs.errors import UnsupportedMediaTypeError
from ingest.parsers import Parser, parser_for

MediaType = Literal["text/plain", "text/markdown", "text/html", "text/csv", "application/json", "application/x-ndjson"]
TEXTS = frozenset((*get_args(MediaType), "text/x-source-code"))
"""What JSON can hold; the formats of the other parsers are bytes."""


def parser_of(file_name: str | None, media_type: str) -> Parser:
    """Return the parser of a text: by the extension of its file or, where it has no file, by its media type.

    Raises UnsupportedMediaTypeError for a name without an extension that a parser reads, and for files of bytes.
    """
    if file_name is None:
        return parser_for("", media_type)
    parser = parser_for(file_name)
    if TEXTS.isdisjoint(parser.media_types):
        raise UnsupportedMediaTypeError(
            f"{file_name[:100]!r} is a file of bytes, not of text",
            hint="upload the file itself to POST …/documents/files",
        )
    return parser
