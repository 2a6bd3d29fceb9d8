"""The record of a context's making: ids, spans, scores and decisions, enough to rebuild it byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from app.context.assembled import Assembled, Source
from app.context.embedding_record import EmbeddingRecord
from app.context.envelope import Origin, SourceBlock
from app.context.extracts import TextOf
from app.context.passages import Decision, Reason
from app.context.personal.ranking import FoundAt
from app.context.personal.records import AnswerWishes, BoostRecord, ItemRecord, SectionRecord
from app.context.policy import ContextPolicy
from app.context.renderers import Material, Rendered
from app.context.search.record import SearchRecord
from app.context.section_texts import NO_SECTIONS, SectionTexts
from app.context.template_tokens import guarded
from configs.errors import ConflictError
from configs.span import Span
from configs.text import Text
from indexes.search import FoundChunk, Step

OriginOf = Callable[[str, int], Origin]
"""Returns title, heading path and page at a position of a version: `origin_of(version_id, position)`."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StoreRecord(_Record):
    """What one store said of a candidate."""

    score: float
    rank: int | None = Field(description="from 1; null where the store's list did not reach the candidate")


class FoundChunkRecord(_Record):
    """A found chunk in whose place a larger span was a candidate."""

    rank: int = Field(description="place among the found chunks, from 1")
    ordinal: int = Field(description="number of the chunk in its version, from 0")
    start: int
    end: int
    score: float

    @classmethod
    def of(cls, chunk: FoundChunk) -> Self:
        """Return the record of a found chunk."""
        return cls(
            rank=chunk.rank, ordinal=chunk.ordinal, start=chunk.span.start, end=chunk.span.end, score=chunk.score
        )


class StepRecord(_Record):
    """What one search option did with a candidate."""

    stage: str = Field(description="`query_expansion`, `recency`, `reranker` or `source_cap`")
    rank: int | None = Field(description="place before it, from 1; null where the candidate was not found before")
    score: float | None
    details: dict[str, int | float] = Field(
        description="of several wordings the rank in each; of recency `factor` and `age_days`; of mmr `marginal` and "
        "`likeness`; of a cross-encoder `model_score` and `cut_tokens`, which the model did not read"
    )

    @classmethod
    def of(cls, step: Step) -> Self:
        """Return the record of a step."""
        return cls(stage=step.stage, rank=step.rank, score=step.score, details=dict(step.details))


class CandidateRecord(_Record):
    """A candidate and the one final decision on it."""

    rank: int = Field(description="place in the search result, from 1")
    document_id: str
    version_id: str
    ordinal: int = Field(description="number of the chunk in its version, from 0; of the best one it stands for")
    start: int
    end: int
    tokens: int = Field(description="tokens of the chunk by its chunker's tokenizer")
    score: float
    stores: dict[str, StoreRecord]
    steps: tuple[StepRecord, ...] = Field((), description="what search options did with it, in their order")
    included: bool
    reason: Reason
    label: str | None = Field(description="source that holds the candidate; null where it was dropped")
    sent_start: int | None = Field(description="what of the candidate stands there; null where it was dropped")
    sent_end: int | None
    boost: BoostRecord | None = Field(
        None, description="null where the user's preferences and feedback changed nothing for any candidate"
    )
    stands_for: tuple[FoundChunkRecord, ...] = Field(
        (), description="the found chunks whose place it took, best first; empty where it is a chunk"
    )
    details: dict[str, int | float] = Field(
        description="of a duplicate: of_rank with overlap or distance; of what did not fit: needed_tokens, left_tokens"
    )

    @classmethod
    def of(cls, decision: Decision, found: FoundAt | None) -> Self:
        """Return the record of a decision on a candidate that was found elsewhere, if it was."""
        hit, span = decision.hit, decision.span
        return cls(
            rank=hit.rank,
            document_id=hit.document_id,
            version_id=hit.version_id,
            ordinal=hit.ordinal,
            start=hit.span.start,
            end=hit.span.end,
            tokens=hit.tokens,
            score=hit.score,
            stores={name: StoreRecord(score=store.score, rank=store.rank) for name, store in hit.stores.items()},
            steps=tuple(map(StepRecord.of, hit.steps)),
            included=decision.is_included,
            reason=decision.reason,
            label=decision.label,
            sent_start=None if span is None else span.start,
            sent_end=None if span is None else span.end,
            boost=None if found is None else BoostRecord.of(found),
            stands_for=tuple(map(FoundChunkRecord.of, hit.stands_for)),
            details=dict(decision.details),
        )


class SourceRecord(_Record):
    """What a label stands for."""

    label: str
    document_id: str
    version_id: str
    start: int
    end: int
    described_at: int = Field(description="position whose headings and page stand beside the label")
    tokens: int
    lead: tuple[tuple[int, int], ...] = Field(
        (),
        description="spans of the same version whose texts stand in front: a table's header, the signature of a class",
    )
    row: str = Field("", description="number of the row it begins in, of a table or a list of records")
    line: str = Field("", description="number of the line it begins in, of source code")

    def origin(self, origin_of: OriginOf) -> Origin:
        """Return where it comes from, as it was told when the context was assembled."""
        return replace(origin_of(self.version_id, self.described_at), row=self.row, line=self.line)

    @classmethod
    def of(cls, source: Source) -> Self:
        """Return the record of a source."""
        return cls(
            label=source.label,
            document_id=source.document_id,
            version_id=source.version_id,
            start=source.span.start,
            end=source.span.end,
            described_at=source.described_at,
            tokens=source.tokens,
            lead=tuple((span.start, span.end) for span in source.lead),
            row=source.origin.row,
            line=source.origin.line,
        )


