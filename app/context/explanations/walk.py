"""The facts behind an explanation: what each stage does with a text at present."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import func, select

from app.context.assembled import Assembled
from app.context.explanations.asked import Asked
from app.context.explanations.chunk_ways import CutChunk, carriers, chunks_holding, ways_of
from app.context.explanations.places import Place, place_in
from app.context.explanations.stages import ChunkWay
from app.context.explanations.standings import Standings
from app.context.passages import Decision
from app.context.retrieve import Retrieved, Retriever
from app.context.strategy import BaselineSetup, SearchSetup
from configs.span import Span
from indexes.access import Filter
from indexes.database.engine import Database
from indexes.database.tables import Version
from indexes.stores import Query
from indexes.view import IndexView, ServedDocument
from ingest.tokenizers import count_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """How far a text comes at present.

    `not_ingested` names a cause where nothing answers with the text, and all else is then empty. `place` is where it
    stands in the version that answers; of what may not be read or is filtered out no more is known. `ways` are those of
    the chunks that hold all of it, or of its pieces where it `is_cut`; the furthest comes first. `dropped` is what no
    chunk holds.
    """

    place: Place | None = None
    not_ingested: str | None = None
    is_permitted: bool = True
    failed_conditions: tuple[Mapping[str, Any], ...] = ()
    dropped: tuple[Span, ...] = ()
    is_cut: bool = False
    ways: tuple[ChunkWay, ...] = ()
    retrieves_nothing: bool = False
    labels: tuple[str, ...] = ()
    missing: tuple[Span, ...] = ()
    decisions: Mapping[int, Decision] = field(default_factory=dict)
    """All decisions of the context by rank."""

    @property
    def is_included(self) -> bool:
        """Tell whether all of the text is sent; of a whole document, whether any of it is."""
        return bool(self.labels) and not self.missing

    @property
    def is_partly_included(self) -> bool:
        """Tell whether some of the text is sent, and not all."""
        return bool(self.labels) and bool(self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answering:
    """The document as it answers at present: by an index, or whole."""

    served: ServedDocument
    view: IndexView | None


def walk(
    database: Database, retriever: Retriever, asked: Asked, place: Place | None, assembled: Assembled, found: Retrieved
) -> Walk:
    """Return how far the place comes; `assembled` is the context as it would be made now of what is `found` now."""
    if place is None:
        return Walk(not_ingested="unknown_document")
    answering = _answering(retriever, asked, place)
    if answering is None:
        return Walk(not_ingested="no_ready_version" if place.document.ready_version_id is None else "not_in_index")
    with database.read() as session:
        standing = place_in(session, place, answering.served.version_id)
    if standing is None:
        return Walk(not_ingested="text_gone")
    principal, restriction = asked.request.principal, asked.request.restriction
    begun = Walk(
        place=standing,
        is_permitted=principal.may_read(answering.served.access),
        failed_conditions=_failed(restriction, answering.served),
        retrieves_nothing=asked.setup == BaselineSetup(baseline="no_context"),
        decisions={decision.hit.rank: decision for decision in assembled.decisions},
        **_sent(standing, assembled),
    )
    if begun.retrieves_nothing or not begun.is_permitted or begun.failed_conditions:
        return begun
    chunks = _chunks(database, asked, standing)
    whole = carriers(standing, chunks)
    begun = replace(
        begun,
        dropped=tuple(standing.missing([chunk.span for chunk in chunks])) if standing.span is not None else (),
        is_cut=bool(chunks) and not whole,
    )
    return replace(begun, ways=tuple(_ways(asked, answering, begun, whole or chunks, found)))


def _answering(retriever: Retriever, asked: Asked, place: Place) -> _Answering | None:
    document = place.document
    if isinstance(asked.setup, BaselineSetup):
        if document.ready_version_id is None:
            return None
        served = ServedDocument(
            id=document.id, version_id=document.ready_version_id, tags=document.tags, metadata=document.metadata,
            access=document.access,
        )  # fmt: skip
        return _Answering(served=served, view=None)
    _, view = retriever.open_index(asked.request.workspace_id, asked.setup)
    served_now = next((one for one in view.documents if one.id == document.id), None)
    return _Answering(served=served_now, view=view) if served_now is not None else None


def _failed(restriction: Filter | None, served: ServedDocument) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        condition.model_dump(mode="json", by_alias=True, exclude_none=True)
        for condition in (restriction.conditions if restriction is not None else ())
        if not condition.holds(served.tags, served.metadata)
    )


def _sent(place: Place, assembled: Assembled) -> dict[str, Any]:
    """Return which sources hold the place, and what of it is missing."""
    sources = [one for one in assembled.sources if one.version_id == place.version_id]
    if place.span is None:
        return {"labels": tuple(source.label for source in sources)}
    sources = [one for one in sources if one.span.overlap(place.span)]
    missing = place.missing([source.span for source in sources])
    return {"labels": tuple(source.label for source in sources), "missing": tuple(missing)}


def _chunks(database: Database, asked: Asked, place: Place) -> list[CutChunk]:
    with database.read() as session:
        if isinstance(asked.setup, SearchSetup):
            return chunks_holding(session, place, asked.setup.recipe.chunking)
        text = session.scalars(select(func.coalesce(Version.text, "")).where(Version.id == place.version_id)).one()
    span = Span(0, len(text))
    return [CutChunk(ordinal=0, span=span, tokens=count_tokens(text), held=place.span or span)]


def _ways(
    asked: Asked, answering: _Answering, begun: Walk, chunks: Sequence[CutChunk], found: Retrieved
) -> list[ChunkWay]:
    """Return how far the chunks come."""
    own = [one for one in begun.decisions.values() if one.hit.version_id == answering.served.version_id]
    decisions = {one.hit.ordinal: one for one in own}
    for larger in (one for one in own if one.hit.stands_for):
        held = [chunk.ordinal for chunk in chunks if larger.hit.span.overlap(chunk.span) == len(chunk.span)]
        decisions |= dict.fromkeys(held, larger)
    setup = asked.setup
    if isinstance(setup, BaselineSetup) or answering.view is None:
        return ways_of(chunks, None, {}, decisions)
    query = found.answer.query if found.answer is not None else Query(text=asked.request.question)
    ranked = Standings(answering.view, setup, query, asked.request.principal, asked.request.restriction)
    return ways_of(chunks, setup, ranked.of(answering.served.id), decisions)
