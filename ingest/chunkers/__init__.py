"""The family of chunkers: from one document to spans of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Literal, Self

from pydantic import Field

from configs.part import BAKE_TIME, Part, import_members
from configs.text import Text
from ingest.document import ChunkingTools, ParsedDocument, Piece
from ingest.embedders import Embedder
from ingest.tokenizers import tokenizer

Parents = Literal["none", "own", "shared"]
"""Whether pieces stand for a larger span, and whether each has its own or several have one in common."""

USUAL_SENTENCE_TOKENS = 25
"""Of prose; only estimates rest on it."""


class Chunker(Part):
    """Cuts a document into pieces that are spans of its text.

    Promises: pieces are not empty, hold at least one non-space character, are sorted by start and cover every non-space
    character of the document; no piece repeats; a piece has no more tokens than the size setting, where there is one
    (a single token or an atomic block that is larger is the documented exception); a piece lies inside its parent; the
    same text and settings give the same pieces. Title and headings are prepended elsewhere; a piece that cannot be read
    without something that stands before it (a table's header) has that as its lead, spans of the text. Time grows
    linearly with the text.
    """

    parents: ClassVar[Parents] = "none"
    is_whole: ClassVar[bool] = False
    """True for members that never cut, so that no piece has a neighbour."""
    pools_tokens: ClassVar[bool] = False
    """True where a piece's vector is the mean of its tokens' vectors in a window of the document, which the embedder
    has to give (`Embedder.encode_spans`).
    """

    names_file: ClassVar[bool] = False
    """Whether prefixes name the file, after the title where there is one."""

    tokenizer: Text = Field(
        "all-MiniLM-L6-v2",
        min_length=1,
        max_length=1_000,
        description="model whose tokenizer counts sizes; not tied to the embedder, so comparing embedders keeps chunks",
        json_schema_extra=BAKE_TIME,
    )

    def resolved(self) -> Self:
        """Return the chunker; raise InvalidInputError (`unknown_tokenizer`) where its tokenizer is not here."""
        tokenizer(self.tokenizer)
        return self

    @property
    def size_limit_tokens(self) -> int | None:
        """Return the largest piece in tokens, None where there is no limit."""
        size: int | None = getattr(self, "size_tokens", None)
        return size

    @property
    def usual_tokens(self) -> float | None:
        """Return about how many tokens a piece of prose has, None for members that never cut; estimates rest on it."""
        size = self.size_limit_tokens
        return None if size is None else size / 1.3

    @property
    def repetition(self) -> float:
        """Return about how many tokens all pieces have for one of the text: over 1 where neighbours share some."""
        return 1.0

    @property
    def encoder(self) -> Embedder | None:
        """Return the embedder that cutting itself takes, and so as long as encoding the text; None for most members."""
        embedder: Embedder | None = getattr(self, "embedder", None)
        return embedder

    @property
    def encoded_per_token(self) -> float:
        """Return about how many tokens cutting has encoded for one of the text; 0 where it has no `encoder`."""
        return 0.0

    def remarks(self, document: ParsedDocument, tools: ChunkingTools) -> list[str]:  # noqa: ARG002  # for members
        """Return, in sentences, what a reader of the preview should know of how this document is cut."""
        return []

    @abstractmethod
    def split(self, document: ParsedDocument, tools: ChunkingTools) -> Iterator[Piece]:
        """Yield the pieces of `document` in order."""


import_members(__name__, __path__)
