"""Text that grows piece by piece; white space between the pieces is owed, and written only where text follows."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple

from configs.span import Span


class Gap(IntEnum):
    """White space that is owed before the next text; the larger one wins."""

    NOTHING = 0
    SPACE = 1
    LINE = 2
    BLANK_LINE = 3


_GAP_TEXTS = ("", " ", "\n", "\n\n")
_WHITE_SPACE = re.compile(r"[ \t\n\f\r]+")


class Mark(NamedTuple):
    """A place in a growing text: how many pieces and characters stand before it."""

    pieces: int
    length: int


class FlowingText:
    """Collects pieces; neither begins nor ends with a gap."""

    def __init__(self) -> None:
        self.length = 0
        self._pieces: list[str] = []
        self._gap = Gap.NOTHING
        self._separators = ""

    def __str__(self) -> str:
        return "".join(self._pieces)

    def owe(self, gap: Gap) -> None:
        """Put at least `gap` before the next text."""
        if gap > Gap.SPACE or not self._separators:
            self._gap = max(self._gap, gap)

    def owe_line_break(self) -> None:
        """Put one more line break before the next text; the second makes a blank line, more are no more."""
        self.owe(Gap.BLANK_LINE if self._gap >= Gap.LINE else Gap.LINE)

    def owe_separator(self, separator: str) -> None:
        """Put `separator` before the next text, behind the line break that is owed, but without a space around it."""
        if self._gap == Gap.SPACE:
            self._gap = Gap.NOTHING
        self._separators += separator

    def settle_separators(self, *, are_written: bool) -> None:
        """Write the separators that are owed without a text behind them, or forget them."""
        separators, self._separators = self._separators, ""
        if are_written:
            self._append(separators)

    def write(self, text: str) -> None:
        """Write what is owed, then `text` as it is."""
        if self.length:
            self._append(_GAP_TEXTS[self._gap])
        self._append(self._separators + text)
        self._gap, self._separators = Gap.NOTHING, ""

    def write_words(self, text: str) -> None:
        """Write `text` with each run of white space made one space."""
        spaced = _WHITE_SPACE.sub(" ", text)
        words = spaced.strip(" ")
        if spaced.startswith(" "):
            self.owe(Gap.SPACE)
        if words:
            self.write(words)
            if spaced.endswith(" "):
                self.owe(Gap.SPACE)

    def mark(self) -> Mark:
        """Return the present end."""
        return Mark(len(self._pieces), self.length)

    def since(self, mark: Mark) -> tuple[Span, str]:
        """Return what was written since `mark`, without the line breaks in front, and where it stands."""
        written = "".join(self._pieces[mark.pieces :])
        text = written.lstrip("\n")
        return Span(self.length - len(text), self.length), text

    def trim_since(self, mark: Mark) -> None:
        """Take back the white space at the end, as far as it was written since `mark`."""
        while len(self._pieces) > mark.pieces:
            piece = self._pieces.pop()
            self.length -= len(piece)
            if trimmed := piece.rstrip():
                self._append(trimmed)
                return

    def _append(self, piece: str) -> None:
        if piece:
            self._pieces.append(piece)
            self.length += len(piece)
