"""Vectors in PostgreSQL: near the truth by half precision, hidden rows left out, a table that lives as its segment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from configs.errors import ConflictError, InvalidInputError, PlaygroundError, UnavailableError
from indexes import vector_tables
from indexes.database.engine import Database
from indexes.opened_locations import evict
from indexes.stores import Query, Searcher, SegmentRows, Statistics, pgvector
from indexes.stores.pgvector import Pgvector
from indexes.vector_tables import SCHEMA, VectorTable, check_pgvector
from tests.contracts.store_worlds import (
    SMALL_QUERY,
    World,
    built,
    by_inner_product,
    results,
    searcher,
    small_rows,
    unsynced,
    vector_database,
    worlds,
)

STORE = Pgvector(kind="pgvector")
Float32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@pytest.fixture(scope="module", autouse=True)
def _spare_the_disk() -> Iterator[None]:
    with unsynced():
        yield


@pytest.fixture
def graphs_for_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pgvector, "EXACT_ROWS", 500)


def unit(vectors: npt.NDArray[np.floating]) -> Float32:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def clustered(count: int, dimensions: int = 48) -> Float32:
    draw = np.random.default_rng(count)
    centres = unit(draw.standard_normal((count // 50, dimensions)))
    spread = 0.5 / np.sqrt(dimensions) * draw.standard_normal((count, dimensions))
    return unit(centres[draw.integers(0, len(centres), count)] + spread)


def scattered(count: int, dimensions: int = 48) -> Float32:
    return unit(np.random.default_rng(count).standard_normal((count, dimensions)))


def rows_of(vectors: Float32) -> SegmentRows:
    return SegmentRows(texts=[""] * len(vectors), vectors=vectors)


def found(opened: Searcher, query: Float32, allowed: Mask | None, k: int) -> tuple[list[int], Float32]:
    rows, scores = opened.search(Query(text="", vector=query), allowed, k, Statistics())
    return rows.tolist(), scores


def tables() -> set[str]:
    with vector_database().read() as session:
        named = text("SELECT tablename FROM pg_tables WHERE schemaname = :schema")
        return set(session.scalars(named, {"schema": SCHEMA}))


@given(world=worlds())
def test_few_rows_are_ranked_as_brute_force_ranks_them_but_for_half_precision(world: World) -> None:
    true = by_inner_product(world)
    allowed = np.flatnonzero(world.allowed).tolist()
    with searcher(STORE, world.rows()) as opened:
        rows, scores = opened.search(world.query, world.allowed, world.k, Statistics())
        every = opened.scores(world.query, np.arange(len(world.texts)), Statistics())
    for row, score in enumerate(every.tolist()):
        assert abs(score - true[row]) <= STORE.score_error + 1e-6
    expected = sorted(allowed, key=lambda row: (-every[row], row))[: world.k]
    assert rows.tolist() == expected
    assert scores.tolist() == every[expected].tolist()


@pytest.mark.usefixtures("graphs_for_few")
@pytest.mark.parametrize("make", [clustered, scattered], ids=["clustered", "random"])
def test_the_graph_finds_nearly_all_of_the_best_that_may_be_seen(
    make: type[Float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = make(3_000)
    draw = np.random.default_rng(1)
    queries = unit(vectors[draw.integers(0, 3_000, 40)] + 0.3 / np.sqrt(48) * draw.standard_normal((40, 48)))
    half = draw.random(3_000) < 0.5
    with searcher(STORE, rows_of(vectors)) as opened, monkeypatch.context() as patch:
        patch.setattr(VectorTable, "best", lambda *_, **__: pytest.fail("the graph gave up"))
        for allowed in (None, half):
            seen = np.arange(3_000) if allowed is None else np.flatnonzero(allowed)
            shares = []
            for query in queries:
                true = seen[np.argsort(-(vectors[seen] @ query))[:10]].tolist()
                rows, scores = found(opened, query, allowed, 10)
                assert set(rows) <= set(seen.tolist())
                assert (
                    scores.tolist()
                    == opened.scores(Query(text="", vector=query), np.array(rows), Statistics()).tolist()
                )
                shares.append(len(set(true) & set(rows)) / 10)
            assert np.mean(shares) >= 0.98


@pytest.mark.usefixtures("graphs_for_few")
def test_the_planner_takes_the_graph_for_many_rows_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = scattered(1_000)
    asked: list[str] = []
    monkeypatch.setattr(vector_tables, "_found", _explaining(asked, vector_tables._found))
    with searcher(STORE, rows_of(vectors)) as opened:
        for allowed in (None, np.arange(1_000) < 600, np.arange(1_000) < 500, np.arange(1_000) < 3):
            assert len(found(opened, vectors[0], allowed, 5)[0]) == min(5, 1_000 if allowed is None else allowed.sum())
    assert ["_vector_idx" in plan for plan in asked] == [True, True, False, False]


def _explaining(asked: list[str], original):  # type: ignore[no-untyped-def]  # wraps a private function
    def explain(session, statement):  # type: ignore[no-untyped-def]  # stands in for a method
        compiled = statement.compile(session.connection(), compile_kwargs={"render_postcompile": True})
        plan = session.connection().exec_driver_sql("EXPLAIN " + str(compiled), compiled.params)
        asked.append("\n".join(line for (line,) in plan))
        return original(session, statement)

    return explain


@pytest.mark.usefixtures("graphs_for_few")
def test_where_the_graph_gives_up_every_row_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = clustered(1_000)
    empty = vector_tables.Found(np.zeros(0, dtype=np.int64), np.zeros(0))
    monkeypatch.setattr(VectorTable, "near", lambda *_, **__: empty)
    with searcher(STORE, rows_of(vectors)) as opened:
        rows, scores = found(opened, vectors[7], None, 20)
    assert rows[0] == 7
    assert (np.diff(scores) <= 0).all()
    assert set(rows[:10]) <= set(np.argsort(-(vectors @ vectors[7]))[:12].tolist())


def test_a_table_lives_as_long_as_its_segment() -> None:
    before = tables()
    with built(STORE, small_rows()) as location:
        (name,) = tables() - before
        assert f"{SCHEMA}.{name}" == VectorTable(vector_database(), location).name
        expected = results(STORE.open(location))
        STORE.build(small_rows(), location)  # an attempt that follows one that was killed
        evict(location)
        assert results(STORE.open(location)) == expected
        STORE.discard(location)
        STORE.discard(location)
        assert tables() == before


def test_a_table_that_is_gone_makes_the_segment_unreadable() -> None:
    with built(STORE, small_rows()) as location:
        opened = STORE.open(location)
        STORE.discard(location)
        with pytest.raises(UnavailableError, match="segment 'segment' cannot be read") as told:
            results(opened)
        assert told.value.code == "segment_unreadable"
        evict(location)
        with pytest.raises(UnavailableError, match="segment 'segment' cannot be read") as told:
            STORE.open(location)
        assert told.value.code == "segment_unreadable"


def test_a_build_that_fails_leaves_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    before = tables()
    with built(STORE, small_rows()) as location:
        STORE.discard(location)
        with monkeypatch.context() as patch:
            patch.setattr(vector_tables, "_COPY_HEADER", b"no such header")
            with pytest.raises(Exception, match="COPY"):
                STORE.build(small_rows(), location)
        assert tables() == before


@pytest.mark.parametrize("vectors", [None, np.full((2, 3), np.nan, dtype=np.float32), np.eye(3, dtype=np.float32)])
def test_vectors_that_cannot_be_stored_are_refused(vectors: Float32 | None, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pgvector needs"):
        STORE.build(SegmentRows(texts=["a", "b"], vectors=vectors), tmp_path)


def test_a_query_of_other_dimensions_is_refused() -> None:
    with searcher(STORE, small_rows()) as opened:
        with pytest.raises(ConflictError) as told:
            found(opened, np.ones(4, dtype=np.float32), None, 3)
        assert told.value.code == "dimension_mismatch"
        for broken in (None, np.full(3, np.inf, dtype=np.float32)):
            with pytest.raises(ValueError, match="finite numbers"):
                opened.search(Query(text="", vector=broken), None, 3, Statistics())
        assert results(opened, SMALL_QUERY)


def test_on_sqlite_it_is_refused_with_advice(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'playground.sqlite'}")
    with database.read() as session, pytest.raises(InvalidInputError, match="keeps its data in sqlite") as told:
        STORE.check_database(session)
    database.close()
    assert (told.value.code, told.value.status) == ("pgvector_unavailable", 422)
    assert "faiss_flat" in told.value.hint


@pytest.mark.parametrize("offered", [None, "0.7.4"])
def test_a_server_without_the_extension_or_with_an_old_one_is_told(
    offered: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with vector_database().apart() as connection:
        check_pgvector(connection)
        monkeypatch.setattr(vector_tables, "_offered_version", lambda _connection: offered)
        with pytest.raises(UnavailableError, match=offered or "no pgvector") as told:
            check_pgvector(connection)
    assert told.value.code == "pgvector_unavailable"


def test_a_role_that_may_not_prepare_the_database_is_told(tmp_path: Path) -> None:
    from sqlalchemy import make_url

    from tests.postgresql import create, drop

    url = create("vectors_unprivileged", "template0")
    owner = Database(url)
    with owner.apart() as connection:
        connection.execute(text("CREATE ROLE vectors_guest LOGIN"))
    guest = Database(make_url(url).set(username="vectors_guest").render_as_string(hide_password=False))
    try:
        location = tmp_path / "i" / "s" / "pgvector"
        with pytest.raises(UnavailableError, match="does not let the service prepare pgvector") as told:
            VectorTable(guest, location).create(np.eye(3, dtype=np.float32), with_graph=False)
        assert told.value.code == "pgvector_unavailable"
        assert isinstance(told.value.__cause__, ProgrammingError)
        assert isinstance(told.value, PlaygroundError)
    finally:
        guest.close()
        owner.close()
        drop(url)
