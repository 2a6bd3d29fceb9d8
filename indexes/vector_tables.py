"""Tables of vectors in PostgreSQL with pgvector: one a segment, so that it is dropped with it and holds nobody else's.

A table is committed before the manifest row that makes it count, and never changed afterwards.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import (
    ARRAY,
    ColumnClause,
    ColumnElement,
    Connection,
    Double,
    Integer,
    LargeBinary,
    Select,
    String,
    any_,
    cast,
    column,
    func,
    literal,
    select,
    table,
    text,
)  # fmt: skip
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.orm import Session
from sqlalchemy.types import UserDefinedType

from configs.errors import InvalidInputError, UnavailableError
from indexes.database.engine import Database
from indexes.opened_locations import SEGMENT_UNREADABLE

SCHEMA = "playground_vectors"
OLDEST_EXTENSION = (0, 8)
"""The first version of pgvector whose scans of a graph go on until enough permitted rows are found."""
MOST_DIMENSIONS_OF_A_GRAPH = 4_000
PREPARATION_LOCK = 0x70677663
BUILD_MEMORY = "512MB"
"""What building a graph may use; beyond it PostgreSQL goes on, several times slower."""
COPIED_ROWS = 8_192
UNAVAILABLE = "pgvector_unavailable"
_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END = b"\xff\xff"

Mask = npt.NDArray[np.bool_]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


class _Halfvec(UserDefinedType[str]):
    """pgvector's vector of half-precision numbers, written as text."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the type's name in SQL."""
        return "halfvec"


_NUMBER: ColumnClause[int] = column("number", Integer)
_VECTOR: ColumnClause[str] = column("vector", _Halfvec())


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of a table with their inner products, both [rows], in no order that counts."""

    rows: Int64
    products: Float64


class VectorTable:
    """The vectors of one segment as `halfvec`, by row number; the products it answers are of vectors so rounded."""

    def __init__(self, database: Database, location: Path) -> None:
        self._database = database
        self._segment = location.parent.name
        name = table_name(location.parent.parent.name, self._segment)
        self.name = f"{SCHEMA}.{name}"
        self._table = table(name, schema=SCHEMA)

    def create(self, vectors: Float32, *, with_graph: bool) -> None:
        """Store float32 [rows, dimensions] and, with a graph, index them; what an earlier attempt left is replaced."""
        with self._database.apart() as connection:
            _prepare(connection)
            connection.execute(text(f"DROP TABLE IF EXISTS {self.name}"))
            columns = f"number integer PRIMARY KEY, vector halfvec({vectors.shape[1]}) NOT NULL"
            connection.execute(text(f"CREATE TABLE {self.name} ({columns})"))
            connection.execute(text(f"ALTER TABLE {self.name} ALTER vector SET STORAGE PLAIN"))
            _copy(connection, self.name, vectors)
            if with_graph:
                connection.execute(text(f"SET LOCAL maintenance_work_mem = '{BUILD_MEMORY}'"))
                connection.execute(text(f"CREATE INDEX ON {self.name} USING hnsw (vector halfvec_ip_ops)"))
            connection.execute(text(f"ANALYZE {self.name}"))

    def drop(self) -> None:
        """Remove the table; where there is none, nothing happens."""
        with self._database.apart() as connection:
            connection.execute(text(f"DROP TABLE IF EXISTS {self.name}"))

    def count(self) -> int:
        """Return the number of rows."""
        with self._reading() as session:
            return int(session.execute(select(func.count()).select_from(self._table)).scalar_one())

    def size_bytes(self) -> int:
        """Return how much room the table and its indexes take."""
        with self._reading() as session:
            return int(session.execute(select(func.pg_total_relation_size(self.name))).scalar_one())

    def vectors(self, rows: Int64) -> Float32:
        """Return the stored vectors of `rows`, which the table holds, distinct and ascending, in this order."""
        wanted = any_(literal(rows.tolist(), ARRAY(Integer))) == _NUMBER
        statement = select(cast(_VECTOR, String)).select_from(self._table).where(wanted).order_by(_NUMBER)
        with self._reading() as session:
            texts = session.scalars(statement).all()
        return np.array([json.loads(one) for one in texts], dtype=np.float32)

    def products(self, query: Float32, rows: Int64) -> Found:
        """Return those of `rows` that the table holds, each once."""
        wanted = any_(literal(rows.tolist(), ARRAY(Integer))) == _NUMBER
        with self._reading() as session:
            return _found(session, self._allowed(query, None).where(wanted))

    def best(self, query: Float32, allowed: Mask | None, k: int, *, scale: float) -> Found:
        """Return the k best allowed rows, by (product rounded to a multiple of 1 / scale, row); every one is compared.

        The order is of an expression that no index serves, so the planner cannot take the graph.
        """
        compared = self._allowed(query, allowed).subquery()
        statement: Select[int, float] = select(compared.c.number, compared.c.distance)
        statement = statement.order_by(func.round(compared.c.distance * literal(scale, Double)), compared.c.number)
        with self._reading() as session:
            return _found(session, statement.limit(k))

    def near(self, query: Float32, allowed: Mask | None, k: int, *, effort: int) -> Found:
        """Return about the k nearest allowed rows through the graph, fewer where the search gives up first."""
        with self._reading() as session:
            session.execute(_THROUGH_THE_GRAPH, {"effort": str(effort)})
            return _found(session, self._allowed(query, allowed).order_by(_distance(query)).limit(k))

    def _allowed(self, query: Float32, allowed: Mask | None) -> Select[int, float]:
        """Return the selection of the rows that may be seen, with their distances; others are not compared."""
        statement: Select[int, float] = select(_NUMBER, _distance(query).label("distance")).select_from(self._table)
        if allowed is None:
            return statement
        bitmap = literal(np.packbits(allowed, bitorder="little").tobytes(), LargeBinary)
        return statement.where(func.get_bit(bitmap, _NUMBER) == 1)

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        try:
            with self._database.read() as session:
                yield session
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", "") not in ("42P01", "3F000"):  # no such table, no such schema
                raise
            raise UnavailableError(
                f"segment {self._segment!r} cannot be read by pgvector (its table is gone)",
                hint="repair the index with POST …/repairs; it is rebuilt from the database",
                code=SEGMENT_UNREADABLE,
            ) from error


