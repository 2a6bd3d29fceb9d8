"""The true place of every chunk in a search, however deep: what a search cuts off behind its candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.context.strategy import SearchSetup
from indexes.access import Filter, Principal
from indexes.fusions import Candidates
from indexes.search import FUSED_DECIMALS
from indexes.stores import Mask, Query, Statistics, Store
from indexes.view import IndexView

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a chunk stands in one list. `rank` counts from 1 over all that can be ranked, `of` them in all.

    `rank` is None where the list can not hold it: it shares no term with the question, or no store found it before
    fusion. `last_score` is what the last one taken had, None where everything was taken.
    """

    rank: int | None
    of: int
    taken: int
    score: float
    last_score: float | None

    @property
    def is_taken(self) -> bool:
        """Tell whether the chunk is among those that were taken."""
        return self.rank is not None and self.rank <= self.taken


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkStandings:
    """Where a chunk stands in each store's list, by kind of store, and in the fused one where there is a fusion."""

    stores: dict[str, Standing]
    fused: Standing | None

    @property
    def is_found(self) -> bool:
        """Tell whether any store took the chunk."""
        return any(standing.is_taken for standing in self.stores.values())


@dataclass(frozen=True, slots=True)
class _List:
    """Scores and ranks of all rows in one list, 0 where it cannot rank one; float64 and int64 [rows]."""

    scores: Float64
    ranks: Int64
    taken: int

    def standing(self, position: int) -> Standing:
        rank, score = int(self.ranks[position]), float(self.scores[position])
        last = np.flatnonzero(self.ranks == self.taken)
        return Standing(
            rank=rank or None,
            of=int(self.ranks.max(initial=0)),
            taken=self.taken,
            score=score if np.isfinite(score) else 0.0,
            last_score=float(self.scores[last[0]]) if len(last) else None,
        )


class Standings:
    """All rows that a principal may see under a filter, ranked by each store and by the fusion.

    Scores, statistics, ties and rounding are those of `search_index`; the first `candidates` of a list are what it
    finds. Every row is scored, which takes as long as a search without an index.
    """

    def __init__(
        self, view: IndexView, setup: SearchSetup, query: Query, principal: Principal, restriction: Filter | None
    ) -> None:
        self._view = view
        self._segments, self._rows = _allowed_rows(view, principal, restriction)
        self._documents, self._starts = _places(view, self._segments, self._rows)
        permitted = view.masks(principal, None)
        self._lists: dict[str, _List] = {}
        for store in setup.stores:
            scores = self._scores(store, query, permitted)
            rankable = scores > 0 if store.signal == "lexical" else np.ones(len(scores), dtype=np.bool_)
            ranks = self._ranked(scores, rankable)
            self._lists[store.kind_of_class()] = _List(scores, ranks, setup.candidates)
        self._fused = self._fuse(setup)

    def of(self, document_id: str) -> dict[int, ChunkStandings]:
        """Return where each chunk of a document stands, by ordinal; nothing where the principal may not see it."""
        number = next((n for n, document in enumerate(self._view.documents) if document.id == document_id), None)
        positions = np.flatnonzero(self._documents == number).tolist() if number is not None else []
        return {self._ordinal(position): self._standings(position) for position in positions}

    def _standings(self, position: int) -> ChunkStandings:
        fused = self._fused.standing(position) if self._fused is not None else None
        return ChunkStandings(stores={kind: one.standing(position) for kind, one in self._lists.items()}, fused=fused)

    def _ordinal(self, position: int) -> int:
        return int(self._view.segments[self._segments[position]].table.ordinals[self._rows[position]])

    def _scores(self, store: Store, query: Query, permitted: Sequence[Mask | None]) -> Float64:
        searchers = [store.open(segment.folder / store.kind_of_class()) for segment in self._view.segments]
        statistics = Statistics()
        for searcher, mask in zip(searchers, permitted, strict=True):
            statistics = statistics + searcher.statistics(query, mask)
        scores = np.zeros(len(self._rows))
        for number, searcher in enumerate(searchers):
            here = np.flatnonzero(self._segments == number)
            if len(here):
                scores[here] = searcher.scores(query, self._rows[here], statistics)
        return scores

    def _ranked(self, scores: Float64, rankable: npt.NDArray[np.bool_]) -> Int64:
        """Return the rank of each row from 1, 0 where it is not rankable; ties by (document id, start)."""
        order = np.lexsort((self._starts, self._documents, -scores))
        order = order[rankable[order]]
        ranks = np.zeros(len(scores), dtype=np.int64)
        ranks[order] = np.arange(1, len(order) + 1)
        return ranks

    def _fuse(self, setup: SearchSetup) -> _List | None:
        if setup.fusion is None:
            return None
        lists = [self._lists[store.kind_of_class()] for store in setup.stores]
        ranks = np.stack([np.where(one.ranks <= setup.candidates, one.ranks, 0) for one in lists])
        united = np.asarray(ranks.any(axis=0))
        candidates = Candidates(
            scores=np.stack([one.scores for one in lists])[:, united],
            ranks=ranks[:, united],
            signals=[store.signal for store in setup.stores],
        )
        fused = np.full(len(self._rows), -np.inf)
        fused[united] = np.round(setup.fusion.fuse(candidates), FUSED_DECIMALS)
        return _List(fused, self._ranked(fused, united), setup.candidates)


def _allowed_rows(view: IndexView, principal: Principal, restriction: Filter | None) -> tuple[Int64, Int64]:
    """Return segment and row of everything that may be found; int64 [rows] each."""
    rows = [
        np.arange(len(segment.table)) if mask is None else np.flatnonzero(mask)
        for segment, mask in zip(view.segments, view.masks(principal, restriction), strict=True)
    ]
    if not rows:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    segments = [np.full(len(some), number, dtype=np.int64) for number, some in enumerate(rows)]
    return np.concatenate(segments), np.concatenate(rows).astype(np.int64)


def _places(view: IndexView, segments: Int64, rows: Int64) -> tuple[Int64, Int64]:
    """Return number of the document and start of each row."""
    documents = np.zeros(len(rows), dtype=np.int64)
    starts = np.zeros(len(rows), dtype=np.int64)
    for number, segment in enumerate(view.segments):
        here = segments == number
        documents[here] = segment.documents[rows[here]]
        starts[here] = segment.table.starts[rows[here]]
    return documents, starts
