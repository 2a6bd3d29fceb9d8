"""One text written piece by piece, with the blocks in it; plain values only, so that the child loads nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

PARAGRAPH_END = "\n\n"
LINE_END = "\n"
CELL_SEPARATOR = " | "
DEEPEST_HEADING = 6


class TextTooLongError(Exception):
    """The text passes the limit."""


class WrittenText:
    """Pieces of text, each separated from the one before, and the blocks they make up, in order.

    NUL characters become U+FFFD. A piece of white space alone is left out.
    """

    def __init__(self, most_characters: int) -> None:
        self.blocks: list[dict[str, Any]] = []
        self._pieces: list[str] = []
        self._length = 0
        self.most_characters = most_characters
        self._page: dict[str, Any] | None = None

    @property
    def text(self) -> str:
        """Return what was written so far."""
        return "".join(self._pieces)

    def write(
        self, text: str, *, separator: str = PARAGRAPH_END, kind: str = "", level: int = 0, label: str = ""
    ) -> None:
        """Append `text`; with a `kind` it is a block."""
        text = text.replace("\x00", "\ufffd").strip("\r\n")
        if not text.strip():
            return
        if self._pieces:
            self._pieces.append(separator)
            self._length += len(separator)
        start = self._length
        self._pieces.append(text)
        self._length += len(text)
        if self._length > self.most_characters:
            raise TextTooLongError
        if self._page is not None:
            if self._page["end"] == self._page["start"]:  # the page's first text
                self._page["start"] = start
                self.blocks.append(self._page)
            self._page["end"] = self._length
        if kind:
            self.blocks.append({"kind": kind, "start": start, "end": self._length, "level": level, "label": label})

    def heading(self, text: str, level: int) -> None:
        """Append a heading; its label is its words on one line."""
        words = " ".join(text.replace("\x00", "\ufffd").split())
        self.write(words, kind="heading", level=min(max(level, 1), DEEPEST_HEADING), label=words)

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Append a table: a line for each row that holds something."""
        lines = (row_line(row) for row in rows)
        self.write(LINE_END.join(line for line in lines if line), kind="table")

    def document(self, text: str, blocks: Iterable[Mapping[str, Any]], *, below: int = 0) -> None:
        """Append a whole text with its blocks, its headings `below` levels deeper; pages of it are none of this one."""
        behind_line_ends = len(text) - len(text.lstrip("\r\n"))
        words = text.strip("\r\n")
        self.write(words)
        if not words.strip():
            return
        shift = self._length - len(words) - behind_line_ends
        start, end = self._length - len(words), self._length
        for block in blocks:
            if block["kind"] == "page":
                continue
            level = min(block["level"] + below, DEEPEST_HEADING) if block["kind"] == "heading" else block["level"]
            span = {"start": max(block["start"] + shift, start), "end": min(block["end"] + shift, end)}
            self.blocks.append({**block, **span, "level": level})

    def begin_page(self, number: int) -> None:
        """Let what follows stand on page `number`; it is a block as soon as it holds text."""
        self._page = {"kind": "page", "start": 0, "end": 0, "level": 0, "label": str(number)}


def row_line(cells: Sequence[str]) -> str:
    """Return a row as one line, without the blank cells at its end; "" where all are blank."""
    words = [" ".join(cell.split()) for cell in cells]
    while words and not words[-1]:
        words.pop()
    return CELL_SEPARATOR.join(words)
