"""Where faiss stores approximate and where they do not, and what many copies of a vector do to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from indexes.stores import Query, Searcher, Statistics, Store
from indexes.stores.approximate_vectors import CANDIDATES_FILE, ApproximateSearcher
from indexes.stores.exact_vectors import VECTORS_FILE, ExactSearcher
from indexes.stores.faiss_flat import FaissFlat
from indexes.stores.faiss_hnsw import FaissHnsw
from indexes.stores.faiss_ivf import FaissIvf
from indexes.stores.faiss_quantised import FaissQuantised
from indexes.stores.vector_copies import COPIES_FILE
from tests.contracts.store_worlds import approximate_stores, built, clustered, rows_of, searcher, unit, unsynced

Float32 = npt.NDArray[np.float32]
STORES = [store for store in approximate_stores() if store.kind_of_class().startswith("faiss")]
FLAT = FaissFlat(kind="faiss_flat")
each_store = pytest.mark.parametrize("store", STORES, ids=str)
VECTORS = clustered(1_500)


@pytest.fixture(scope="module", autouse=True)
def _spare_the_disk() -> Iterator[None]:
    with unsynced():
        yield


def asked(count: int = 40) -> Float32:
    draw = np.random.default_rng(1)
    noise = 0.3 / np.sqrt(48) * draw.standard_normal((count, 48))
    return unit(VECTORS[draw.integers(0, len(VECTORS), count)] + noise)


def found(opened: Searcher, query: Float32, allowed: npt.NDArray[np.bool_] | None = None, k: int = 10) -> list[float]:
    scores: list[float] = opened.search(Query(text="", vector=query), allowed, k, Statistics())[1].tolist()
    return scores


@each_store
@pytest.mark.parametrize(("copied", "copies"), [(1, 40), (1, 1_500), (3, 2_000)])
@pytest.mark.parametrize("share", [None, 0.5])
def test_many_copies_of_one_vector_do_not_hide_the_others(
    store: Store, copied: int, copies: int, share: float | None
) -> None:
    vectors = np.concatenate([VECTORS, np.repeat(VECTORS[:copied], copies, axis=0)])
    vectors = vectors[np.random.default_rng(3).permutation(len(vectors))]
    allowed = None if share is None else np.random.default_rng(2).random(len(vectors)) < share
    right, queries = 0, [*asked(), VECTORS[0]]
    with searcher(store, rows_of(vectors)) as opened, searcher(FLAT, rows_of(vectors)) as flat:
        for query in queries:
            bound = found(flat, query, allowed)[-1]
            right += sum(score >= bound for score in found(opened, query, allowed))
    assert right >= 0.98 * 10 * len(queries)


@each_store
def test_few_permitted_rows_are_ranked_exactly(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 1,500 rows a quarter is few enough to compare them all."""
    allowed = np.arange(1_500) % 4 == 0
    with searcher(store, rows_of(VECTORS)) as opened, searcher(FLAT, rows_of(VECTORS)) as flat:
        monkeypatch.setattr(type(opened), "_near", lambda *_: pytest.fail("it approximated"))
        for query in asked():
            assert found(opened, query, allowed) == found(flat, query, allowed)


