"""The way of a text into a context, stage by stage, and the answer to why it is not there."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.context.receipt import CandidateRecord, StepRecord

StageName = Literal["ingested", "permitted", "filtered", "chunked", "ranked", "fused", "options", "unique", "packed"]
STAGES: tuple[StageName, ...] = (
    "ingested", "permitted", "filtered", "chunked", "ranked", "fused", "options", "unique", "packed",
)  # fmt: skip

Verdict = Literal["passed", "partly", "stopped", "not_reached", "not_applicable"]

Code = str
"""Stable name of what stopped a text: `not_ingested`, `not_permitted`, `filtered_out`, `dropped_by_chunker`,
`cut_across_chunks`, `beyond_candidates`, `nothing_retrieved`, `lost_in_fusion`, `lost_in_options`, `trimmed_away`,
or the receipt's reason of a candidate that was dropped."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StoreStanding(_Value):
    """Where a chunk stands in the list of one store, or in the fused one."""

    store: str = Field(description="kind of the store, or of the fusion")
    signal: Literal["dense", "lexical", "fused"]
    rank: int | None = Field(description="true rank from 1, however deep; null where the list cannot hold the chunk")
    of: int = Field(description="chunks that the list ranks")
    taken: int = Field(description="how many of them are candidates")
    is_taken: bool
    score: float
    last_score: float | None = Field(description="score of the last one taken; null where all are")


class ChunkWay(_Value):
    """How far a chunk that holds the text, or a part of it, came."""

    ordinal: int = Field(description="number of the chunk in its version, from 0")
    start: int
    end: int
    tokens: int
    held_start: int = Field(description="what of the text the chunk holds")
    held_end: int
    standings: tuple[StoreStanding, ...]
    fused: StoreStanding | None
    steps: tuple[StepRecord, ...] = Field((), description="what search options did with it, in their order")
    rank: int | None = Field(description="rank among the candidates; null where it is none")
    reason: str | None = Field(description="decision on the candidate, as receipts name it")
    label: str | None = Field(description="source that holds it; null where it was left out")
    details: dict[str, int | float] = Field(
        description="of a duplicate: of_rank with overlap or distance; of what did not fit: needed_tokens, left_tokens"
    )
    stopped_by: StageName | None = Field(description="null where the chunk is sent")


class Stage(_Value):
    """One stage and what it did with the text."""

    stage: StageName
    verdict: Verdict
    code: Code | None = Field(description="stable name of what happened where the verdict is not `passed`")
    sentence: str
    details: dict[str, Any]


class TargetView(_Value):
    """The text that was looked for, where it was found; all null but the name for a document nobody here knows."""

    name: str | None = Field(description="what the request called the document")
    document_id: str | None
    external_id: str | None
    version_id: str | None
    start: int | None = Field(description="null for a whole document")
    end: int | None


class Recorded(_Value):
    """What the receipt says of the text; it never changes."""

    is_included: bool
    labels: tuple[str, ...] = Field(description="sources that hold it or a part of it")
    candidates: tuple[CandidateRecord, ...] = Field(description="candidates that hold it or a part of it, best first")


class WhyNot(_Value):
    """Why a text is not in a context, or where it is."""

    context_id: str
    target: TargetView
    is_included: bool = Field(description="the saved context holds all of it (a document: any of it)")
    is_included_now: bool = Field(description="the same request, assembled now, would hold it")
    documents_changed: bool = Field(
        description="the same request finds or decides otherwise now than the receipt recorded; stages speak of now"
    )
    stopped_by: StageName | None = Field(description="first stage that stopped it; null where it is included now")
    code: Code | None
    sentence: str
    stages: tuple[Stage, ...]
    chunks: tuple[ChunkWay, ...] = Field(description="chunks that hold it, those that came furthest first")
    chunk_count: int = Field(description="how many chunks hold it or a part of it; at most 20 are shown")
    recorded: Recorded
