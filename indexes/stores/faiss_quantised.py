"""Dense search over shortened vectors: every one is compared, the best are compared again with the full ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from configs.part import BAKE_TIME
from indexes.opened_locations import OpenedLocations
from indexes.stores import Rows, Searcher, SegmentRows, Store
from indexes.stores.approximate_vectors import (
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


class FaissQuantised(Store):
    """Compare every permitted vector in a shortened form, then the best ones again exactly.

    Pays where memory is short: what every search reads shrinks to a half (`bf16`), a quarter (`sq8`) or about a 25th
    (`rabitq`, at 384 dimensions) of `faiss_flat`'s, and a search is faster by less than that. The full vectors stay on
    disk, mapped; a search reads `refine_factor` times as many of them as are asked for, and disk use is larger than
    `faiss_flat`'s. What a filter forbids is left out, and the fewer rows it leaves, the more of them are compared
    exactly. Segments of up to 512 rows are not shortened.
    """

    signal: ClassVar[Literal["dense", "lexical"]] = "dense"
    is_exact: ClassVar[bool] = False

    kind: Literal["faiss_quantised"]
    quantisation: Quantisation = Field(
        "sq8",
        description="a dimension in memory: `bf16` two bytes, `sq8` one, `rabitq` one bit",
        json_schema_extra=BAKE_TIME,
    )
    refine_factor: RefineFactor = 10

    def build(self, rows: SegmentRows, location: Path) -> None:
        write_approximate(self, rows, location, exact_rows=0, index_of=self._codes)

    def open(self, location: Path) -> Searcher:
        return _CodeSearcher(_opened.get(location, self), self)

    def memory_bytes(self, location: Path) -> int:
        size = bytes_beside_vectors(location)
        return super().memory_bytes(location) if size is None else size

    def recall(self, location: Path) -> float:
        return _CodeSearcher(_opened.get(location, self), self).recall()

    def _codes(self, vectors: Float32) -> Any:
        index = code_index(self.quantisation, vectors.shape[1], None)
        index.train(vectors)
        index.add(vectors)
        return index


class _CodeSearcher(ApproximateSearcher):
    def __init__(self, opened: Approximated, store: FaissQuantised) -> None:
        super().__init__(opened, exact_rows=0, exact_share=0.0, refine_factor=store.refine_factor)

    def _near(self, query: Float32, selector: Any, fetched: int, spread: float) -> Rows:  # noqa: ARG002  # all is compared
        parameters = faiss_library().SearchParameters(sel=selector)
        return search_codes(self._candidates, query, fetched, parameters)


_opened: OpenedLocations[Approximated] = OpenedLocations(map_approximate)
