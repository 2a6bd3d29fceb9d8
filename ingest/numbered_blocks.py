"""A text that is made of numbered parts: the pages of a PDF, the records of a table."""

from __future__ import annotations

from collections.abc import Iterable

from configs.errors import InvalidInputError, TooLargeError
from configs.span import Span
from ingest.document import Block, BlockKind, ParsedDocument

MAX_EXTRACTED_CHARACTERS = 100_000_000
"""Longest text that is made of one file. A small file may describe a huge text (repeated keys, shared pages)."""

SEPARATOR = "\n\n"


def numbered_document(
    kind: BlockKind, texts: Iterable[str], *, hint_without_text: str, title: str = ""
) -> ParsedDocument:
    """Join `texts` by a blank line; each is a block of `kind`, labelled with its number, counted from 1.

    A text of white space alone keeps its number, but is left out. Raises InvalidInputError (`no_text`) where nothing is
    left and TooLargeError (`extracted_text_too_large`) beyond the limit.
    """
    pieces: list[str] = []
    blocks: list[Block] = []
    length = 0
    for number, text in enumerate(texts, start=1):
        if not text.strip():
            continue
        if blocks:
            pieces.append(SEPARATOR)
            length += len(SEPARATOR)
        span = Span(length, length + len(text))
        length = span.end
        refuse_longer_text(length)
        pieces.append(text)
        blocks.append(Block(kind=kind, span=span, label=str(number)))
    if not blocks:
        raise InvalidInputError(f"no {kind} of the file holds text", hint=hint_without_text, code="no_text")
    return ParsedDocument(text="".join(pieces), title=title, blocks=tuple(blocks))


def refuse_longer_text(length: int) -> None:
    """Raise TooLargeError where `length` characters pass the limit."""
    if length > MAX_EXTRACTED_CHARACTERS:
        raise TooLargeError(
            f"the text of the file is longer than {MAX_EXTRACTED_CHARACTERS} characters",
            hint="split the file and upload the parts",
            code="extracted_text_too_large",
        )
