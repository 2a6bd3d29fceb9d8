"""Dense search in the lists whose centres are nearest to the query (IVF), over shortened vectors."""

from __future__ import annotations

import math
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
    Quantisation,
    RefineFactor,
    bytes_beside_vectors,
    code_index,
    map_approximate,
    search_codes,
    write_approximate,
)
from indexes.stores.exact_vectors import Float32, faiss_library

LISTS_PER_ROOT_OF_ROWS = 4
TRAINING_ROWS_PER_LIST = 64


class FaissIvf(Store):
    """Sort vectors into lists around 4 · √rows centres; search only the lists whose centres are nearest (IVF).

    Pays above about 20,000 chunks a segment: nearly as fast as `faiss_hnsw`, much smaller in memory and faster to
    build. The lists hold shortened vectors; the best `refine_factor` times as many as are asked for are compared
    again exactly, with vectors that are read from disk. Segments, or filters and permissions, that leave up to
    `exact_rows` rows or under a fifth of a segment are searched exactly; above, more lists are searched as less is
    permitted. The same rows always make the same lists.
    """

    signal: ClassVar[Literal["dense", "lexical"]] = "dense"
    is_exact: ClassVar[bool] = False

    kind: Literal["faiss_ivf"]
    quantisation: Quantisation = Field(
        "sq8",
        description="a dimension in the lists: `bf16` two bytes, `sq8` one, `rabitq` one bit",
        json_schema_extra=BAKE_TIME,
    )
    exact_rows: int = Field(
        20_000,
        ge=0,
        le=1_000_000,
        description="up to so many rows of a segment are compared one by one; a segment without more gets no lists",
        json_schema_extra=BAKE_TIME,
    )
    probes: int = Field(
        64,
        ge=1,
        le=16_384,
        description="lists that are searched, all where there are fewer; more find more, more slowly",
        json_schema_extra=LIVE,
    )
    refine_factor: RefineFactor = 10

    def build(self, rows: SegmentRows, location: Path) -> None:
        write_approximate(self, rows, location, exact_rows=self.exact_rows, index_of=self._lists)

    def open(self, location: Path) -> Searcher:
        return _ListSearcher(_opened.get(location, self), self)

    def memory_bytes(self, location: Path) -> int:
        size = bytes_beside_vectors(location)
        return super().memory_bytes(location) if size is None else size

    def recall(self, location: Path) -> float:
        return _ListSearcher(_opened.get(location, self), self).recall()

    def _lists(self, vectors: Float32) -> Any:
        count, dimensions = vectors.shape
        faiss = faiss_library()
        lists = min(count, round(LISTS_PER_ROOT_OF_ROWS * math.sqrt(count)))
        index = code_index(self.quantisation, dimensions, lists)
        clustering = faiss.extract_index_ivf(index).cp
        clustering.spherical = True
        clustering.min_points_per_centroid = 1  # fewer is no fault, and no reason to print a warning
        clustering.max_points_per_centroid = TRAINING_ROWS_PER_LIST
        index.train(vectors)
        index.add(vectors)
        return index


class _ListSearcher(ApproximateSearcher):
    def __init__(self, opened: Approximated, store: FaissIvf) -> None:
        factor = store.refine_factor
        super().__init__(opened, exact_rows=store.exact_rows, exact_share=EXACT_SHARE, refine_factor=factor)
        self._probes = store.probes

    def _near(self, query: Float32, selector: Any, fetched: int, spread: float) -> Rows:
        parameters = faiss_library().SearchParametersIVF(nprobe=round(self._probes * spread), sel=selector)
        return search_codes(self._candidates, query, fetched, parameters)


_opened: OpenedLocations[Approximated] = OpenedLocations(map_approximate)