@pytest.mark.parametrize("kind", [FaissHnsw, FaissIvf])
@pytest.mark.parametrize(
    ("exact_rows", "permitted", "is_exact"),
    [(0, 1_500, False), (0, 600, False), (0, 299, True), (700, 701, False), (700, 700, True)],
)
def test_all_are_compared_up_to_the_setting_and_below_a_fifth(
    kind: type[FaissHnsw | FaissIvf], exact_rows: int, permitted: int, is_exact: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexes.stores.exact_vectors.GATHERED_ROWS", 10)
    store = kind.model_validate({"kind": kind.kind_of_class(), "exact_rows": exact_rows})
    calls: list[float] = []
    with searcher(store, rows_of(VECTORS)) as opened:
        assert isinstance(opened, ApproximateSearcher)
        near = opened._near

        def noted(_: Searcher, *given: Any) -> Any:
            calls.append(given[-1])
            return near(*given)

        monkeypatch.setattr(type(opened), "_near", noted)
        assert len(found(opened, VECTORS[0], np.arange(1_500) < permitted)) == 10
    assert calls == ([] if is_exact else [1_500 / permitted])


@pytest.mark.parametrize("store", [FaissHnsw(kind="faiss_hnsw"), FaissIvf(kind="faiss_ivf")], ids=str)
def test_a_segment_no_larger_than_the_setting_is_that_of_faiss_flat(store: Store) -> None:
    with built(store, rows_of(VECTORS)) as location, built(FLAT, rows_of(VECTORS)) as flat:
        assert sorted(path.name for path in location.iterdir()) == ["format.json", VECTORS_FILE]
        assert (location / VECTORS_FILE).read_bytes() == (flat / VECTORS_FILE).read_bytes()
        assert store.recall(location) == 1.0
        assert store.memory_bytes(location) == store.disk_bytes(location) > 1_500 * 48 * 4


@each_store
def test_what_stays_in_memory_is_what_searches_read(store: Store) -> None:
    """By arithmetic: links of a graph, codes of lists and rows, numbers and centres of lists."""
    with built(store, rows_of(VECTORS)) as location:
        memory, disk = store.memory_bytes(location) / 1_500, store.disk_bytes(location) / 1_500
    assert disk >= 48 * 4
    if isinstance(store, FaissHnsw):
        assert 48 * 4 + 8 * store.m < memory == disk < 48 * 4 + 8 * store.m + 60
        return
    assert isinstance(store, FaissIvf | FaissQuantised)
    code = {"bf16": 96, "sq8": 48, "rabitq": 6 + 8}[store.quantisation]
    rotation = 48 * 48 * 4 / 1_500 if store.quantisation == "rabitq" else 0
    lists = 8 + 155 * 48 * 4 / 1_500 if isinstance(store, FaissIvf) else 0
    assert memory == pytest.approx(code + rotation + lists, abs=4)
    assert disk == pytest.approx(memory + 48 * 4, abs=1)


def test_a_graph_of_distinct_vectors_leaves_the_file_of_all_vectors_to_the_last_comparison() -> None:
    store = FaissHnsw(kind="faiss_hnsw", exact_rows=0)
    with built(store, rows_of(np.concatenate([VECTORS, VECTORS[:100]]))) as location:
        names = {path.name: path.stat().st_size for path in location.iterdir()}
        assert set(names) == {"format.json", VECTORS_FILE, CANDIDATES_FILE, COPIES_FILE}
        assert store.memory_bytes(location) == sum(names.values()) - names[VECTORS_FILE]
        assert names[CANDIDATES_FILE] > 1_500 * 48 * 4


@pytest.mark.parametrize("store", [FaissIvf(kind="faiss_ivf", exact_rows=0), FaissQuantised(kind="faiss_quantised")])
def test_copies_take_no_memory(store: Store) -> None:
    copied = np.concatenate([VECTORS, VECTORS])
    with built(store, rows_of(VECTORS)) as once, built(store, rows_of(copied)) as twice:
        assert store.memory_bytes(twice) - store.memory_bytes(once) < 3_000 * 4 + 1_500 * 4 + 200


@each_store
def test_another_segments_candidates_are_refused(store: Store) -> None:
    with built(store, rows_of(VECTORS)) as one, built(store, rows_of(clustered(1_600))) as other:
        (one / CANDIDATES_FILE).write_bytes((other / CANDIDATES_FILE).read_bytes())
        with pytest.raises(Exception, match="cannot be read"):
            store.open(one)


@each_store
def test_recall_is_that_of_the_live_settings(store: Store) -> None:
    """Measured as anyone would: each sampled vector asked for, itself left out."""
    vectors = clustered(2_000, 16, spread=0.002)
    poor = store.model_copy(
        update={name: 1 for name in ("ef_search", "probes", "refine_factor") if name in type(store).model_fields}
    )
    with built(store, rows_of(vectors)) as location:
        measured = poor.recall(location)
        assert measured <= store.recall(location)
        opened, shares = poor.open(location), []
        assert isinstance(opened, ExactSearcher)
        for row in np.sort(np.random.default_rng(7).choice(2_000, 64, replace=False)):
            scores = np.round(vectors.astype(np.float64) @ vectors[row].astype(np.float64), 6).astype(np.float32)
            bound = np.sort(scores)[-11]
            rows = opened.search(Query(text="", vector=vectors[row]), None, 11, Statistics())[0]
            shares.append(min(10, sum(scores[one] >= bound for one in rows if one != row)) / 10)
    assert measured == pytest.approx(np.mean(shares), abs=0.02)
    assert measured < 1.0 or isinstance(store, FaissHnsw)


def test_the_defaults_and_the_settings_are_bounded() -> None:
    for member, wrong in ((FaissHnsw, {"m": 3}), (FaissIvf, {"probes": 0}), (FaissQuantised, {"refine_factor": 101})):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            member.model_validate({"kind": member.kind_of_class(), **wrong})
    with pytest.raises(ValueError, match="quantisation"):
        FaissQuantised.model_validate({"kind": "faiss_quantised", "quantisation": "pq"})
