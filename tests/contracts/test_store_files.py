"""What every store promises of its files: built alike, opened by nothing else, damage found, shared between threads."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from configs.errors import PlaygroundError
from indexes.opened_locations import evict
from indexes.stores import Query, SegmentRows, Statistics, Store
from tests.contracts.store_worlds import SMALL_QUERY, VECTORS, WORDS, built, results, searcher, small_rows, unsynced

STORES = [member.model_validate({"kind": kind}) for kind, member in Store.members().items()]
EXACT = [store for store in STORES if store.is_exact]  # the others' settings tell in larger segments: see their file


@pytest.fixture(scope="module", autouse=True)
def _spare_the_disk() -> Iterator[None]:
    with unsynced():
        yield


@pytest.mark.parametrize("store", STORES, ids=lambda store: str(store.kind_of_class()))
def test_the_same_rows_make_the_same_files(store: Store) -> None:
    with built(store, small_rows()) as one, built(store, small_rows()) as other:
        files = sorted(file.name for file in one.iterdir())
        assert files == sorted(file.name for file in other.iterdir())
        assert [(one / name).read_bytes() for name in files] == [(other / name).read_bytes() for name in files]
        assert results(store.open(one)) == results(store.open(other)) != []


@pytest.mark.parametrize("store", STORES, ids=lambda store: str(store.kind_of_class()))
def test_building_leaves_only_files_of_the_location(store: Store) -> None:
    with built(store, small_rows()) as location:
        assert [file.name for file in location.parent.iterdir()] == ["store"]
        assert all(file.is_file() and not file.name.startswith(".") for file in location.iterdir())


@pytest.mark.parametrize("store", STORES, ids=lambda store: str(store.kind_of_class()))
def test_another_stores_location_is_refused(store: Store) -> None:
    with built(store, small_rows()) as location:
        for other in STORES:
            if other is not store:
                with pytest.raises(
                    PlaygroundError, match=f"kind {store.kind_of_class()}.*kind {other.kind_of_class()}"
                ) as caught:
                    other.open(location)
                assert caught.value.code == "segment_format_mismatch"
        assert results(store.open(location))


@pytest.mark.parametrize("store", STORES, ids=lambda store: str(store.kind_of_class()))
def test_another_revision_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with built(store, small_rows()) as location:
        store.open(location)
        monkeypatch.setattr(type(store), "revision", store.revision + 1)
        with pytest.raises(PlaygroundError, match=f"revision {store.revision}") as caught:
            store.open(location)
        assert caught.value.code == "segment_format_mismatch"


@pytest.mark.parametrize("store", STORES, ids=lambda store: str(store.kind_of_class()))
def test_missing_and_damaged_files_are_reported(store: Store) -> None:
    with built(store, small_rows()) as location:
        names = [file.name for file in location.iterdir()]
    for name in names:
        for damage in (Path.unlink, lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])):
            with built(store, small_rows()) as location:
                damage(location / name)
                with pytest.raises(PlaygroundError, match="segment 'segment' cannot be read") as caught:
                    store.open(location)
            assert caught.value.code == "segment_unreadable"
            assert str(location.parent.parent) not in str(caught.value.as_dict())


@pytest.mark.parametrize("store", STORES, ids=lambda store: str(store.kind_of_class()))
def test_fewer_rows_than_the_format_says_are_reported(store: Store) -> None:
    with built(store, small_rows()) as location:
        file = location / "format.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"rows": 7}))
        with pytest.raises(PlaygroundError, match="cannot be read"):
            store.open(location)


@pytest.mark.parametrize("store", STORES, ids=lambda store: str(store.kind_of_class()))
def test_a_removed_location_is_let_go(store: Store) -> None:
    with built(store, small_rows()) as location:
        opened = store.open(location)
        before = results(opened)
        shutil.rmtree(location)
        evict(location.parent)
        assert results(opened) == before
        with pytest.raises(PlaygroundError, match="cannot be read"):
            store.open(location)


@pytest.mark.parametrize("store", EXACT, ids=lambda store: str(store.kind_of_class()))
def test_live_settings_act_on_what_was_built_before(store: Store) -> None:
    live = {
        name: field
        for name, field in type(store).model_fields.items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra["applies"] == "live"
    }
    with built(store, small_rows()) as location:
        for name, field in live.items():
            bounds = [
                bound for item in field.metadata for bound in (getattr(item, "ge", None), getattr(item, "le", None))
            ]
            lowest, highest = (store.model_copy(update={name: bound}) for bound in bounds if bound is not None)
            assert lowest.fingerprint == highest.fingerprint == store.fingerprint
            assert results(lowest.open(location)) != results(highest.open(location))


@pytest.mark.parametrize("store", STORES, ids=lambda store: str(store.kind_of_class()))
def test_many_threads_get_what_one_gets(store: Store) -> None:
    queries = [Query(text=text, vector=vector) for text in WORDS for vector in VECTORS]
    with built(store, small_rows()) as location:
        alone = [results(store.open(location), query) for query in queries]
        evict(location)
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda query: results(store.open(location), query), queries * 4))
    assert together == alone * 4


@pytest.mark.parametrize("store", STORES, ids=lambda store: str(store.kind_of_class()))
def test_a_segment_without_rows_finds_nothing(store: Store) -> None:
    empty = SegmentRows(texts=[], vectors=np.zeros((0, 3), dtype=np.float32))
    with searcher(store, empty) as opened:
        assert opened.rows == 0
        assert results(opened) == []
        assert opened.scores(SMALL_QUERY, np.zeros(0, dtype=np.int64), Statistics()).tolist() == []


@pytest.mark.parametrize("store", STORES, ids=lambda store: str(store.kind_of_class()))
@pytest.mark.parametrize("length", [5, 7])
def test_a_mask_of_another_length_is_refused(store: Store, length: int) -> None:
    with searcher(store, small_rows()) as opened:
        mask = np.ones(length, dtype=np.bool_)
        with pytest.raises(ValueError, match=f"a mask of {length} rows does not fit a segment of 6 rows"):
            opened.search(SMALL_QUERY, mask, 3, opened.statistics(SMALL_QUERY, None))


@pytest.mark.parametrize("store", STORES, ids=lambda store: str(store.kind_of_class()))
def test_a_k_below_one_is_refused(store: Store) -> None:
    with searcher(store, small_rows()) as opened, pytest.raises(ValueError, match="at least 1, got 0"):
        opened.search(SMALL_QUERY, None, 0, opened.statistics(SMALL_QUERY, None))