def table_name(index_id: str, segment_id: str) -> str:
    """Return the name that the table of a segment has in its schema."""
    return f"segment_{hashlib.sha256(f'{index_id}/{segment_id}'.encode()).hexdigest()[:24]}"


_THROUGH_THE_GRAPH = text(
    "SELECT set_config('hnsw.iterative_scan', 'strict_order', true), set_config('hnsw.ef_search', :effort, true),"
    " set_config('hnsw.max_scan_tuples', '2147483647', true), set_config('enable_seqscan', 'off', true)"
)


def check_pgvector(connection: Connection) -> None:
    """Raise InvalidInputError where the database is not PostgreSQL, UnavailableError where it lacks pgvector."""
    backend = connection.dialect.name
    if backend != "postgresql":
        raise InvalidInputError(
            f"the store pgvector needs PostgreSQL, and this service keeps its data in {backend}",
            hint="take the store faiss_flat, or run the service on PostgreSQL: PLAYGROUND_DATABASE_URL",
            code=UNAVAILABLE,
        )
    version, oldest = _offered_version(connection), ".".join(map(str, OLDEST_EXTENSION))
    if version is None or tuple(map(int, version.split(".")[:2])) < OLDEST_EXTENSION:
        found = "no pgvector" if version is None else f"pgvector {version}"
        raise UnavailableError(
            f"the database has {found}; the store pgvector needs {oldest} or newer",
            hint="install pgvector on the database server (and ALTER EXTENSION vector UPDATE), or take faiss_flat",
            code=UNAVAILABLE,
        )


def _offered_version(connection: Connection) -> str | None:
    """Return the version of pgvector that the database has, or that its server would install."""
    offered = "SELECT coalesce(installed_version, default_version) FROM pg_available_extensions WHERE name = 'vector'"
    version: str | None = connection.execute(text(offered)).scalar()
    return version


def _prepare(connection: Connection) -> None:
    """Make extension and schema where they are missing; two processes do so one after the other."""
    check_pgvector(connection)
    missing = text("SELECT to_regnamespace(:schema) IS NULL OR to_regtype('halfvec') IS NULL")
    if not connection.execute(missing, {"schema": SCHEMA}).scalar_one():
        return
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": PREPARATION_LOCK})
    try:
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    except DBAPIError as error:
        raise UnavailableError(
            f"the database does not let the service prepare pgvector: {error.orig}",
            hint=f"let its owner run: CREATE EXTENSION vector; GRANT CREATE ON DATABASE … (for the schema {SCHEMA})",
            code=UNAVAILABLE,
        ) from error


def _copy(connection: Connection, name: str, vectors: Float32) -> None:
    """Send the rows in PostgreSQL's binary form: a halfvec is its dimensions, two bytes of zero and its numbers."""
    dimensions = vectors.shape[1]
    layout = np.dtype(
        [
            ("fields", ">i2"), ("number_bytes", ">i4"), ("number", ">i4"), ("vector_bytes", ">i4"),
            ("dimensions", ">i2"), ("unused", ">i2"), ("vector", ">f2", (dimensions,)),
        ]
    )  # fmt: skip
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {name} (number, vector) FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(_COPY_HEADER)
        for begin in range(0, len(vectors), COPIED_ROWS):
            block = vectors[begin : begin + COPIED_ROWS]
            records = np.zeros(len(block), dtype=layout)
            records["fields"], records["number_bytes"], records["dimensions"] = 2, 4, dimensions
            records["vector_bytes"] = 4 + 2 * dimensions
            records["number"] = np.arange(begin, begin + len(block))
            records["vector"] = block
            copy.write(records.tobytes())
        copy.write(_COPY_END)


def _literal(vector: Float32) -> str:
    return "[" + ",".join(map(repr, vector.astype(np.float16).tolist())) + "]"


def _distance(query: Float32) -> ColumnElement[float]:
    """Return pgvector's negative inner product of a row's vector and the query's."""
    return _VECTOR.op("<#>", return_type=Double())(cast(literal(_literal(query), String), _Halfvec()))


def _found(session: Session, statement: Select[int, float]) -> Found:
    found = session.execute(statement).all()
    numbers = np.array([number for number, _ in found], dtype=np.int64)
    return Found(numbers, -np.array([distance for _, distance in found], dtype=np.float64))
