"""Larger text in the place of found chunks: read from the database, merged so that no character comes twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, func, select, tuple_
from sqlalchemy.orm import Session

from app.context.strategy import SearchSetup
from configs.span import Span
from indexes.database.tables import ChunkRow
from indexes.search import FoundChunk, Hit

KEYS_PER_QUERY = 5_000

Key = tuple[str, int]
"""Version id and ordinal of a chunk."""


def expanded(session: Session, setup: SearchSetup, hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits with the setup's expansion, ranks anew from 1; as they are where the setup has none."""
    if setup.expansion is None or not hits:
        return list(hits)
    spans = setup.expansion.widened(StoredChunks(session, setup.recipe.chunking, hits))
    return merged(hits, spans)


def merged(hits: Sequence[Hit], spans: Sequence[Span]) -> list[Hit]:
    """Return the hits in their order with the larger `spans`, merged so that none shares a character with another.

    A chunk that lies in what a better one stands for joins it. Else the chunk takes what better ones left around it. A
    span that is no single chunk names the chunks that it stands for; its tokens are those of the best one.
    """
    places: list[_Place] = []
    taken: defaultdict[str, list[_Place]] = defaultdict(list)
    for hit, span in zip(hits, spans, strict=True):
        others = taken[hit.version_id]
        holder = next((one for one in others if one.span.overlap(hit.span) == len(hit.span)), None)
        if holder is not None:
            holder.chunks.append(hit)
            continue
        place = _Place(_left_around(hit.span, span, [one.span for one in others]), [hit])
        if len(place.span):
            places.append(place)
            others.append(place)
        else:  # several better ones hold all of the chunk together
            shares = [one.span.overlap(hit.span) for one in others]
            others[shares.index(max(shares))].chunks.append(hit)
    return [place.hit(rank) for rank, place in enumerate(places, start=1)]


def _left_around(core: Span, span: Span, others: Iterable[Span]) -> Span:
    """Return what of `span` around `core` no other holds; of a core that another cuts in two, the longer part."""
    start, end = span.start, span.end
    for other in others:
        if other.overlap(span):
            before = min(core.end, other.start) - core.start
            behind = core.end - max(core.start, other.end)
            if before >= behind:
                end = min(end, other.start)
            else:
                start = max(start, other.end)
    return Span(start, max(start, end))


@dataclass(slots=True)
class _Place:
    """A span of a version with the chunks that it stands for, best first."""

    span: Span
    chunks: list[Hit]

    def hit(self, rank: int) -> Hit:
        best = self.chunks[0]
        if self.span == best.span and len(self.chunks) == 1:
            return replace(best, rank=rank)
        chunks = tuple(FoundChunk(rank=one.rank, ordinal=one.ordinal, span=one.span, score=one.score)
                       for one in self.chunks)  # fmt: skip
        return replace(best, rank=rank, span=self.span, stands_for=chunks)


class StoredChunks:
    """What the database holds about found chunks (`app.context.expansions.FoundChunks`).

    A chunk that was erased since it was found keeps its own span.
    """

    def __init__(self, session: Session, chunking: str, hits: Sequence[Hit]) -> None:
        self.hits = hits
        self._session = session
        self._chunking = chunking
        self._parents: list[Span] | None = None

    def parents(self) -> list[Span]:
        """Return the parent of each chunk, its own span where it has none."""
        if self._parents is None:
            found = {
                (row.version_id, row.ordinal): Span(row.parent_start, row.parent_end)
                for row in self._rows([_key(hit) for hit in self.hits])
                if row.parent_start is not None
            }
            self._parents = [found.get(_key(hit), hit.span) for hit in self.hits]
        return self._parents

    def siblings(self) -> list[int]:
        """Return how many chunks have the parent of each, itself included."""
        columns = ChunkRow.version_id, ChunkRow.parent_start, ChunkRow.parent_end
        version_ids = {hit.version_id for hit in self.hits}
        statement = select(*columns, func.count()).where(
            ChunkRow.version_id.in_(version_ids), ChunkRow.chunking == self._chunking
        )
        counts = {tuple(row[:3]): row[3] for row in self._session.execute(statement.group_by(*columns))}
        return [
            counts.get((hit.version_id, parent.start, parent.end), 1)
            for hit, parent in zip(self.hits, self.parents(), strict=True)
        ]

    def around(self, chunks: int) -> list[Span]:
        """Return the span of each chunk with `chunks` neighbours on either side."""
        near = [
            [(hit.version_id, ordinal) for ordinal in range(max(0, hit.ordinal - chunks), hit.ordinal + chunks + 1)]
            for hit in self.hits
        ]
        keys = dict.fromkeys(key for some in near for key in some)
        spans = {(row.version_id, row.ordinal): Span(row.start, row.end) for row in self._rows(list(keys))}
        widened = []
        for hit, some in zip(self.hits, near, strict=True):
            there = [hit.span, *(spans[key] for key in some if key in spans)]
            widened.append(Span(min(one.start for one in there), max(one.end for one in there)))
        return widened

    def _rows(self, keys: Sequence[Key]) -> Iterator[Row[*tuple[Any, ...]]]:
        columns = select(
            ChunkRow.version_id, ChunkRow.ordinal, ChunkRow.start, ChunkRow.end, ChunkRow.parent_start,
            ChunkRow.parent_end,
        )  # fmt: skip
        for first in range(0, len(keys), KEYS_PER_QUERY):
            wanted = tuple_(ChunkRow.version_id, ChunkRow.ordinal).in_(keys[first : first + KEYS_PER_QUERY])
            yield from self._session.execute(columns.where(ChunkRow.chunking == self._chunking, wanted))


def _key(hit: Hit) -> Key:
    return hit.version_id, hit.ordinal
