"""What every store promises of its results, proven by brute force on each registered member."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.stores import SCORE_DECIMALS, Query, SegmentRows, Statistics, Store
from tests.contracts.store_worlds import ORACLES, WORDS, World, searcher, unsynced, worlds

STORES = [member.model_validate({"kind": kind}) for kind, member in Store.members().items()]
EXACT = [store for store in STORES if store.is_exact]


@pytest.fixture(scope="module", autouse=True)
def _spare_the_disk() -> Iterator[None]:
    with unsynced():
        yield


@pytest.mark.parametrize("store", EXACT, ids=lambda store: str(store.kind_of_class()))
@given(world=worlds())
def test_search_equals_brute_force_over_the_allowed_rows(store: Store, world: World) -> None:
    expected = {row: score for row, score in ORACLES[store.signal](world).items() if world.allowed[row]}
    final = {row: float(np.float32(np.round(score, SCORE_DECIMALS))) for row, score in expected.items()}
    order = sorted(final, key=lambda row: (-final[row], row))[: world.k]
    with searcher(store, world.rows()) as opened:
        rows, scores = opened.search(
            world.query, world.allowed, world.k, opened.statistics(world.query, world.permitted)
        )
    assert rows.dtype == np.int64
    assert scores.dtype == np.float32
    assert rows.tolist() == order
    assert scores.tolist() == [final[row] for row in order]


@pytest.mark.parametrize("store", EXACT, ids=lambda store: str(store.kind_of_class()))
@given(world=worlds())
def test_no_mask_means_every_row(store: Store, world: World) -> None:
    everything = np.ones(len(world.texts), dtype=np.bool_)
    with searcher(store, world.rows()) as opened:
        statistics = opened.statistics(world.query, None)
        assert statistics == opened.statistics(world.query, everything)
        without = opened.search(world.query, None, world.k, statistics)
        masked = opened.search(world.query, everything, world.k, statistics)
    np.testing.assert_array_equal(without, masked)


@pytest.mark.parametrize("store", STORES, ids=lambda store: str(store.kind_of_class()))
@given(world=worlds(), data=st.data())
def test_scores_are_those_of_search(store: Store, world: World, data: st.DataObject) -> None:
    with searcher(store, world.rows()) as opened:
        statistics = opened.statistics(world.query, world.permitted)
        rows, scores = opened.search(world.query, None, 100, statistics)
        asked = data.draw(st.lists(st.integers(0, opened.rows - 1), max_size=80))
        fetched = opened.scores(world.query, np.array(asked, dtype=np.int64), statistics)
    known = dict(zip(rows.tolist(), scores.tolist(), strict=True))
    assert fetched.dtype == np.float32
    assert fetched.tolist() == [known.get(row, 0.0) for row in asked]
    assert store.signal == "lexical" or not store.is_exact or len(known) == len(world.texts)


@pytest.mark.parametrize("store", EXACT, ids=lambda store: str(store.kind_of_class()))
@given(world=worlds(), data=st.data())
def test_cutting_rows_into_segments_changes_no_score(store: Store, world: World, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(world.texts)), max_size=3)))
    pieces = [slice(begin, end) for begin, end in zip([0, *cuts], [*cuts, len(world.texts)], strict=True)]
    with searcher(store, world.rows()) as whole:
        statistics = whole.statistics(world.query, world.permitted)
        expected = whole.scores(world.query, np.arange(whole.rows), statistics)
    total, parts = Statistics(), []
    for piece in pieces:
        with searcher(store, world.rows(piece)) as opened:
            total = total + opened.statistics(world.query, world.permitted[piece])
    for piece in pieces:
        with searcher(store, world.rows(piece)) as opened:
            parts.append(opened.scores(world.query, np.arange(opened.rows), total))
    assert +total.document_frequencies == +statistics.document_frequencies
    assert (total.rows, total.total_tokens) == (statistics.rows, statistics.total_tokens)
    np.testing.assert_array_equal(np.concatenate(parts), expected)


@pytest.mark.parametrize("store", EXACT, ids=lambda store: str(store.kind_of_class()))
@given(world=worlds())
def test_rows_that_may_not_be_read_leave_no_trace(store: Store, world: World) -> None:
    with searcher(store, world.rows()) as opened:
        statistics = opened.statistics(world.query, world.permitted)
        rows, scores = opened.search(world.query, world.permitted, world.k, statistics)
    with searcher(store, world.rows(world.permitted)) as rebuilt:
        clean_statistics = rebuilt.statistics(world.query, None)
        clean_rows, clean_scores = rebuilt.search(world.query, None, world.k, clean_statistics)
    assert statistics == clean_statistics
    assert rows.tolist() == np.flatnonzero(world.permitted)[clean_rows].tolist()
    assert scores.tolist() == clean_scores.tolist()


@pytest.mark.parametrize("store", EXACT, ids=lambda store: str(store.kind_of_class()))
@given(world=worlds())
def test_a_filter_removes_rows_and_changes_no_score(store: Store, world: World) -> None:
    with searcher(store, world.rows()) as opened:
        statistics = opened.statistics(world.query, world.permitted)
        everything, scores = opened.search(world.query, world.permitted, 100, statistics)
        filtered, filtered_scores = opened.search(world.query, world.allowed, 100, statistics)
    kept = world.allowed[everything]
    assert filtered.tolist() == everything[kept].tolist()
    assert filtered_scores.tolist() == scores[kept].tolist()


@pytest.mark.parametrize("store", STORES, ids=lambda store: str(store.kind_of_class()))
@given(world=worlds())
def test_nothing_outside_the_mask_is_returned_and_the_order_is_kept(store: Store, world: World) -> None:
    with searcher(store, world.rows()) as opened:
        rows, scores = opened.search(
            world.query, world.allowed, world.k, opened.statistics(world.query, world.permitted)
        )
    assert world.allowed[rows].all()
    assert len(rows) == len(set(rows.tolist())) == len(scores) <= world.k
    assert rows.tolist() == rows[np.lexsort((rows, -scores))].tolist()


def test_the_words_of_the_oracle_are_their_own_stems() -> None:
    """Guards the oracle: were a word changed by the stemmer, its document frequency could differ from the oracle's."""
    store = Store.members()["bm25"].model_validate({"kind": "bm25"})
    with searcher(store, SegmentRows(texts=WORDS)) as opened:
        statistics = opened.statistics(Query(text=" ".join(WORDS)), None)
    assert statistics.document_frequencies == Counter({word.lower(): 1 for word in WORDS[:5]})
