"""What approximate stores promise where they do approximate: near the truth, nothing hidden shown, always alike."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from configs.errors import PlaygroundError
from indexes.opened_locations import evict
from indexes.stores import Mask, Query, Searcher, Statistics, Store, exact_vectors, pgvector
from tests.contracts.store_worlds import approximate_stores, built, clustered, rows_of, unit, unsynced

Float32 = npt.NDArray[np.float32]
ROWS, DIMENSIONS = 3_000, 48
VECTORS = clustered(ROWS, DIMENSIONS)
SHARES = [None, 0.5, 0.25, 0.1, 0.01]


def name_of(store: Store) -> str:
    return "-".join(str(value) for value in store.model_dump().values() if isinstance(value, str))


STORES = approximate_stores()
each_store = pytest.mark.parametrize("store", STORES, ids=name_of)


def asked(count: int) -> Float32:
    draw = np.random.default_rng(1)
    noise = 0.3 / np.sqrt(DIMENSIONS) * draw.standard_normal((count, DIMENSIONS))
    return unit(VECTORS[draw.integers(0, ROWS, count)] + noise)


QUERIES = asked(40)


@dataclass(frozen=True)
class Place:
    """A store with where it built VECTORS."""

    store: Store
    location: Path

    def found(self, query: Float32, allowed: Mask | None = None, k: int = 10) -> tuple[list[int], list[float]]:
        return found(self.store.open(self.location), query, allowed, k)


def found(opened: Searcher, query: Float32, allowed: Mask | None, k: int) -> tuple[list[int], list[float]]:
    rows, scores = opened.search(Query(text="", vector=query), allowed, k, Statistics())
    return rows.tolist(), scores.tolist()


def mask(share: float | None) -> Mask | None:
    return None if share is None else np.random.default_rng(2).random(ROWS) < share


@pytest.fixture(scope="module", autouse=True)
def _small_segments_are_approximated() -> Iterator[None]:
    with unsynced(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(pgvector, "EXACT_ROWS", 500)
        patch.setattr(exact_vectors, "GATHERED_ROWS", 20)
        yield


@pytest.fixture(scope="module", params=STORES, ids=name_of)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with built(request.param, rows_of(VECTORS)) as location:
        yield Place(request.param, location)


@pytest.mark.parametrize("share", SHARES)
def test_nearly_all_of_the_ten_best_that_may_be_seen_are_found(place: Place, share: float | None) -> None:
    allowed = mask(share)
    seen = np.arange(ROWS) if allowed is None else np.flatnonzero(allowed)
    right = 0
    for query in QUERIES:
        true = seen[np.argsort(-(VECTORS[seen] @ query))[:10]].tolist()
        right += len(set(true) & set(place.found(query, allowed)[0]))
    assert right >= 0.98 * 10 * len(QUERIES)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("k", [1, 10, 200])
def test_what_is_found_may_be_seen_is_in_order_and_scored_truly(place: Place, share: float | None, k: int) -> None:
    allowed = mask(share)
    opened = place.store.open(place.location)
    for query in QUERIES[:5]:
        rows, scores = found(opened, query, allowed, k)
        assert len(set(rows)) == len(rows) == min(k, ROWS if allowed is None else int(allowed.sum()))
        assert allowed is None or allowed[rows].all()
        assert rows == [row for _, row in sorted(zip([-score for score in scores], rows, strict=True))]
        again = opened.scores(Query(text="", vector=query), np.array(rows, dtype=np.int64), Statistics())
        assert again.tolist() == scores
        assert np.abs(VECTORS[rows] @ query - scores).max() <= place.store.score_error + 2e-6


def test_as_many_as_there_are_is_all_of_them(place: Place) -> None:
    rows, scores = place.found(QUERIES[0], None, ROWS + 5)
    assert sorted(rows) == list(range(ROWS))
    assert scores == sorted(scores, reverse=True)


def test_nothing_permitted_is_nothing_found(place: Place) -> None:
    assert place.found(QUERIES[0], np.zeros(ROWS, dtype=np.bool_)) == ([], [])
    only = np.arange(ROWS) == 77
    assert place.found(QUERIES[0], only)[0] == [77]


def test_the_same_segment_ranks_alike_however_often_it_is_opened_and_by_how_many(place: Place) -> None:
    half = mask(0.5)
    alone = [place.found(query, allowed) for query in QUERIES for allowed in (None, half)]
    evict(place.location)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda query: [place.found(query, allowed) for allowed in (None, half)], QUERIES))
    assert [one for pair in together for one in pair] == alone


def test_recall_is_measured_and_what_is_read_fits_in_what_is_stored(place: Place) -> None:
    measured = place.store.recall(place.location)
    assert 0.98 <= measured <= 1.0
    assert place.store.recall(place.location) == measured
    memory, disk = place.store.memory_bytes(place.location), place.store.disk_bytes(place.location)
    assert ROWS * DIMENSIONS / 8 < memory <= disk


@each_store
def test_a_larger_segment_is_built_alike_each_time(store: Store) -> None:
    with built(store, rows_of(VECTORS)) as one, built(store, rows_of(VECTORS)) as other:
        files = sorted(file.name for file in one.iterdir())
        assert files == sorted(file.name for file in other.iterdir())
        assert [(one / name).read_bytes() for name in files] == [(other / name).read_bytes() for name in files]


@each_store
def test_live_settings_act_on_what_was_built_before(store: Store) -> None:
    """Rows lie so close that a coarse look cannot tell them apart."""
    vectors = clustered(2_000, 16, spread=0.002)
    with built(store, rows_of(vectors)) as location:
        for name, field in type(store).model_fields.items():
            if not (isinstance(field.json_schema_extra, dict) and field.json_schema_extra["applies"] == "live"):
                continue
            bounds = [
                bound for item in field.metadata for bound in (getattr(item, "ge", None), getattr(item, "le", None))
            ]
            lowest, highest = (store.model_copy(update={name: bound}) for bound in bounds if bound is not None)
            assert lowest.fingerprint == highest.fingerprint == store.fingerprint
            opened = lowest.open(location), highest.open(location)
            few, many = ([found(one, query, None, 30) for query in vectors[::20]] for one in opened)
            assert few != many
            assert total(few) <= total(many) + 1e-3


def total(answers: list[tuple[list[int], list[float]]]) -> float:
    return sum(score for _, scores in answers for score in scores)


@each_store
def test_missing_and_damaged_files_of_a_larger_segment_are_reported(store: Store) -> None:
    with built(store, rows_of(VECTORS)) as location:
        for path in sorted(location.iterdir()):
            whole = path.read_bytes()
            for damaged in (None, whole[: len(whole) // 2]):
                path.unlink(missing_ok=True)
                if damaged is not None:
                    path.write_bytes(damaged)
                evict(location)
                with pytest.raises(PlaygroundError, match="segment 'segment' cannot be read") as caught:
                    store.open(location)
                assert caught.value.code == "segment_unreadable"
            path.write_bytes(whole)
        evict(location)
        assert store.open(location).rows == ROWS


@each_store
def test_whoever_is_not_exact_measures_what_it_finds(store: Store) -> None:
    assert not store.is_exact
    assert type(store).recall is not Store.recall
