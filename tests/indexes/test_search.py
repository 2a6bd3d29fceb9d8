"""Search of random workspaces equals brute force over the permitted documents, and a rebuild without the others."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from configs.errors import InvalidInputError, UnavailableError
from configs.span import Span
from indexes.access import Filter, Principal
from indexes.database.engine import Database
from indexes.fusions import Fusion
from indexes.fusions.convex import Convex
from indexes.fusions.reciprocal_rank import ReciprocalRank
from indexes.search import Found, Hit, Stopwatch, search_index
from indexes.stores import Query, Store
from indexes.stores.bm25 import Bm25
from indexes.stores.faiss_flat import FaissFlat
from indexes.view import IndexView
from tests.contracts.store_worlds import VECTORS, unsynced
from tests.database import fresh_database
from tests.indexes.search_worlds import (
    FILTERS,
    NAMES,
    Ask,
    SourceChunk,
    SourceDocument,
    asks,
    build,
    oracle,
    without_hidden,
    worlds,
)

DENSE, LEXICAL = FaissFlat(kind="faiss_flat"), Bm25(kind="bm25")
SETUPS: dict[str, tuple[tuple[Store, ...], Fusion | None]] = {
    "dense": ((DENSE,), None),
    "lexical": ((LEXICAL,), None),
    "other live settings": ((Bm25(kind="bm25", k1=0.4, b=1.0),), None),
    "convex": ((DENSE, LEXICAL), Convex(kind="convex")),
    "reciprocal rank": ((LEXICAL, DENSE), ReciprocalRank(kind="reciprocal_rank")),
}
World = tuple[SourceDocument, ...]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Path]]:
    folder = tmp_path_factory.mktemp("worlds")
    with unsynced(), fresh_database(folder) as database:
        yield database, folder


def search(view: IndexView, stores: tuple[Store, ...], fusion: Fusion | None, ask: Ask) -> list[Hit]:
    return find(view, stores, fusion, ask).hits


def find(
    view: IndexView, stores: tuple[Store, ...], fusion: Fusion | None, ask: Ask, limit: int | None = None
) -> Found:
    return search_index(
        view, stores, fusion, ask.query,
        principal=Principal.of(ask.names),
        restriction=Filter.model_validate(ask.restriction) if ask.restriction is not None else None,
        candidates=ask.candidates,
        limit=limit,
    )  # fmt: skip


def names_unknown_field(world: World, ask: Ask) -> bool:
    known = {name for document in world if ask.permits(document) for name in document.metadata}
    return any("field" in FILTERS[number][0] for number in ask.filters) and "year" not in known


def number_of(hit: Hit) -> int:
    return int(hit.document_id.rsplit("-", 1)[1])


def comparable(hits: list[Hit]) -> list[tuple[object, ...]]:
    """Return everything of the hits but the ids that differ between two workspaces."""
    return [
        (hit.rank, number_of(hit), hit.ordinal, hit.span, hit.tokens, hit.score, tuple(sorted(hit.stores.items())))
        for hit in hits
    ]


def check(world: World, hits: list[Hit], ask: Ask, stores: tuple[Store, ...], fusion: Fusion | None) -> None:
    expected = oracle(world, ask, stores, fusion.kind_of_class() if fusion is not None else None)
    assert [(number_of(hit), hit.ordinal) for hit in hits] == [(one.document, one.ordinal) for one in expected]
    served = {document.number: document.served for document in world}
    for rank, (hit, one) in enumerate(zip(hits, expected, strict=True), start=1):
        assert hit.rank == rank
        assert hit.version_id == f"{hit.document_id}-{served[one.document]}"
        assert (hit.span, hit.tokens) == (Span(7 * hit.ordinal, 7 * hit.ordinal + 10), hit.ordinal + 1)
        assert hit.score == pytest.approx(one.score, abs=2e-6)
        assert {name: said.rank for name, said in hit.stores.items()} == {k: v[1] for k, v in one.stores.items()}
        for name, said in hit.stores.items():
            assert said.score == pytest.approx(one.stores[name][0], abs=2e-6)


@given(world=worlds, questions=st.lists(asks, min_size=1, max_size=2))
def test_search_equals_brute_force_over_the_permitted_documents(
    home: tuple[Database, Path], world: World, questions: list[Ask]
) -> None:
    view = build(world, *home)
    for ask, (stores, fusion) in itertools.product(questions, SETUPS.values()):
        if names_unknown_field(world, ask):
            with pytest.raises(InvalidInputError, match="no document here has a metadata field 'year'"):
                search(view, stores, fusion, ask)
        else:
            hits = search(view, stores, fusion, ask)
            event(f"{min(len(hits), 4)} hits")
            check(world, hits, ask, stores, fusion)


@given(world=worlds, ask=asks)
def test_hidden_documents_leave_no_trace(home: tuple[Database, Path], world: World, ask: Ask) -> None:
    """What is deleted, superseded or not readable changes no score, no rank, no tie and no error."""
    clean = without_hidden(world, ask)
    event(f"{min(4, len(world) - len(clean))} hidden")
    views = [build(documents, *home) for documents in (world, clean)]

    def outcome(view: IndexView, stores: tuple[Store, ...], fusion: Fusion | None) -> object:
        try:
            return comparable(search(view, stores, fusion, ask))
        except InvalidInputError as error:
            return error.as_dict()

    for stores, fusion in SETUPS.values():
        assert outcome(views[0], stores, fusion) == outcome(views[1], stores, fusion)


def document(number: int, *texts: str, segment: int = 0, access: tuple[str, ...] | None = None) -> SourceDocument:
    """Return a document of one version whose chunks have one vector."""
    chunks = tuple(SourceChunk(text, 1) for text in texts)
    return SourceDocument(number, ((segment, chunks),), 0, False, access, (), {"year": number})


def ask_for(text: str, *names: str, filters: tuple[int, ...] = (), candidates: int = 10) -> Ask:
    return Ask(names, filters, Query(text=text, vector=VECTORS[1]), candidates)


def test_ties_end_by_document_and_start_whatever_the_segment(home: tuple[Database, Path]) -> None:
    view = build(tuple(document(number, "cat", "cat", segment=(7 * number) % 4) for number in range(6)), *home)
    for stores, fusion in SETUPS.values():
        hits = search(view, stores, fusion, ask_for("cat", candidates=9))
        assert [(number_of(hit), hit.ordinal) for hit in hits] == [divmod(place, 2) for place in range(9)]
        assert len({hit.score for hit in hits}) == (9 if isinstance(fusion, ReciprocalRank) else 1)


def test_a_filter_restricts_candidates_and_a_principal_the_statistics(home: tuple[Database, Path]) -> None:
    """By hand: idf is ln(1 + (N - df + 0.5) / (df + 0.5)); all texts have one word, so tf / (tf + k1) is 1 / 2.2."""
    world = (document(1, "cat"), document(2, "cat"), document(3, "dog"), document(4, "cat", access=("user:ann",)))
    view = build(world, *home)
    for names, filters, found, idf in (
        ((), (), [1, 2], math.log(1 + 1.5 / 2.5)),
        ((), (0,), [2], math.log(1 + 1.5 / 2.5)),
        (("user:ann",), (), [1, 2, 4], math.log(1 + 1.5 / 3.5)),
        (("user:ann",), (0,), [2], math.log(1 + 1.5 / 3.5)),
    ):
        hits = search(view, (LEXICAL,), None, ask_for("cat", *names, filters=filters))
        assert [number_of(hit) for hit in hits] == found
        assert [hit.score for hit in hits] == pytest.approx([idf / 2.2] * len(hits), abs=1e-6)


def test_the_scores_a_list_did_not_reach_are_fetched(home: tuple[Database, Path]) -> None:
    world = (document(1, "cat cat"), document(2, "cat"), document(3, "cat dog"))
    view = build(world, *home)
    hits = search(view, (DENSE, LEXICAL), Convex(kind="convex"), ask_for("dog", candidates=1))
    (hit,) = hits
    whole = search(view, (DENSE, LEXICAL), Convex(kind="convex"), ask_for("dog", candidates=3))
    assert (number_of(hit), hit.stores["faiss_flat"].rank, hit.stores["bm25"].rank) == (3, None, 1)
    assert hit.stores["faiss_flat"].score == whole[0].stores["faiss_flat"].score == 1.0
    assert [one.stores["bm25"].rank for one in whole] == [1, None, None]
    assert [one.stores["bm25"].score for one in whole][1:] == [0.0, 0.0]


@pytest.mark.parametrize("limit", [1, 2, 99])
def test_a_limit_shows_less_and_changes_nothing(home: tuple[Database, Path], limit: int) -> None:
    world = (document(1, "cat cat"), document(2, "cat"), document(3, "cat dog"), document(4, "dog"))
    view = build(world, *home)
    for stores, fusion in SETUPS.values():
        whole = find(view, stores, fusion, ask_for("dog", candidates=3)).hits
        assert find(view, stores, fusion, ask_for("dog", candidates=3), limit).hits == whole[:limit]


@pytest.mark.parametrize("names", [(), tuple(NAMES)])
def test_an_index_that_serves_nothing_finds_nothing(home: tuple[Database, Path], names: tuple[str, ...]) -> None:
    view = build((), *home)
    for stores, fusion in SETUPS.values():
        assert search(view, stores, fusion, ask_for("cat", *names)) == []


def test_every_stage_is_timed(home: tuple[Database, Path]) -> None:
    found = find(build((document(1, "cat"),), *home), *SETUPS["convex"], ask_for("cat"))
    assert set(found.seconds) == {"permissions", "faiss_flat", "bm25", "fusion"}
    assert all(0 < seconds < 5 for seconds in found.seconds.values())


def test_a_stage_is_timed_even_where_it_fails_and_adds_up() -> None:
    watch = Stopwatch()
    with pytest.raises(ZeroDivisionError), watch.stage("division"):
        raise ZeroDivisionError
    once = watch.seconds["division"]
    with watch.stage("division"):
        time.sleep(0.002)
    assert watch.seconds["division"] >= once + 0.002


def test_a_segment_whose_files_are_gone_is_told(home: tuple[Database, Path]) -> None:
    view = build((document(1, "cat"),), *home)
    (view.segments[0].folder / "bm25" / "format.json").unlink()
    with pytest.raises(UnavailableError, match="cannot be read by bm25") as told:
        search(view, (LEXICAL,), None, ask_for("cat"))
    assert told.value.code == "segment_unreadable"


def test_many_rows_in_many_segments_equal_numpy(home: tuple[Database, Path]) -> None:
    """Enough rows that the dense store scans with a bitmap instead of comparing the few permitted ones."""
    random = np.random.default_rng(7)
    access = [None, (), ("user:ann",), ("user:bob",)]
    world = tuple(
        SourceDocument(
            number, ((int(random.integers(4)), tuple(SourceChunk("", int(v)) for v in random.integers(1, 8, 9))),),
            0, bool(random.random() < 0.2), access[random.integers(4)], (), {},
        )
        for number in range(600)
    )  # fmt: skip
    ask = ask_for("", "user:ann", candidates=50)
    check(world, search(build(world, *home), (DENSE,), None, ask), ask, (DENSE,), None)
