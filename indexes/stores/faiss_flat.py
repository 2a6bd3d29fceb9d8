"""Exact dense search: every permitted vector is compared with the query's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from configs.errors import ConflictError
from indexes.durable_files import synced_file
from indexes.opened_locations import OpenedLocations
from indexes.ranking import SCORE_DECIMALS, best, rounded
from indexes.store_format import StoreFormat
from indexes.stores import Mask, Query, Rows, Scores, Searcher, SegmentRows, Statistics, Store

INDEX_FILE = "vectors.faiss"
LONGEST_VECTOR = 1.001
"""Unit length, with room for float32; the bound on faiss's rounding error rests on it."""
GATHERED_ROWS = 512
"""So few permitted rows are compared directly; a faiss scan with a bitmap costs more."""
BLOCK_ROWS = 4096

Float64 = npt.NDArray[np.float64]


class FaissFlat(Store):
    """Compare the query's vector with every permitted one by inner product (cosine, as vectors have unit length).

    Nothing is approximated: faiss narrows the rows down in float32, with a margin for its rounding error, and those
    left are scored in float64. 100,000 vectors of 384 dimensions take about 6 ms on one processor core.
    """

    signal: ClassVar[Literal["dense", "lexical"]] = "dense"

    kind: Literal["faiss_flat"]

    def build(self, rows: SegmentRows, location: Path) -> None:
        vectors = rows.vectors
        if vectors is None or vectors.ndim != 2 or len(vectors) != len(rows.texts):
            raise ValueError(f"faiss_flat needs one vector for each of {len(rows.texts)} rows")
        if not (np.linalg.norm(vectors, axis=1) <= LONGEST_VECTOR).all():
            raise ValueError("faiss_flat needs finite vectors of unit length")
        faiss = _faiss()
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        with synced_file(location / INDEX_FILE) as stream:
            faiss.write_index(index, faiss.PyCallbackIOWriter(stream.write))  # a Python stream keeps OSError's errno
        StoreFormat(store=self.baked(), rows=len(vectors), dimensions=vectors.shape[1]).write(location)

    def open(self, location: Path) -> Searcher:
        return FaissFlatSearcher(_opened.get(location, self))


@dataclass(frozen=True, slots=True)
class _FlatIndex:
    """A mapped faiss index, with its vectors float32 [rows, dimensions] as a view that lives as long as the index."""

    index: Any
    vectors: npt.NDArray[np.float32]


class FaissFlatSearcher(Searcher):
    """Scores are inner products in float64, each row for itself: `search` and `scores` agree to the last bit."""

    def __init__(self, opened: _FlatIndex) -> None:
        self._index = opened.index
        self._vectors = opened.vectors

    @property
    def rows(self) -> int:
        return len(self._vectors)

    def search(self, query: Query, allowed: Mask | None, k: int, statistics: Statistics) -> tuple[Rows, Scores]:  # noqa: ARG002  # lexical only
        vector = self._vector(query)
        rows = self._contenders(vector, allowed, k)
        return best(rows, self._inner_products(vector, rows), k)

    def scores(self, query: Query, rows: Rows, statistics: Statistics) -> Scores:  # noqa: ARG002  # lexical only
        return rounded(self._inner_products(self._vector(query), rows))

    def _vector(self, query: Query) -> npt.NDArray[np.float32]:
        vector = query.vector
        if vector is None or not np.isfinite(vector).all():
            raise ValueError("a dense store needs the query's vector, with finite numbers")
        if vector.shape != self._vectors.shape[1:]:
            raise ConflictError(
                f"the query's vector has {len(vector)} dimensions, the index's have {self._vectors.shape[1]}",
                hint="search with the embedder that the index was built with, or build an index with this one",
                code="dimension_mismatch",
            )
        return np.ascontiguousarray(vector, dtype=np.float32)

    def _contenders(self, vector: npt.NDArray[np.float32], allowed: Mask | None, k: int) -> Rows:
        """Return allowed rows, any order, that include every one whose rounded score may be among the k best."""
        if allowed is not None and len(allowed) != self.rows:
            raise ValueError(f"a mask of {len(allowed)} rows does not fit a segment of {self.rows} rows")
        count = self.rows if allowed is None else int(np.count_nonzero(allowed))
        fetched = k + k // 8 + 16
        if count <= max(fetched, GATHERED_ROWS):
            return np.arange(self.rows) if allowed is None else np.flatnonzero(allowed)
        faiss, parameters = _faiss(), None
        if allowed is not None:
            bits = np.packbits(allowed, bitorder="little")
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))
        faiss.omp_set_num_threads(1)  # of the calling thread; several would fight with torch's over the same cores
        query = vector[np.newaxis]
        values, rows = self._index.search(query, fetched, params=parameters)
        # k rows score at least values[k - 1] less one error; what may tie with them is at most another error below.
        error = len(vector) * 2.0**-24 * 1.01 * LONGEST_VECTOR * float(np.linalg.norm(vector))
        bound = float(values[0, k - 1]) - 2 * error - 2 * 10.0**-SCORE_DECIMALS
        if values[0, -1] < bound:
            return np.asarray(rows[0], dtype=np.int64)
        _, _, rows = self._index.range_search(query, bound, params=parameters)
        return np.asarray(rows, dtype=np.int64)

    def _inner_products(self, vector: npt.NDArray[np.float32], rows: Rows) -> Float64:
        precise = vector.astype(np.float64)
        products = np.empty(len(rows))
        for begin in range(0, len(rows), BLOCK_ROWS):
            block = slice(begin, begin + BLOCK_ROWS)
            # einsum, not BLAS: a row's sum must not depend on the rows beside it
            products[block] = np.einsum("ij,j->i", self._vectors[rows[block]].astype(np.float64), precise)
        return products


def _faiss() -> Any:
    """Return faiss, imported at first use; its type stubs know less than half of what is used here."""
    import faiss

    return faiss


def _load(location: Path, store_format: StoreFormat) -> _FlatIndex:
    faiss = _faiss()
    index = faiss.read_index(str(location / INDEX_FILE), faiss.IO_FLAG_MMAP_IFC)
    shape = (store_format.rows, store_format.dimensions)
    if (index.ntotal, index.d) != shape:
        raise ValueError(f"{INDEX_FILE} holds {index.ntotal} x {index.d} numbers, its format says {shape}")
    vectors = faiss.rev_swig_ptr(index.get_xb(), index.ntotal * index.d).reshape(shape)
    return _FlatIndex(index, vectors)


_opened: OpenedLocations[_FlatIndex] = OpenedLocations(_load)
