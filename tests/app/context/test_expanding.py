"""Expansion over stored chunks: the database against the chunker, merging of overlapping chunks, many hits at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select

from app.context.expanding import StoredChunks, expanded, merged
from app.context.found_passages import load_passages
from app.context.retrieve import Request
from app.context.strategy import SearchSetup
from configs.part import JsonObject
from configs.span import Span, union
from indexes.access import Principal
from indexes.database.tables import ChunkRow
from indexes.search import Hit
from ingest.document import ParsedDocument
from ingest.tokenizers import TokenizerTools, count_tokens
from tests.app.evaluation.world import WORKSPACE, World, lexical

TEXT = "\n\n".join(f"Part {n} begins. " + f"It says word{n} and more of it. " * 4 for n in range(6))
NOBODY = Principal.of([])


def setup(chunker: JsonObject, expansion: JsonObject) -> SearchSetup:
    return lexical(chunker=chunker, expansion=expansion)


FAMILY = setup({"kind": "parent_child", "child_tokens": 16, "parent_tokens": 50}, {"kind": "auto_merge"})
OVERLAPPING = setup({"kind": "fixed", "size_tokens": 16, "overlap_tokens": 12}, {"kind": "neighbours", "chunks": 2})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("world"))
    world.add_all({"one": TEXT, "two": TEXT.replace("word", "term")})
    world.build(FAMILY)
    world.build(OVERLAPPING)
    yield world
    world.close()


def stored_hits(world: World, searched: SearchSetup, document: str = "one") -> list[Hit]:
    """Return every chunk of the document as a hit, in an order that jumps."""
    version = world.version_of(document)
    with world.database.read() as session:
        statement = select(ChunkRow).where(
            ChunkRow.version_id == version, ChunkRow.chunking == searched.recipe.chunking
        )
        rows = list(session.scalars(statement.order_by(ChunkRow.ordinal)))
    order = sorted(rows, key=lambda row: (row.ordinal * 7 % len(rows), row.ordinal))
    return [
        Hit(
            rank=rank, document_id=document, version_id=version, ordinal=row.ordinal, span=Span(row.start, row.end),
            tokens=row.tokens, score=1.0 / rank, stores={},
        )
        for rank, row in enumerate(order, start=1)
    ]  # fmt: skip


def test_parents_and_siblings_are_those_that_the_chunker_made(world: World) -> None:
    pieces = list(FAMILY.chunker.split(ParsedDocument(text=TEXT), TokenizerTools()))
    hits = stored_hits(world, FAMILY)
    with world.database.read() as session:
        stored = StoredChunks(session, FAMILY.recipe.chunking, hits)
        parents, siblings = stored.parents(), stored.siblings()
    families = [piece.parent for piece in pieces]
    for hit, parent, count in zip(hits, parents, siblings, strict=True):
        assert parent == families[hit.ordinal]
        assert count == families.count(parent)


@pytest.mark.parametrize("chunks", [1, 3, 10])
def test_neighbours_are_the_chunks_before_and_behind(world: World, chunks: int) -> None:
    spans = [piece.span for piece in OVERLAPPING.chunker.split(ParsedDocument(text=TEXT), TokenizerTools())]
    hits = stored_hits(world, OVERLAPPING)
    with world.database.read() as session:
        around = StoredChunks(session, OVERLAPPING.recipe.chunking, hits).around(chunks)
    for hit, span in zip(hits, around, strict=True):
        near = spans[max(0, hit.ordinal - chunks) : hit.ordinal + chunks + 1]
        assert span == Span(near[0].start, max(one.end for one in near))


def test_keys_are_read_in_runs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hits = stored_hits(world, OVERLAPPING)
    with world.database.read() as session:
        whole = StoredChunks(session, OVERLAPPING.recipe.chunking, hits).around(2)
        monkeypatch.setattr("app.context.expanding.KEYS_PER_QUERY", 3)
        assert StoredChunks(session, OVERLAPPING.recipe.chunking, hits).around(2) == whole


@pytest.mark.parametrize("searched", [FAMILY, OVERLAPPING], ids=["parents", "overlap"])
def test_passages_are_their_spans_of_the_text_with_their_own_tokens(world: World, searched: SearchSetup) -> None:
    found = world.retriever.retrieve(
        searched, Request(workspace_id=WORKSPACE, question="word1 word2 term4", principal=NOBODY, limit=100)
    )
    texts = {world.version_of("one"): TEXT, world.version_of("two"): TEXT.replace("word", "term")}
    assert any(passage.hit.stands_for for passage in found.passages)
    for passage in found.passages:
        hit = passage.hit
        assert passage.text == texts[hit.version_id][hit.span.start : hit.span.end]
        assert hit.tokens == count_tokens(passage.text)
        assert passage.measure is not None
        assert passage.measure.tokens == hit.tokens
    for version in texts:
        spans = [passage.hit.span for passage in found.passages if passage.hit.version_id == version]
        assert sum(map(len, spans)) == sum(map(len, union(spans)))


def test_fewer_passages_are_the_first_of_more(world: World) -> None:
    asked = Request(workspace_id=WORKSPACE, question="word1 word2 begins", principal=NOBODY, limit=50)
    many = world.retriever.retrieve(FAMILY, asked).passages
    assert len(many) > 2
    assert world.retriever.retrieve(FAMILY, replace(asked, limit=2)).passages == many[:2]


def test_chunks_that_were_erased_since_stay_as_they_were_found(tmp_path: Path) -> None:
    world = World(tmp_path)
    try:
        world.add("one", TEXT)
        world.build(FAMILY)
        hits = stored_hits(world, FAMILY)
        with world.database.write() as session:
            session.execute(delete(ChunkRow))
        with world.database.read() as session:
            assert expanded(session, FAMILY, hits) == hits
            assert load_passages(session, FAMILY.recipe, hits) == []
            assert StoredChunks(session, FAMILY.recipe.chunking, hits).siblings() == [1] * len(hits)
    finally:
        world.close()


@st.composite
def overlapping(draw: st.DrawFn) -> tuple[list[Hit], list[Span]]:
    """Return hits on chunks of any overlap, with spans that hold them."""
    hits, spans = [], []
    cores = draw(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12)), min_size=1, max_size=12, unique=True))
    for rank, (start, length) in enumerate(cores, start=1):
        core = Span(start + 10, start + 10 + length)
        hits.append(
            Hit(
                rank=rank, document_id="d", version_id="v", ordinal=rank, span=core, tokens=1, score=1 / rank, stores={}
            )
        )
        before, behind = draw(st.tuples(st.integers(0, 10), st.integers(0, 10)))
        spans.append(Span(core.start - before, core.end + behind))
    return hits, spans


@given(drawn=overlapping())
def test_however_chunks_overlap_no_character_comes_twice_and_every_chunk_is_named(
    drawn: tuple[list[Hit], list[Span]],
) -> None:
    hits, spans = drawn
    passages = merged(hits, spans)
    sent = [one.span for one in passages]
    assert all(len(span) for span in sent)
    assert sum(map(len, sent)) == sum(map(len, union(sent)))
    named = sorted(
        number for one in passages for number in [chunk.ordinal for chunk in one.stands_for] or [one.ordinal]
    )
    assert named == sorted(hit.ordinal for hit in hits)
    for one in passages:
        assert one.span != hits[one.ordinal - 1].span or len(one.stands_for) != 1
        chunks = one.stands_for or (hits[one.ordinal - 1],)
        assert chunks[0].rank == min(chunk.rank for chunk in chunks)
        assert one.span.overlap(hits[one.ordinal - 1].span) > 0


def test_of_a_chunk_that_a_better_one_cuts_in_two_the_longer_part_stays() -> None:
    hits = [
        Hit(rank=1, document_id="d", version_id="v", ordinal=0, span=Span(4, 6), tokens=1, score=2, stores={}),
        Hit(rank=2, document_id="d", version_id="v", ordinal=1, span=Span(0, 20), tokens=1, score=1, stores={}),
    ]
    assert [one.span for one in merged(hits, [one.span for one in hits])] == [Span(4, 6), Span(6, 20)]
