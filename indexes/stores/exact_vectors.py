"""The vectors of a segment in one mapped file, and exact search over them; approximate stores rank with it as well."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from configs.errors import ConflictError
from indexes.durable_files import synced_file
from indexes.ranking import SCORE_DECIMALS, best, rounded
from indexes.store_format import StoreFormat
from indexes.stores import Mask, Query, Rows, Scores, Searcher, SegmentRows, Statistics

VECTORS_FILE = "vectors.faiss"
LONGEST_VECTOR = 1.001
"""Unit length, with room for float32; the bound on faiss's rounding error rests on it."""
GATHERED_ROWS = 512
"""So few permitted rows are compared directly; a faiss scan with a bitmap costs more."""
BLOCK_ROWS = 4096

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MappedVectors:
    """A mapped faiss index, with its vectors float32 [rows, dimensions] as a view that lives as long as the index."""

    index: Any
    vectors: Float32


def checked_vectors(rows: SegmentRows, kind: str) -> Float32:
    """Return the rows' vectors for the store `kind`; raise ValueError where they cannot be searched exactly."""
    vectors = rows.vectors
    if vectors is None or vectors.ndim != 2 or len(vectors) != len(rows.texts):
        raise ValueError(f"{kind} needs one vector for each of {len(rows.texts)} rows")
    if not (np.linalg.norm(vectors, axis=1) <= LONGEST_VECTOR).all():
        raise ValueError(f"{kind} needs finite vectors of unit length")
    return np.ascontiguousarray(vectors, dtype=np.float32)


def write_vectors(vectors: Float32, location: Path) -> None:
    """Write and sync the file of vectors; its name is durable once the format is written."""
    index = faiss_library().IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    write_index(index, location / VECTORS_FILE)


def map_vectors(location: Path, store_format: StoreFormat) -> MappedVectors:
    """Return the vectors of a location, not read but mapped; raises ValueError where they are not as many as said."""
    index = read_index(location / VECTORS_FILE, store_format.rows, store_format.dimensions)
    vectors = faiss_library().rev_swig_ptr(index.get_xb(), index.ntotal * index.d).reshape(index.ntotal, index.d)
    return MappedVectors(index, vectors)


def write_index(index: Any, path: Path, flags: int = 0) -> None:
    """Write and sync a faiss index."""
    faiss = faiss_library()
    with synced_file(path) as stream:  # a Python stream keeps OSError's errno
        faiss.write_index(index, faiss.PyCallbackIOWriter(stream.write), flags)


def read_index(path: Path, rows: int, dimensions: int | None) -> Any:
    """Return a mapped faiss index; raises RuntimeError where it is damaged, ValueError where it is another."""
    faiss = faiss_library()
    index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    if (index.ntotal, index.d) != (rows, dimensions):
        raise ValueError(f"{path.name} holds {index.ntotal} x {index.d} numbers, not {rows} x {dimensions}")
    return index


def faiss_library() -> Any:
    """Return faiss, imported at first use; its type stubs know less than half of what is used here.

    Its calls stay on the calling thread: several would fight with torch's over the same cores, and make no two builds
    alike.
    """
    import faiss

    faiss.omp_set_num_threads(1)
    return faiss


def selector_of(allowed: Mask | None) -> Any:
    """Return what faiss asks before it scores a row, None for every row."""
    if allowed is None:
        return None
    return faiss_library().IDSelectorBitmap(np.packbits(allowed, bitorder="little"))


class ExactSearcher(Searcher):
    """Scores are inner products in float64, each row for itself: `search` and `scores` agree to the last bit."""

    def __init__(self, opened: MappedVectors) -> None:
        self._index = opened.index
        self._vectors = opened.vectors

    @property
    def rows(self) -> int:
        return len(self._vectors)

    def search(self, query: Query, allowed: Mask | None, k: int, statistics: Statistics) -> tuple[Rows, Scores]:  # noqa: ARG002  # lexical only
        vector = self._vector(query)
        if allowed is not None and len(allowed) != self.rows:
            raise ValueError(f"a mask of {len(allowed)} rows does not fit a segment of {self.rows} rows")
        rows = self._contenders(vector, allowed, k)
        return best(rows, self._inner_products(vector, rows), k)

    def scores(self, query: Query, rows: Rows, statistics: Statistics) -> Scores:  # noqa: ARG002  # lexical only
        return rounded(self._inner_products(self._vector(query), rows))

    def _vector(self, query: Query) -> Float32:
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

    def _contenders(self, vector: Float32, allowed: Mask | None, k: int) -> Rows:
        """Return allowed rows, any order, that include every one whose rounded score may be among the k best."""
        count = self._count(allowed)
        fetched = k + k // 8 + 16
        if count <= max(fetched, GATHERED_ROWS):
            return np.arange(self.rows) if allowed is None else np.flatnonzero(allowed)
        faiss, selector = faiss_library(), selector_of(allowed)
        parameters = None if selector is None else faiss.SearchParameters(sel=selector)
        query = vector[np.newaxis]
        values, rows = self._index.search(query, fetched, params=parameters)
        # k rows score at least values[k - 1] less one error; what may tie with them is at most another error below.
        error = len(vector) * 2.0**-24 * 1.01 * LONGEST_VECTOR * float(np.linalg.norm(vector))
        bound = float(values[0, k - 1]) - 2 * error - 2 * 10.0**-SCORE_DECIMALS
        if values[0, -1] < bound:
            return np.asarray(rows[0], dtype=np.int64)
        _, _, rows = self._index.range_search(query, bound, params=parameters)
        return np.asarray(rows, dtype=np.int64)

    def _count(self, allowed: Mask | None) -> int:
        return self.rows if allowed is None else int(np.count_nonzero(allowed))

    def _inner_products(self, vector: Float32, rows: Rows) -> Float64:
        precise = vector.astype(np.float64)
        products = np.empty(len(rows))
        for begin in range(0, len(rows), BLOCK_ROWS):
            block = slice(begin, begin + BLOCK_ROWS)
            # einsum, not BLAS: a row's sum must not depend on the rows beside it
            products[block] = np.einsum("ij,j->i", self._vectors[rows[block]].astype(np.float64), precise)
        return products
