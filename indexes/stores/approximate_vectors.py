"""What approximate stores share: which rows come near is estimated, which of those are best is computed exactly."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from configs.part import LIVE
from indexes.measured_recall import RECALL_DEPTH, measured_recall, sampled_rows
from indexes.ranking import best
from indexes.store_format import StoreFormat
from indexes.stores import Mask, Query, Rows, Scores, SegmentRows, Statistics, Store
from indexes.stores import exact_vectors as exact
from indexes.stores.exact_vectors import (
    ExactSearcher,
    Float32,
    MappedVectors,
    checked_vectors,
    faiss_library,
    map_vectors,
    read_index,
    selector_of,
    write_index,
    write_vectors,
)
from indexes.stores.vector_copies import COPIES_FILE, VectorCopies, find_copies

CANDIDATES_FILE = "candidates.faiss"
EXACT_SHARE = 0.2
"""Where fewer of a segment's rows are permitted, all of those are compared: what is near would mostly be forbidden."""
ROTATION_SEED = 1234

Quantisation = Literal["bf16", "sq8", "rabitq"]
RefineFactor = Annotated[
    int,
    Field(
        ge=1,
        le=100,
        description="how many times as many rows as are asked for are compared again exactly; more find more, more "
        "slowly; where a share of the rows is permitted, as many times more",
        json_schema_extra=LIVE,
    ),
]


@dataclass(frozen=True, slots=True)
class Approximated:
    """The exact vectors of a location, and the faiss index that estimates which are near; None in a small segment.

    What that index holds are the rows or, where some have the same vector, the distinct vectors.
    """

    exact: MappedVectors
    candidates: Any
    copies: VectorCopies | None