class TokenRecord(_Record):
    """Where the tokens went; all but the last five add up to the total."""

    instructions: int
    workspace_instructions: int = 0
    notes: int = 0
    profile: int = 0
    history: int = 0
    memories: int = 0
    question: int
    documents: int
    envelope: int = Field(description="delimiters, labels, joins, and what a provider adds around messages")
    total: int
    available: int = Field(description="budget minus answer reserve; the total never exceeds it")
    model: str
    tokenizer: str = Field(description="tokenizer that counted")
    is_exact: bool = Field(description="false where the model's tokenizer is absent and the counts are estimates")


class Receipt(_Record):
    """Everything about a context but the text of its documents: no titles, headings or page numbers either; and nothing
    that was said by or of a user but how they wanted to be answered.
    """

    policy: ContextPolicy
    question: Text
    nonce: str
    tokens: TokenRecord
    sources: tuple[SourceRecord, ...]
    candidates: tuple[CandidateRecord, ...]
    workspace_instructions: Text = Field("", description="those of the workspace, as they were sent")
    notes: Text = Field("", description="those of the workspace, as they were sent")
    wishes: AnswerWishes = AnswerWishes()
    search: SearchRecord | None = Field(None, description="what search options did; null where the setup has none")
    embedding: EmbeddingRecord = Field(
        EmbeddingRecord(), description="calls to embedders on other machines for the question and the user's memories"
    )
    sections: tuple[SectionRecord, ...] = ()
    items: tuple[ItemRecord, ...] = Field((), description="facts, wishes, turns and memories that could have entered")
    broken_tokens: dict[str, int] | None = Field(
        None, description="chat-template tokens broken in the sources' texts; null where it was made before they were"
    )
    context_sha256: str


def receipt_of(
    assembled: Assembled, search: SearchRecord | None = None, embedding: EmbeddingRecord | None = None
) -> Receipt:
    """Return the receipt of a context; `search` tells what options did, `embedding` what was paid for vectors."""
    personal, memories = assembled.personal, {one.memory.id: one for one in assembled.personal.memories}
    return Receipt(
        policy=assembled.policy,
        question=assembled.question,
        nonce=assembled.nonce,
        tokens=_tokens(assembled),
        sources=tuple(map(SourceRecord.of, assembled.sources)),
        candidates=tuple(CandidateRecord.of(one, assembled.found_at.get(one.hit.rank)) for one in assembled.decisions),
        workspace_instructions=personal.workspace_instructions,
        notes=personal.notes,
        wishes=AnswerWishes(language=personal.preferences.language, verbosity=personal.preferences.verbosity),
        search=search,
        embedding=embedding or EmbeddingRecord(),
        sections=_sections(assembled),
        items=tuple(ItemRecord.of(one, memories.get(one.id)) for one in assembled.sections.items),
        broken_tokens=dict(assembled.broken_tokens),
        context_sha256=assembled.rendered.sha256,
    )


def _tokens(assembled: Assembled) -> TokenRecord:
    return TokenRecord(
        **asdict(assembled.tokens),
        total=assembled.tokens.total,
        available=assembled.policy.available_tokens,
        model=assembled.policy.model,
        tokenizer=assembled.tokenizer,
        is_exact=assembled.is_exact,
    )


def _sections(assembled: Assembled) -> tuple[SectionRecord, ...]:
    """Return the sections in order; what the envelope takes is charged to the first, where it is planned."""
    use = asdict(assembled.tokens)
    used = {"system": use["instructions"] + use["envelope"]}
    return tuple(
        SectionRecord(
            name=one.name,
            wanted_tokens=one.wanted_tokens,
            allocated_tokens=one.allocated_tokens,
            used_tokens=used.get(one.name, use.get(one.name, 0)),
        )
        for one in assembled.sections.uses
    )


def replay(receipt: Receipt, *, text_of: TextOf, origin_of: OriginOf, sections: SectionTexts = NO_SECTIONS) -> Rendered:
    """Return the context as it was sent, from the receipt, the stored versions and what the sections said.

    Raises ConflictError (`replay_mismatch`) where the result would differ by a single byte.
    """
    sources = [
        SourceBlock(
            label=source.label,
            origin=source.origin(origin_of),
            text="".join(text_of(source.version_id, Span(*one)) for one in (*source.lead, (source.start, source.end))),
        )
        for source in receipt.sources
    ]
    if receipt.broken_tokens is not None:
        sources = list(map(guarded, sources))
    try:
        material = Material(
            instructions=receipt.policy.instructions, question=receipt.question, sources=sources, nonce=receipt.nonce,
            sections=sections,
        )  # fmt: skip
    except ValueError as error:  # only a text that has changed can hold the nonce
        raise _mismatch(receipt) from error
    rendered = receipt.policy.renderer.render(material)
    if rendered.sha256 != receipt.context_sha256:
        raise _mismatch(receipt)
    return rendered


def _mismatch(receipt: Receipt) -> ConflictError:
    versions = ", ".join(sorted({source.version_id for source in receipt.sources})) or "none"
    return ConflictError(
        f"the context cannot be rebuilt as it was sent (SHA-256 {receipt.context_sha256}, versions {versions})",
        hint="a title, the structure of a version or the renderer has changed since; assemble the context anew",
        code="replay_mismatch",
    )
