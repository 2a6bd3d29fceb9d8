"""Dense search in the service's own PostgreSQL, by pgvector: exact for few rows, through an HNSW graph for many."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from configs.errors import ConflictError
from indexes.database.pairing import database_of
from indexes.measured_recall import measured_recall, sampled_rows
from indexes.opened_locations import OpenedLocations
from indexes.ranking import SCORE_DECIMALS, best, rounded
from indexes.store_format import StoreFormat
from indexes.stores import Mask, Query, Rows, Scores, Searcher, SegmentRows, Statistics, Store
from indexes.vector_tables import MOST_DIMENSIONS_OF_A_GRAPH, VectorTable, check_pgvector

LONGEST_VECTOR = 1.001
EXACT_ROWS = 50_000
"""So many permitted rows are all compared, 1 µs each; a graph, which misses some, is built only for larger segments."""
EXACT_SHARE = 0.2
"""Where fewer of the rows are permitted, all of those are compared: a graph would mostly be walked in vain."""
GATHERED_ROWS = 512
"""So few permitted rows are looked up by number; beyond it, a scan of the table costs less."""
LEAST_EFFORT, MOST_EFFORT = 400, 1_000
"""How many candidates a walk of the graph keeps; pgvector takes no more than 1,000."""


class Pgvector(Store):
    """Compare vectors in half precision inside PostgreSQL; what may not be read is left out before the comparison.

    A segment is a table with a graph (HNSW) of its own above 50,000 rows; fewer rows, or filters that leave under a
    fifth, are compared one by one. A score differs from that of `faiss_flat` by 0.001 at most. Needs PostgreSQL with
    pgvector 0.8 as the service's database.
    """

    signal: ClassVar[Literal["dense", "lexical"]] = "dense"
    is_exact: ClassVar[bool] = False
    score_error: ClassVar[float] = 2.0**-10

    kind: Literal["pgvector"]

    @classmethod
    def check_database(cls, session: Session) -> None:
        check_pgvector(session.connection())

    @classmethod
    def discard(cls, location: Path) -> None:
        VectorTable(database_of(location), location).drop()

    def build(self, rows: SegmentRows, location: Path) -> None:
        vectors = rows.vectors
        if vectors is None or vectors.ndim != 2 or len(vectors) != len(rows.texts):
            raise ValueError(f"pgvector needs one vector for each of {len(rows.texts)} rows")
        if not (np.linalg.norm(vectors, axis=1) <= LONGEST_VECTOR).all():
            raise ValueError("pgvector needs finite vectors of unit length")
        table = VectorTable(database_of(location), location)
        table.create(vectors, with_graph=_has_graph(*vectors.shape))
        StoreFormat(store=self.baked(), rows=len(vectors), dimensions=vectors.shape[1]).write(location)

    def open(self, location: Path) -> Searcher:
        return _opened.get(location, self)

    def disk_bytes(self, location: Path) -> int:
        return super().disk_bytes(location) + VectorTable(database_of(location), location).size_bytes()

    def recall(self, location: Path) -> float:
        return _opened.get(location, self).recall()


class PgvectorSearcher(Searcher):
    """Scores are computed in one place, PostgreSQL: `search` and `scores` agree to the last bit."""

    def __init__(self, table: VectorTable, rows: int, dimensions: int) -> None:
        self._table = table
        self._rows = rows
        self._dimensions = dimensions

    @property
    def rows(self) -> int:
        return self._rows

    def search(self, query: Query, allowed: Mask | None, k: int, statistics: Statistics) -> tuple[Rows, Scores]:  # noqa: ARG002  # lexical only
        vector = self._vector(query)
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        if allowed is not None and len(allowed) != self.rows:
            raise ValueError(f"a mask of {len(allowed)} rows does not fit a segment of {self.rows} rows")
        count = self.rows if allowed is None else int(np.count_nonzero(allowed))
        fetched = k + k // 8 + 16  # what rounding makes equal is ordered by row among them
        if _has_graph(self.rows, self._dimensions) and count > max(EXACT_ROWS, EXACT_SHARE * self.rows):
            effort = min(MOST_EFFORT, max(LEAST_EFFORT, 2 * fetched))
            found = self._table.near(vector, allowed, fetched, effort=effort)
            if len(found.rows) >= min(k, count):
                return best(found.rows, found.products, k)
        if allowed is not None and count <= GATHERED_ROWS:
            found = self._table.products(vector, np.flatnonzero(allowed))
        else:
            found = self._table.best(vector, allowed, k, scale=10.0**SCORE_DECIMALS)
        return best(found.rows, found.products, k)

    def scores(self, query: Query, rows: Rows, statistics: Statistics) -> Scores:  # noqa: ARG002  # lexical only
        distinct, places = np.unique(rows, return_inverse=True)
        found = self._table.products(self._vector(query), distinct)
        products = np.zeros(len(distinct))
        products[np.searchsorted(distinct, found.rows)] = found.products
        return rounded(products[places])

    def recall(self) -> float:
        """Return what share of the nearest `search` finds, of those that comparing every row in PostgreSQL finds."""
        if not _has_graph(self.rows, self._dimensions):
            return 1.0
        rows = sampled_rows(self.rows)
        return measured_recall(rows, self._table.vectors(rows), self._search_all, self._search_all_exactly)

    def _search_all(self, vector: npt.NDArray[np.float32], k: int) -> tuple[Rows, Scores]:
        return self.search(Query(text="", vector=vector), None, k, Statistics())

    def _search_all_exactly(self, vector: npt.NDArray[np.float32], k: int) -> tuple[Rows, Scores]:
        found = self._table.best(vector, None, k, scale=10.0**SCORE_DECIMALS)
        return best(found.rows, found.products, k)

    def _vector(self, query: Query) -> npt.NDArray[np.float32]:
        vector = query.vector
        if vector is None or not np.isfinite(vector).all():
            raise ValueError("a dense store needs the query's vector, with finite numbers")
        if vector.shape != (self._dimensions,):
            raise ConflictError(
                f"the query's vector has {len(vector)} dimensions, the index's have {self._dimensions}",
                hint="search with the embedder that the index was built with, or build an index with this one",
                code="dimension_mismatch",
            )
        return vector


def _has_graph(rows: int, dimensions: int) -> bool:
    return rows > EXACT_ROWS and dimensions <= MOST_DIMENSIONS_OF_A_GRAPH


def _load(location: Path, store_format: StoreFormat) -> PgvectorSearcher:
    table = VectorTable(database_of(location), location)
    rows = table.count()
    if rows != store_format.rows or store_format.dimensions is None:
        raise ValueError(f"{table.name} has {rows} rows, its format says {store_format.rows}")
    return PgvectorSearcher(table, rows, store_format.dimensions)


_opened: OpenedLocations[PgvectorSearcher] = OpenedLocations(_load)
