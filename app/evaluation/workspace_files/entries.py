"""What stands in the archive of a workspace: a manifest with a checksum of everything else, and how each is named."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from app.context.strategy_files import NAME_PATTERN
from configs.part import JsonObject
from configs.text import Text
from ingest.document import BlockKind

MANIFEST = "manifest.json"
DOCUMENTS = "documents.jsonl"
MOST_DOCUMENTS = 50_000
"""A zip file without its extension for large ones, which is not read here, holds 65,535 entries."""

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_STRATEGY = re.compile(r"strategies/(.+)\.yaml")
_QUESTION_SET = re.compile(r"question-sets/(.+)\.jsonl")


def document_entry(number: int) -> str:
    """Return the name of a document's bytes; `number` from 1."""
    return f"documents/{number:06d}"


def strategy_entry(name: str) -> str:
    """Return the name of a strategy's file."""
    return f"strategies/{name}.yaml"


def question_set_entry(name: str) -> str:
    """Return the name of a question set's file."""
    return f"question-sets/{name}.jsonl"


def strategy_of(entry: str) -> str | None:
    """Return the strategy whose file it is, None where it is none's."""
    found = _STRATEGY.fullmatch(entry)
    return found[1] if found and re.match(NAME_PATTERN, found[1]) else None


def question_set_of(entry: str) -> str | None:
    """Return the question set whose file it is, None where it is none's."""
    found = _QUESTION_SET.fullmatch(entry)
    return found[1] if found and re.match(NAME_PATTERN, found[1]) else None


class StoredEntry(BaseModel):
    """One entry of an archive."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: Sha256
    size_bytes: int = Field(ge=0)


class Manifest(BaseModel):
    """Which release wrote the archive, what of, and everything in it by name. `left_out` are stale question sets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["context-playground workspace"]
    version: Literal[1]
    release: Text
    created_at: datetime
    workspace: Text
    default_strategy: Name | None
    documents: int = Field(ge=0, le=MOST_DOCUMENTS)
    left_out: list[Text]
    entries: dict[Text, StoredEntry]


class BlockEntry(BaseModel):
    """A stretch of a text with a known role, as `ParsedDocument.structure` writes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: BlockKind
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    level: int = Field(ge=0, le=6)
    label: Text


class DocumentEntry(BaseModel):
    """A line of `documents.jsonl`: what is said of a document, and where its bytes are.

    `content` tells what these are: `source`, the file that was uploaded, which is parsed again, or `text`, what was
    sent as text, with the `structure` that was found in it then. A title of null is what the file calls itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    entry: Text
    external_id: Annotated[Text, StringConstraints(min_length=1, max_length=500)]
    title: Annotated[Text, StringConstraints(min_length=1, max_length=500)] | None
    tags: list[Annotated[Text, StringConstraints(min_length=1, max_length=100)]] = Field(max_length=100)
    metadata: dict[Text, JsonValue] = Field(max_length=100)
    access: list[Annotated[Text, StringConstraints(min_length=1, max_length=200)]] | None = Field(max_length=200)
    file_name: Annotated[Text, StringConstraints(max_length=500)]
    media_type: Annotated[Text, StringConstraints(min_length=1, max_length=200)]
    content: Literal["source", "text"]
    structure: list[BlockEntry] | None = None

    @model_validator(mode="after")
    def _has_structure_with_text(self) -> Self:
        if (self.content == "text") != (self.structure is not None):
            raise ValueError("`structure` goes with `content` text")
        return self

    def blocks_of(self, text: str) -> list[JsonObject]:
        """Return the structure as JSON; raises ValueError where it does not fit the text."""
        blocks = self.structure or []
        for block in blocks:
            if not block.start <= block.end <= len(text):
                raise ValueError(f"a block has the span [{block.start}, {block.end}), the text {len(text)} characters")
        if any(one.start > other.start for one, other in pairwise(blocks)):
            raise ValueError("the blocks are not in the order of the text")
        return [block.model_dump() for block in blocks]
