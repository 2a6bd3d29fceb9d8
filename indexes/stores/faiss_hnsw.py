"""Dense search along a graph of neighbours (HNSW): fast at any size, at the cost of memory and a slow build."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from configs.part import BAKE_TIME, LIVE
from indexes.opened_locations import OpenedLocations
from indexes.stores import Rows, Searcher, SegmentRows, Store
from indexes.stores.approximate_vectors import (
    EXACT_SHARE,
    Approximated,
    ApproximateSearcher,
    map_approximate,
    write_approximate,
)
from indexes.stores.exact_vectors import VECTORS_FILE, Float32, faiss_library
from indexes.stores.vector_copies import COPIES_FILE


class FaissHnsw(Store):
    """Walk a graph that links each vector to its nearest ones (HNSW); what the walk finds is scored exactly.

    Pays above about 20,000 chunks a segment, where comparing all takes longer. It is the slowest to build (many times
    `faiss_flat`'s time) and the largest in memory: each distinct vector and `8 * m` bytes of links. It may overlook a
    few of the nearest, about 1 % at the defaults. Where a segment is small, or a filter or permissions leave up to
    `exact_rows` of its rows or under a fifth, all of those are compared; above, the walk is as much longer as less is
    permitted.
    """

    signal: ClassVar[Literal["dense", "lexical"]] = "dense"
    is_exact: ClassVar[bool] = False

    kind: Literal["faiss_hnsw"]
    m: int = Field(
        32,
        ge=4,
        le=128,
        description="links of each vector; more find more, and cost memory and time to build",
        json_schema_extra=BAKE_TIME,
    )
    ef_construction: int = Field(
        100,
        ge=8,
        le=1_000,
        description="candidates kept while a vector's links are chosen; more make a better graph, more slowly",
        json_schema_extra=BAKE_TIME,
    )
    exact_rows: int = Field(
        20_000,
        ge=0,
        le=1_000_000,
        description="up to so many rows of a segment are compared one by one; a segment without more gets no graph",
        json_schema_extra=BAKE_TIME,
    )
    ef_search: int = Field(
        256,
        ge=1,
        le=4_096,
        description="candidates kept during a walk, at least as many as are asked for; more find more, more slowly",
        json_schema_extra=LIVE,
    )

    def build(self, rows: SegmentRows, location: Path) -> None:
        write_approximate(self, rows, location, exact_rows=self.exact_rows, index_of=self._graph)

    def open(self, location: Path) -> Searcher:
        return _GraphSearcher(_opened.get(location, self), self)

    def memory_bytes(self, location: Path) -> int:
        disk = self.disk_bytes(location)
        has_own_vectors = (location / COPIES_FILE).exists()
        return disk - (location / VECTORS_FILE).stat().st_size if has_own_vectors else disk

    def recall(self, location: Path) -> float:
        return _GraphSearcher(_opened.get(location, self), self).recall()

    def _graph(self, vectors: Float32) -> Any:
        faiss = faiss_library()
        index = faiss.IndexHNSWFlat(vectors.shape[1], self.m, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = self.ef_construction
        index.add(vectors)
        return index


class _GraphSearcher(ApproximateSearcher):
    def __init__(self, opened: Approximated, store: FaissHnsw) -> None:
        super().__init__(opened, exact_rows=store.exact_rows, exact_share=EXACT_SHARE)
        self._ef_search = store.ef_search

    def _near(self, query: Float32, selector: Any, fetched: int, spread: float) -> Rows:
        effort = round(self._ef_search * spread)
        parameters = faiss_library().SearchParametersHNSW(efSearch=effort, sel=selector)
        _, rows = self._candidates.search(query, fetched, params=parameters)
        return rows[0]  # type: ignore[no-any-return]  # faiss has no types


_opened: OpenedLocations[Approximated] = OpenedLocations(map_approximate)
