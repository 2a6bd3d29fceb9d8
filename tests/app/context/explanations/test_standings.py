"""True ranks begin with what a search finds, and go on where it stops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.context.explanations.standings import ChunkStandings, Standing, Standings
from app.context.strategy import SearchSetup
from configs.errors import InvalidInputError
from indexes.access import Filter, Principal
from indexes.database.engine import Database
from indexes.search import search_index
from indexes.view import IndexView
from ingest.chunkers import Chunker
from tests.contracts.store_worlds import unsynced
from tests.database import fresh_database
from tests.indexes.search_worlds import BUILT, Ask, SourceDocument, asks, build, worlds

CHUNKER = Chunker.members()["fixed"].model_validate({"kind": "fixed", "size_tokens": 64})
FUSIONS = [{"kind": "convex", "dense_weight": 0.3}, {"kind": "reciprocal_rank"}, None]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Path]]:
    folder = tmp_path_factory.mktemp("worlds")
    with unsynced(), fresh_database(folder) as database:
        yield database, folder


def setup_of(fusion: dict[str, object] | None, candidates: int) -> SearchSetup:
    """Return a setup over both stores, over words alone where there is no fusion."""
    stores = [store.model_dump() for store in (BUILT if fusion is not None else BUILT[1:])]
    embedder = {"kind": "hashing"} if fusion is not None else None
    content = {"chunker": CHUNKER, "stores": stores, "fusion": fusion, "embedder": embedder, "candidates": candidates}
    return SearchSetup.model_validate(content)


def standings_of(view: IndexView, setup: SearchSetup, ask: Ask) -> dict[tuple[str, int], ChunkStandings]:
    """Return where every visible chunk stands."""
    restriction = Filter.model_validate(ask.restriction) if ask.restriction is not None else None
    ranked = Standings(view, setup, ask.query, Principal.of(ask.names), restriction)
    return {
        (document.id, ordinal): standing
        for document in view.documents
        for ordinal, standing in ranked.of(document.id).items()
    }


def is_served(source: SourceDocument) -> bool:
    """Tell whether the index answers with the document."""
    return source.served is not None and not source.is_deleted


@settings(max_examples=15)
@given(world=worlds, ask=asks, fusion=st.sampled_from(FUSIONS))
def test_true_ranks_continue_those_of_the_search(
    home: tuple[Database, Path], world: tuple[SourceDocument, ...], ask: Ask, fusion: dict[str, object] | None
) -> None:
    view = build(world, *home)
    setup = setup_of(fusion, ask.candidates)
    restriction = Filter.model_validate(ask.restriction) if ask.restriction is not None else None
    principal = Principal.of(ask.names)
    try:
        standings = standings_of(view, setup, ask)
    except InvalidInputError:  # a field that no readable document has, as in a search
        return
    assert set(standings) == {
        (document.id, ordinal)
        for document, source in zip(view.documents, [one for one in world if is_served(one)], strict=True)
        if ask.permits(source) and ask.allows(source)
        for ordinal in range(len(source.versions[source.served or 0][1]))
    }
    hits = search_index(
        view, setup.stores, setup.fusion, ask.query, principal=principal, restriction=restriction,
        candidates=ask.candidates,
    ).hits  # fmt: skip
    for hit in hits:
        standing = standings[hit.document_id, hit.ordinal]
        for kind, said in hit.stores.items():
            one = standing.stores[kind]
            assert one.score == said.score
            assert (one.rank if one.is_taken else None) == said.rank
        if standing.fused is not None:
            assert (standing.fused.rank, standing.fused.score) == (hit.rank, hit.score)
    assert {(hit.document_id, hit.ordinal) for hit in hits} == {key for key, one in standings.items() if is_hit(one)}
    for listed in lists_of(standings):
        ranks = sorted(one.rank for one in listed if one.rank is not None)
        assert ranks == list(range(1, len(ranks) + 1))
        assert {one.of for one in listed} <= {len(ranks)}


def is_hit(one: ChunkStandings) -> bool:
    """Tell whether a search finds the chunk."""
    return one.fused.is_taken if one.fused is not None else one.is_found


def lists_of(standings: dict[tuple[str, int], ChunkStandings]) -> list[list[Standing]]:
    """Return the standings of all chunks in each list."""
    fused = [one.fused for one in standings.values() if one.fused is not None]
    kinds = {kind for one in standings.values() for kind in one.stores}
    return [fused, *([one.stores[kind] for one in standings.values()] for kind in kinds)]
