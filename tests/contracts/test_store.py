"""What every store promises of its results, proven by brute force on each registered member."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

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


@pytest.mark.parametrize("store", STORES, ids=lambda store: str(store.kind_of_class()))
@given(world=worlds(), data=st.data())
def test_masks_hide_rows_and_scores_are_those_of_search(store: Store, world: World, data: st.DataObject) -> None:
    every, count = np.ones(len(world.texts), dtype=np.bool_), len(world.texts)
    with searcher(store, world.rows()) as opened:
        assert opened.rows == count
        assert opened.statistics(world.query, None) == opened.statistics(world.query, every)
        statistics = opened.statistics(world.query, world.permitted)
        rows, scores = opened.search(world.query, None, count, statistics)
        unmasked = opened.search(world.query, every, count, statistics)
        allowed_rows, allowed_scores = opened.search(world.query, world.allowed, world.k, statistics)
        asked = data.draw(st.lists(st.integers(0, count - 1), max_size=20))
        fetched = opened.scores(world.query, np.array(asked, dtype=np.int64), statistics)
    np.testing.assert_array_equal(unmasked, (rows, scores))
    assert world.allowed[allowed_rows].all()
    assert len(set(allowed_rows.tolist())) == len(allowed_rows) <= world.k
    assert allowed_rows.tolist() == allowed_rows[np.lexsort((allowed_rows, -allowed_scores))].tolist()
    known = dict(zip(rows.tolist(), scores.tolist(), strict=True))
    assert fetched.dtype == np.float32
    assert fetched.tolist() == [known.get(row, 0.0) for row in asked]
    assert store.signal == "lexical" or not store.is_exact or len(known) == count


@pytest.mark.parametrize("store", EXACT, ids=lambda store: str(store.kind_of_class()))
@given(world=worlds(), data=st.data())
def test_cutting_rows_into_segments_changes_no_score(store: Store, world: World, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(world.texts)), max_size=2)))
    pieces = [slice(begin, end) for begin, end in zip([0, *cuts], [*cuts, len(world.texts)], strict=True)]
    with searcher(store, world.rows()) as whole:
        statistics = whole.statistics(world.query, world.permitted)
        expected = whole.scores(world.query, np.arange(whole.rows), statistics)
    total = Statistics()
    with ExitStack() as stack:
        segments = [stack.enter_context(searcher(store, world.rows(piece))) for piece in pieces]
        for opened, piece in zip(segments, pieces, strict=True):
            total = total + opened.statistics(world.query, world.permitted[piece])
        parts = [opened.scores(world.query, np.arange(opened.rows), total) for opened in segments]
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


def test_the_words_of_the_oracle_are_their_own_stems() -> None:
    """Guards the oracle: were a word changed by the stemmer, its document frequency could differ from the oracle's."""
    store = Store.members()["bm25"].model_validate({"kind": "bm25"})
    with searcher(store, SegmentRows(texts=WORDS)) as opened:
        statistics = opened.statistics(Query(text=" ".join(WORDS)), None)
    assert statistics.document_frequencies == Counter({word.lower(): 1 for word in WORDS[:5]})
