"""Dense search along a graph of neighbours (HNSW): fast at any size, at the cost of memory and a slow build."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from configs.part import BAKE_TIME, LIVE
from indexes.opened_locations import OpenedLocations
from indexes.store_format import StoreFormat
from indexes.stores import Mask, Rows, Searcher, SegmentRows, Store
from indexes.stores.approximate_vectors import (
    CANDIDATES_FILE,
    EXACT_SHARE,
    Approximated,
    ApproximateSearcher,
    has_candidates,
    search_candidates,
)
from indexes.stores.exact_vectors import (
    VECTORS_FILE,
    Float32,
    checked_vectors,
    faiss_library,
    map_vectors,
    read_index,
    selector_of,
    write_index,
    write_vectors,
)
from indexes.stores.vector_copies import COPIES_FILE, VectorCopies, find_copies


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
        128,
        ge=1,
        le=4_096,
        description="candidates kept during a walk, at least as many as are asked for; more find more, more slowly",
        json_schema_extra=LIVE,
    )

    def build(self, rows: SegmentRows, location: Path) -> None:
        vectors = checked_vectors(rows, self.kind)
        write_vectors(vectors, location)
        if has_candidates(len(vectors), self.exact_rows):
            copies = find_copies(vectors)
            graph = self._graph(vectors if copies is None else vectors[copies.first_rows])
            # the vectors of the graph are those of the file above, unless some of those are copies
            write_index(graph, location / CANDIDATES_FILE, faiss_library().IO_FLAG_SKIP_STORAGE if not copies else 0)
            if copies is not None:
                copies.write(location)
        StoreFormat(store=self.baked(), rows=len(vectors), dimensions=vectors.shape[1]).write(location)

    def open(self, location: Path) -> Searcher:
        return _GraphSearcher(_opened.get(location, self), self)

    def memory_bytes(self, location: Path) -> int:
        disk = self.disk_bytes(location)
        return disk - (location / VECTORS_FILE).stat().st_size if (location / COPIES_FILE).exists() else disk

    def recall(self, location: Path) -> float:
        return _GraphSearcher(_opened.get(location, self), self).recall()

    def _graph(self, vectors: Float32) -> Any:
        faiss = faiss_library()
        index = faiss.IndexHNSWFlat(vectors.shape[1], self.m, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = self.ef_construction
        index.add(vectors)
        return index


@dataclass(frozen=True, slots=True)
class _Graph(Approximated):
    """A graph whose nodes are the rows, or, where there are copies, the distinct vectors."""

    copies: VectorCopies | None


class _GraphSearcher(ApproximateSearcher):
    def __init__(self, opened: _Graph, store: FaissHnsw) -> None:
        super().__init__(opened, exact_rows=store.exact_rows, exact_share=EXACT_SHARE)
        self._copies = opened.copies
        self._ef_search = store.ef_search

    def _near(self, query: Float32, allowed: Mask | None, fetched: int, spread: float) -> Rows:
        seen = allowed if self._copies is None else self._copies.allowed(allowed)
        effort = round(self._ef_search * spread)
        parameters = faiss_library().SearchParametersHNSW(efSearch=effort, sel=selector_of(seen))
        nodes = search_candidates(self._candidates, query, fetched, parameters)
        return nodes if self._copies is None else self._copies.allowed_rows(nodes, allowed, fetched)


def _load(location: Path, store_format: StoreFormat) -> _Graph:
    vectors, copies = map_vectors(location, store_format), VectorCopies.read(location)
    if not has_candidates(store_format.rows, int(store_format.store["exact_rows"])):
        return _Graph(vectors, None, None)
    nodes = store_format.rows if copies is None else len(copies)
    graph = read_index(location / CANDIDATES_FILE, nodes, store_format.dimensions)
    if copies is None:
        graph.storage, graph.own_fields = vectors.index, False
    elif len(copies.rows) != store_format.rows:
        raise ValueError(f"the copies are {len(copies.rows)} rows, not {store_format.rows}")
    return _Graph(vectors, graph, copies)


_opened: OpenedLocations[_Graph] = OpenedLocations(_load)
