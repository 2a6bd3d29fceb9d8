"""Exact dense search: faiss's way and brute force agree to the last bit, ties and near ties included."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given

from configs.errors import ConflictError
from indexes.ranking import rounded
from indexes.stores import Query, Searcher, SegmentRows, Statistics, exact_vectors
from indexes.stores.faiss_flat import FaissFlat
from tests.contracts.store_worlds import World, searcher, unsynced, worlds

STORE = FaissFlat(kind="faiss_flat")
Float32 = npt.NDArray[np.float32]


@pytest.fixture(scope="module", autouse=True)
def _always_through_faiss() -> Iterator[None]:
    """Send even small segments through faiss, which would otherwise be compared directly."""
    with unsynced(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact_vectors, "GATHERED_ROWS", 0)
        yield


def unit(vectors: Float32) -> Float32:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def random_vectors(count: int, dimensions: int) -> Float32:
    return unit(np.random.default_rng(count).standard_normal((count, dimensions), dtype=np.float32))


def rows_of(vectors: Float32) -> SegmentRows:
    return SegmentRows(texts=[""] * len(vectors), vectors=vectors)


def check(opened: Searcher, vectors: Float32, query: Float32, allowed: npt.NDArray[np.bool_] | None, k: int) -> None:
    """Compare with a full sort of all scores in float64."""
    scores = rounded((vectors.astype(np.float64) * query.astype(np.float64)).sum(axis=1))
    rows = np.arange(len(vectors)) if allowed is None else np.flatnonzero(allowed)
    expected = rows[np.lexsort((rows, -scores[rows]))][:k]
    found, values = opened.search(Query(text="", vector=query), allowed, k, Statistics())
    assert found.tolist() == expected.tolist()
    assert values.tolist() == scores[expected].tolist()


@given(world=worlds(most_rows=200))
def test_small_segments_equal_brute_force(world: World) -> None:
    assert world.query.vector is not None
    with searcher(STORE, world.rows()) as opened:
        for allowed in (None, world.allowed):
            for k in (1, 3, world.k):
                check(opened, world.vectors, world.query.vector, allowed, k)


@pytest.mark.parametrize("k", [1, 10, 100, 1000, 5000])
@pytest.mark.parametrize("share", [None, 0.9, 0.2, 0.01, 0.0])
def test_a_larger_segment_equals_brute_force(k: int, share: float | None) -> None:
    vectors = random_vectors(3000, 48)
    allowed = None if share is None else np.random.default_rng(1).random(3000) < share
    with searcher(STORE, rows_of(vectors)) as opened:
        for query in random_vectors(3, 48):
            check(opened, vectors, query, allowed, k)


@pytest.mark.parametrize("k", [1, 5, 64, 999])
def test_more_ties_than_are_fetched(k: int) -> None:
    vectors = np.concatenate([random_vectors(500, 16), np.repeat(random_vectors(1, 16), 1500, axis=0)])
    vectors = vectors[np.random.default_rng(3).permutation(len(vectors))]
    with searcher(STORE, rows_of(vectors)) as opened:
        for query in (random_vectors(1, 16)[0], vectors[7]):
            check(opened, vectors, query, None, k)
            check(opened, vectors, query, np.arange(2000) % 3 != 0, k)


def test_scores_closer_than_float32_can_tell_are_still_ranked_right() -> None:
    """2,000 vectors whose scores differ in the seventh decimal and below: the float32 order of faiss is noise here."""
    query = np.zeros(256, dtype=np.float32)
    query[:] = 1 / 16
    vectors = unit(query + np.random.default_rng(5).standard_normal((2000, 256)).astype(np.float32) * 1e-5)
    with searcher(STORE, rows_of(vectors)) as opened:
        for k in (1, 10, 500):
            check(opened, vectors, query, None, k)


def test_a_score_does_not_depend_on_the_rows_beside_it() -> None:
    vectors, query = random_vectors(5000, 33), Query(text="", vector=random_vectors(1, 33)[0])
    everything = np.arange(5000)
    with searcher(STORE, rows_of(vectors)) as opened:
        scores = opened.scores(query, everything, Statistics())
        for rows in (everything[::-1], everything[::7], everything[4095:4098], everything[:1]):
            assert opened.scores(query, rows, Statistics()).tolist() == scores[rows].tolist()


def test_another_embedders_dimensions_are_named() -> None:
    with searcher(STORE, rows_of(random_vectors(4, 8))) as opened:
        for call in (
            lambda query: opened.search(query, None, 1, Statistics()),
            lambda query: opened.scores(query, np.arange(2), Statistics()),
        ):
            with pytest.raises(ConflictError, match=r"has 5 dimensions, the index's have 8") as caught:
                call(Query(text="", vector=np.ones(5, dtype=np.float32)))
            assert caught.value.code == "dimension_mismatch"


@pytest.mark.parametrize("vector", [None, np.array([np.nan, 0], dtype=np.float32), np.array([0, np.inf])])
def test_a_query_without_a_usable_vector_is_refused(vector: Float32 | None) -> None:
    with searcher(STORE, rows_of(random_vectors(4, 2))) as opened, pytest.raises(ValueError, match="finite"):
        opened.search(Query(text="", vector=vector), None, 1, Statistics())


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (None, "one vector for each of 2 rows"),
        (np.zeros((3, 4), dtype=np.float32), "one vector for each of 2 rows"),
        (np.zeros(2, dtype=np.float32), "one vector for each of 2 rows"),
        (np.full((2, 4), 0.6, dtype=np.float32), "unit length"),
        (np.array([[np.nan, 0], [1, 0]], dtype=np.float32), "finite"),
    ],
)
def test_vectors_that_cannot_be_searched_exactly_are_refused(
    tmp_path: Path, vectors: Float32 | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        STORE.build(SegmentRows(texts=["one", "two"], vectors=vectors), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_importing_the_stores_does_not_load_faiss() -> None:
    program = "import sys, indexes.stores; print('faiss' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
