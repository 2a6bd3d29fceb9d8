"""What a parser makes of a file: one immutable text, its structure, and the tools a chunker needs to cut it."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from configs.part import JsonObject
from configs.span import Span

BlockKind = Literal["heading", "table", "code", "page", "record"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A stretch of the text with a known role; offsets are half-open code points of `ParsedDocument.text`.

    `level` is a heading's level (1 to 6) and 0 elsewhere. `label` is a heading's words without markup, a page's
    number, a record's number (both from 1) or a code block's language.
    """

    kind: BlockKind
    span: Span
    level: int = 0
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedDocument:
    """One immutable text with its structure, as a parser made it; chunkers and citations refer to this text alone.

    `blocks` are sorted by start. `title` is what the file itself calls itself, or empty.
    """

    text: str
    title: str = ""
    blocks: tuple[Block, ...] = ()
    _heading_starts: list[int] = field(init=False, repr=False, compare=False)
    _heading_paths: list[tuple[str, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts: list[int] = []
        paths: list[tuple[str, ...]] = []
        open_headings: list[Block] = []
        for heading in (block for block in self.blocks if block.kind == "heading"):
            while open_headings and open_headings[-1].level >= heading.level:
                open_headings.pop()
            open_headings.append(heading)
            starts.append(heading.span.start)
            paths.append(tuple(block.label for block in open_headings if block.label))
        object.__setattr__(self, "_heading_starts", starts)
        object.__setattr__(self, "_heading_paths", paths)

    def heading_path(self, position: int) -> tuple[str, ...]:
        """Return the headings above the character at `position`, outermost first; a heading is above itself."""
        last = bisect.bisect_right(self._heading_starts, position)
        return self._heading_paths[last - 1] if last else ()

    def structure(self) -> list[JsonObject]:
        """Return the blocks as JSON, for the database."""
        return [
            {"kind": b.kind, "start": b.span.start, "end": b.span.end, "level": b.level, "label": b.label}
            for b in self.blocks
        ]

    @classmethod
    def from_structure(cls, text: str, title: str, structure: Iterable[JsonObject]) -> ParsedDocument:
        """Rebuild the document from its text and what `structure()` returned."""
        blocks = tuple(
            Block(kind=b["kind"], span=Span(b["start"], b["end"]), level=b["level"], label=b["label"])
            for b in structure
        )
        return cls(text=text, title=title, blocks=blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What a chunker cuts: a span, the larger span a hit on it stands for, if any, and what it needs in front.

    `lead` are spans of the same text, in order and before the piece, which it cannot be read without: a table's header,
    the signature of a class (`configs.span.Lead`). Their texts are put one right after the other, line ends included.
    """

    span: Span
    parent: Span | None = None
    lead: tuple[Span, ...] = ()


class Tokens(Protocol):
    """The tokens of one text: code-point offsets in order, without special tokens."""

    @property
    def starts(self) -> Sequence[int]:
        """Where each token starts."""
        ...

    @property
    def ends(self) -> Sequence[int]:
        """Where each token ends."""
        ...

    def count(self, start: int, end: int) -> int:
        """Return how many tokens overlap the half-open character range."""
        ...


class Encoder(Protocol):
    """What of an embedder makes the vectors of sentences."""

    @property
    def fingerprint(self) -> str:
        """Name of the embedder with its settings."""
        ...

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return float32 [len(texts), dimensions] of unit length."""
        ...


class ChunkingTools(Protocol):
    """What a chunker may use beside the document: token offsets by its own tokenizer, vectors by its own embedder."""

    def tokens(self, text: str) -> Tokens:
        """Return the tokens of `text`."""
        ...

    def vectors(self, embedder: Encoder, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return float32 [len(texts), dimensions] of unit length, as the embedder encodes them."""
        ...
