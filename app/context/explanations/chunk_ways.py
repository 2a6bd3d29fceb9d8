"""How far each chunk that holds a text came on its way into a context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.explanations.places import Place
from app.context.explanations.stages import STAGES, ChunkWay, StageName, StoreStanding
from app.context.explanations.standings import ChunkStandings, Standing
from app.context.passages import Decision
from app.context.receipt import StepRecord
from app.context.strategy import SearchSetup
from configs.span import Span
from indexes.database.tables import ChunkRow

DUPLICATES = frozenset({"exact_duplicate", "span_overlap", "near_duplicate"})
"""Reasons by which a candidate is dropped because a better one says the same; others are the packer's."""

MAX_PER_SOURCE = "max_per_source"
"""Reason by which a search drops a hit whose source has enough of them."""

NOWHERE = ChunkStandings(stores={}, fused=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutChunk:
    """A chunk of a version, and what of a text it holds."""

    ordinal: int
    span: Span
    tokens: int
    held: Span


def chunks_holding(session: Session, place: Place, chunking: str) -> list[CutChunk]:
    """Return the chunks that hold the place or a part of it, in order; all of the version for a whole document."""
    statement = select(ChunkRow.ordinal, ChunkRow.start, ChunkRow.end, ChunkRow.tokens).where(
        ChunkRow.version_id == place.version_id, ChunkRow.chunking == chunking
    )
    if place.span is not None:
        statement = statement.where(ChunkRow.start < place.span.end, ChunkRow.end > place.span.start)
    chunks = []
    for row in session.execute(statement.order_by(ChunkRow.ordinal)):
        span = Span(row.start, row.end)
        within = place.span or span
        held = Span(max(span.start, within.start), min(span.end, within.end))
        chunks.append(CutChunk(ordinal=row.ordinal, span=span, tokens=row.tokens, held=held))
    return chunks


def carriers(place: Place, chunks: Sequence[CutChunk]) -> list[CutChunk]:
    """Return the chunks each of which holds all of the place; every chunk of a whole document does."""
    return [chunk for chunk in chunks if place.span is None or not place.missing([chunk.span])]


def ways_of(
    chunks: Sequence[CutChunk],
    setup: SearchSetup | None,
    standings: Mapping[int, ChunkStandings],
    decisions: Mapping[int, Decision],
) -> list[ChunkWay]:
    """Return how far the chunks of one version came, the furthest first; `setup` is None for whole documents.

    `standings` and `decisions` are those of the version's chunks by ordinal.
    """
    ways = [_way(chunk, setup, standings.get(chunk.ordinal, NOWHERE), decisions.get(chunk.ordinal)) for chunk in chunks]
    return sorted(ways, key=_furthest)


def stage_of_reason(reason: str) -> StageName:
    """Return the stage that drops candidates for this reason."""
    if reason == MAX_PER_SOURCE:
        return "options"
    return "unique" if reason in DUPLICATES else "packed"


def _way(chunk: CutChunk, setup: SearchSetup | None, standings: ChunkStandings, decision: Decision | None) -> ChunkWay:
    shown: list[StoreStanding] = []
    fused = None
    if setup is not None and standings.stores:
        shown = [
            _shown(store.kind_of_class(), store.signal, standings.stores[store.kind_of_class()])
            for store in setup.stores
        ]
        if setup.fusion is not None and standings.fused is not None:
            fused = _shown(setup.fusion.kind_of_class(), "fused", standings.fused)
    return ChunkWay(
        ordinal=chunk.ordinal, start=chunk.span.start, end=chunk.span.end, tokens=chunk.tokens,
        held_start=chunk.held.start, held_end=chunk.held.end, standings=tuple(shown), fused=fused,
        steps=tuple(map(StepRecord.of, decision.hit.steps)) if decision is not None else (),
        rank=decision.hit.rank if decision is not None else None,
        reason=decision.reason if decision is not None else None,
        label=decision.label if decision is not None else None,
        details=dict(decision.details) if decision is not None else {},
        stopped_by=_stopped_by(standings, decision),
    )  # fmt: skip


def _stopped_by(standings: ChunkStandings, decision: Decision | None) -> StageName | None:
    if decision is not None:
        return None if decision.is_included else stage_of_reason(decision.reason)
    last = standings.fused or next(iter(standings.stores.values()), None)
    if last is not None and last.is_taken:  # the wordings of a question together found enough that was better
        return "options"
    return "fused" if standings.is_found and standings.fused is not None else "ranked"


def _shown(name: str, signal: str, standing: Standing) -> StoreStanding:
    return StoreStanding.model_validate(
        {
            "store": name, "signal": signal, "rank": standing.rank, "of": standing.of, "taken": standing.taken,
            "is_taken": standing.is_taken, "score": standing.score, "last_score": standing.last_score,
        }
    )  # fmt: skip


def _furthest(way: ChunkWay) -> tuple[int, float, float, float, int]:
    reached = len(STAGES) if way.stopped_by is None else STAGES.index(way.stopped_by)
    never = float("inf")
    best_rank = min((one.rank for one in way.standings if one.rank is not None), default=never)
    fused_rank = way.fused.rank if way.fused is not None else None
    return -reached, way.rank or never, fused_rank or never, best_rank, way.ordinal
