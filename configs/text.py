"""Text that every database, file and JSON reader can hold: the one string type of the service; and quotes in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator


def storable(text: str) -> str:
    """Return `text` unchanged, or raise ValueError where it holds a NUL or a lone surrogate."""
    position = text.find("\x00")
    if position >= 0:
        raise ValueError(f"contains a NUL character at position {position}; remove it")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"contains a lone surrogate at position {error.start}; send valid Unicode") from None
    return text


Text = Annotated[str, AfterValidator(storable)]


def occurrences(quote: str, text: str) -> Iterator[int]:
    """Yield where the quote begins in the text, overlapping occurrences included."""
    position = text.find(quote)
    while position >= 0:
        yield position
        position = text.find(quote, position + 1)