class ApproximateSearcher(ExactSearcher):
    """Scores are exact; a row that the estimate overlooks is missing. The same files give the same ranking.

    The fewer rows are permitted, the farther apart are the nearest of them, and the more alike to an estimate: so much
    more of them is compared exactly.
    """

    def __init__(self, opened: Approximated, *, exact_rows: int, exact_share: float, refine_factor: int = 0) -> None:
        super().__init__(opened.exact)
        self._candidates = opened.candidates
        self._copies = opened.copies
        self._exact_rows = exact_rows
        self._exact_share = exact_share
        self._refine_factor = refine_factor

    def recall(self) -> float:
        """Return the share of the nearest that `search` finds, over a sample of the segment's own vectors."""
        if self._candidates is None or self.rows <= RECALL_DEPTH + 1:
            return 1.0
        rows = sampled_rows(self.rows)
        return measured_recall(rows, self._vectors[rows], self._search_all, self._search_all_exactly)

    def _search_all(self, vector: Float32, k: int) -> tuple[Rows, Scores]:
        return self.search(Query(text="", vector=vector), None, k, Statistics())

    def _search_all_exactly(self, vector: Float32, k: int) -> tuple[Rows, Scores]:
        rows = super()._contenders(vector, None, k)
        return best(rows, self._inner_products(vector, rows), k)

    def _contenders(self, vector: Float32, allowed: Mask | None, k: int) -> Rows:
        count = self._count(allowed)
        spread = self.rows / max(count, 1)
        fetched = max(round(self._refine_factor * k * spread), k + k // 8 + 16)
        is_small = count <= max(self._exact_rows, exact.GATHERED_ROWS, fetched)
        if self._candidates is None or is_small or count < self._exact_share * self.rows:
            return super()._contenders(vector, allowed, k)
        seen = allowed if self._copies is None else self._copies.allowed(allowed)
        found = self._near(vector[np.newaxis], selector_of(seen), fetched, spread)
        found = np.asarray(found[found >= 0], dtype=np.int64)
        rows = found if self._copies is None else self._copies.allowed_rows(found, allowed, k)
        return rows if len(rows) >= k else super()._contenders(vector, allowed, k)

    @abstractmethod
    def _near(self, query: Float32, selector: Any, fetched: int, spread: float) -> Rows:
        """Return the numbers of about the `fetched` nearest to float32 [1, dimensions] that the selector lets through,
        -1 for what was not found.

        `spread` tells among how many rows one is permitted: so much farther does a search have to go.
        """


def has_candidates(rows: int, exact_rows: int) -> bool:
    """Tell whether a segment of so many rows gets an index of candidates; comparing all of fewer costs less."""
    return rows > max(exact_rows, exact.GATHERED_ROWS)


def write_approximate(
    store: Store, rows: SegmentRows, location: Path, *, exact_rows: int, index_of: Callable[[Float32], Any]
) -> None:
    """Write the exact vectors, in a larger segment also what `index_of` makes of the distinct ones, last the format.

    A graph is written without its vectors where those are the rows'.
    """
    vectors = checked_vectors(rows, store.kind_of_class())
    write_vectors(vectors, location)
    if has_candidates(len(vectors), exact_rows):
        copies = find_copies(vectors)
        index = index_of(vectors if copies is None else vectors[copies.first_rows])
        faiss = faiss_library()
        shares_vectors = copies is None and isinstance(index, faiss.IndexHNSW)
        write_index(index, location / CANDIDATES_FILE, faiss.IO_FLAG_SKIP_STORAGE if shares_vectors else 0)
        if copies is not None:
            copies.write(location)
    StoreFormat(store=store.baked(), rows=len(vectors), dimensions=vectors.shape[1]).write(location)


def map_approximate(location: Path, store_format: StoreFormat) -> Approximated:
    """Return what `write_approximate` wrote, not read but mapped; a missing file is an error."""
    vectors = map_vectors(location, store_format)
    if not has_candidates(store_format.rows, int(store_format.store.get("exact_rows", 0))):
        return Approximated(vectors, None, None)
    copies = VectorCopies.read(location)
    if copies is not None and len(copies.rows) != store_format.rows:
        raise ValueError(f"copies of {len(copies.rows)} rows are known, its format says {store_format.rows}")
    held = store_format.rows if copies is None else len(copies)
    index = read_index(location / CANDIDATES_FILE, held, store_format.dimensions)
    if copies is None and isinstance(index, faiss_library().IndexHNSW):
        index.storage, index.own_fields = vectors.index, False
    return Approximated(vectors, index, copies)


def bytes_beside_vectors(location: Path) -> int | None:
    """Return the size of what estimates, None in a segment that has but the exact vectors."""
    files = [path for path in (location / CANDIDATES_FILE, location / COPIES_FILE) if path.exists()]
    return sum(path.stat().st_size for path in files) if files else None


def code_index(quantisation: Quantisation, dimensions: int, lists: int | None) -> Any:
    """Return an untrained faiss index of shortened vectors: in so many lists, or in one row for None.

    One bit a dimension tells little where few dimensions carry a vector, so those vectors are rotated first.
    """
    faiss = faiss_library()
    metric = faiss.METRIC_INNER_PRODUCT
    if quantisation == "rabitq":
        rotation = faiss.RandomRotationMatrix(dimensions, dimensions)
        rotation.init(ROTATION_SEED)
        if lists is None:
            return faiss.IndexPreTransform(rotation, faiss.IndexRaBitQ(dimensions, metric))
        coarse = faiss.IndexFlatIP(dimensions)
        return faiss.IndexPreTransform(rotation, faiss.IndexIVFRaBitQ(coarse, dimensions, lists, metric))
    code = {"bf16": faiss.ScalarQuantizer.QT_bf16, "sq8": faiss.ScalarQuantizer.QT_8bit}[quantisation]
    if lists is None:
        return faiss.IndexScalarQuantizer(dimensions, code, metric)
    return faiss.IndexIVFScalarQuantizer(faiss.IndexFlatIP(dimensions), dimensions, lists, code, metric)


def search_codes(index: Any, query: Float32, fetched: int, parameters: Any) -> Rows:
    """Return what an index of `code_index`, rotated or not, finds with the parameters of what is inside."""
    faiss = faiss_library()
    if isinstance(index, faiss.IndexPreTransform):
        parameters = faiss.SearchParametersPreTransform(index_params=parameters)
    _, rows = index.search(query, fetched, params=parameters)
    return rows[0]  # type: ignore[no-any-return]  # faiss has no types
