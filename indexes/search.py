"""Search of one index: fan out over segments and stores, apply the allow-list before scoring, merge, fuse, time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from opentelemetry import trace

from configs.span import Span
from indexes.access import Filter, Principal
from indexes.fusions import Candidates, Fusion
from indexes.stores import Mask, Query, Rows, Scores, Searcher, Statistics, Store
from indexes.view import IndexView

FUSED_DECIMALS = 12
"""Fused scores come from rounded ones; this only levels the order of floating-point sums."""

Int64 = npt.NDArray[np.int64]

TRACER = trace.get_tracer("context-playground")
"""Does nothing unless the process was started with a tracing SDK."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreScore:
    """What one store said of a hit: its score there, and its rank from 1, None where its list did not reach the hit."""

    score: float
    rank: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundChunk:
    """A chunk that was found at a rank, before a larger span took its place."""

    rank: int
    ordinal: int
    span: Span
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one stage after the first search did with a hit: where it stood before, None where it was not found, and
    what the stage knows of it.
    """

    stage: str
    rank: int | None
    score: float | None
    details: Mapping[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A found chunk. `rank` counts from 1; `score` is the fused one, or the only store's, or what the last of `steps`
    made of it.

    Where a larger span took the place of chunks, `stands_for` names them, best first, and `ordinal`, `score`, `steps`
    and `stores` are the best one's.
    """

    rank: int
    document_id: str
    version_id: str
    ordinal: int
    span: Span
    tokens: int
    score: float
    stores: dict[str, StoreScore]
    steps: tuple[Step, ...] = ()
    stands_for: tuple[FoundChunk, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The hits of one search, best first, with the seconds each stage took."""

    hits: list[Hit]
    seconds: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Ranked:
    """Rows of one store's list in order: segment number, row and score, each [candidates]."""

    segments: Int64
    rows: Rows
    scores: npt.NDArray[np.float64]

    def first(self, limit: int | None) -> _Ranked:
        """Return the first `limit` candidates, all of them for None."""
        return _Ranked(self.segments[:limit], self.rows[:limit], self.scores[:limit])


@dataclass(frozen=True, slots=True)
class _Leg:
    """One store's part in a search."""

    searchers: list[Searcher]
    statistics: Statistics
    ranked: _Ranked


class Stopwatch:
    """Adds up the seconds of named stages."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what runs inside under `name`, and trace it as a span of that name."""
        begin = time.perf_counter()
        try:
            with TRACER.start_as_current_span(name):
                yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begin


def search_index(
    view: IndexView,
    stores: Sequence[Store],
    fusion: Fusion | None,
    query: Query,
    *,
    principal: Principal,
    restriction: Filter | None,
    candidates: int,
    limit: int | None = None,
) -> Found:
    """Return the `candidates` best hits the principal may see, the first `limit` of them; ties by (document id, start).

    With one store its order stands; with several, each store's best `candidates` are united, the scores a list did
    not hold are fetched, and the fusion decides.
    """
    watch = Stopwatch()
    with watch.stage("permissions"):
        permitted = view.masks(principal, None)
        allowed = view.masks(principal, restriction)
    legs: list[_Leg] = []
    for store in stores:
        with watch.stage(store.kind_of_class()):
            legs.append(_search_store(view, store, query, permitted, allowed, candidates))
    if fusion is None:
        only = legs[0].ranked.first(limit)
        ranks = np.arange(1, len(only.rows) + 1)[np.newaxis]
        return Found(hits=_hits(view, stores, only.scores[np.newaxis], ranks, only), seconds=watch.seconds)
    with watch.stage("fusion"):
        united = _unite([leg.ranked for leg in legs])
        ranks = np.stack([_ranks(leg.ranked, united) for leg in legs])
        scores = np.stack([_scores(leg, query, united) for leg in legs])
        signals = [store.signal for store in stores]
        fused = np.round(fusion.fuse(Candidates(scores=scores, ranks=ranks, signals=signals)), FUSED_DECIMALS)
        order = _order(view, united.segments, united.rows, fused)[:candidates][:limit]
        final = _Ranked(united.segments[order], united.rows[order], fused[order])
    return Found(hits=_hits(view, stores, scores[:, order], ranks[:, order], final), seconds=watch.seconds)


def _statistics(searchers: list[Searcher], query: Query, permitted: list[Mask | None]) -> Statistics:
    total = Statistics()
    for searcher, mask in zip(searchers, permitted, strict=True):
        total = total + searcher.statistics(query, mask)
    return total


def _search_store(
    view: IndexView,
    store: Store,
    query: Query,
    permitted: list[Mask | None],
    allowed: list[Mask | None],
    k: int,
) -> _Leg:
    searchers = [store.open(segment.folder / store.kind_of_class()) for segment in view.segments]
    statistics = _statistics(searchers, query, permitted)
    found = [searcher.search(query, mask, k, statistics) for searcher, mask in zip(searchers, allowed, strict=True)]
    return _Leg(searchers, statistics, _merge(view, found, k))


def _merge(view: IndexView, found: list[tuple[Rows, Scores]], k: int) -> _Ranked:
    """Return the k best of what each segment found."""
    segments = [np.full(len(rows), number, dtype=np.int64) for number, (rows, _) in enumerate(found)]
    rows = [one for one, _ in found]
    scores = [one for _, one in found]
    if not segments:
        return _Ranked(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    if len(segments) == 1:
        return _Ranked(segments[0], rows[0], scores[0].astype(np.float64))
    all_segments, all_rows = np.concatenate(segments), np.concatenate(rows)
    all_scores = np.concatenate(scores).astype(np.float64)
    order = _order(view, all_segments, all_rows, all_scores)[:k]
    return _Ranked(all_segments[order], all_rows[order], all_scores[order])


def _order(view: IndexView, segments: Int64, rows: Rows, scores: npt.NDArray[np.float64]) -> Int64:
    """Return the positions sorted by (score descending, document id, start)."""
    documents = np.zeros(len(rows), dtype=np.int64)
    starts = np.zeros(len(rows), dtype=np.int64)
    for number, segment in enumerate(view.segments):
        here = segments == number
        documents[here] = segment.documents[rows[here]]
        starts[here] = segment.table.starts[rows[here]]
    order: Int64 = np.lexsort((starts, documents, -scores))
    return order


def _keys(ranked: _Ranked) -> Int64:
    keys: Int64 = (ranked.segments << 40) | ranked.rows
    return keys


def _unite(ranked: list[_Ranked]) -> _Ranked:
    keys = np.unique(np.concatenate([_keys(one) for one in ranked]))
    return _Ranked(keys >> 40, keys & ((1 << 40) - 1), np.zeros(len(keys)))


def _scores(leg: _Leg, query: Query, united: _Ranked) -> npt.NDArray[np.float64]:
    """Return this store's score of each united candidate, fetched where its own list does not hold it."""
    scores = np.full(len(united.rows), np.nan)
    scores[np.searchsorted(_keys(united), _keys(leg.ranked))] = leg.ranked.scores
    for number, searcher in enumerate(leg.searchers):
        absent = np.flatnonzero(np.isnan(scores) & (united.segments == number))
        if len(absent):
            scores[absent] = searcher.scores(query, united.rows[absent], leg.statistics)
    return scores


def _ranks(own: _Ranked, united: _Ranked) -> Int64:
    ranks = np.zeros(len(united.rows), dtype=np.int64)
    ranks[np.searchsorted(_keys(united), _keys(own))] = np.arange(1, len(own.rows) + 1)
    return ranks


def _hits(
    view: IndexView,
    stores: Sequence[Store],
    scores: npt.NDArray[np.float64],
    ranks: Int64,
    final: _Ranked,
) -> list[Hit]:
    names = [store.kind_of_class() for store in stores]
    score_lists, rank_lists = scores.T.tolist(), ranks.T.tolist()
    return [
        _hit(
            view, position, final,
            {
                name: StoreScore(score=score, rank=rank or None)
                for name, score, rank in zip(names, score_lists[position], rank_lists[position], strict=True)
            },
        )
        for position in range(len(final.rows))
    ]  # fmt: skip


def _hit(view: IndexView, position: int, final: _Ranked, stores: dict[str, StoreScore]) -> Hit:
    segment = view.segments[final.segments[position]]
    row = int(final.rows[position])
    document = view.documents[segment.documents[row]]
    table = segment.table
    return Hit(
        rank=position + 1,
        document_id=document.id,
        version_id=document.version_id,
        ordinal=int(table.ordinals[row]),
        span=Span(int(table.starts[row]), int(table.ends[row])),
        tokens=int(table.tokens[row]),
        score=float(final.scores[position]),
        stores=stores,
    )
