"""How far chunks come: what of a text each holds, the stage that stopped it, and those that came furthest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.explanations.chunk_ways import CutChunk, carriers, chunks_holding, stage_of_reason, ways_of
from app.context.explanations.places import Place
from app.context.explanations.stages import STAGES
from app.context.explanations.standings import ChunkStandings, Standing
from app.context.passages import Decision
from configs.span import Span
from indexes.search import Hit, Step
from tests.app.context.explanations.scripted import HYBRID, WANTED, WORDS
from tests.app.evaluation.world import World

TEXT = "The oak carries acorns. Its wood is hard and heavy. Ships were built of it for centuries by many hands."


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Yield a world with one document cut into chunks of 16 tokens."""
    world = World(tmp_path_factory.mktemp("chunks"))
    world.add("a", TEXT)
    world.build(WORDS)
    yield world
    world.close()


def chunk(ordinal: int = 0) -> CutChunk:
    """Return a chunk of ten characters."""
    span = Span(10 * ordinal, 10 * ordinal + 10)
    return CutChunk(ordinal=ordinal, span=span, tokens=3, held=span)


def standing(rank: int | None, *, is_deep: bool = False) -> Standing:
    """Return a standing of which the best ten are taken."""
    taken = 1 if is_deep else 10
    return Standing(rank=rank, of=20, taken=taken, score=1.0 / (rank or 1_000), last_score=0.1)


def decision(reason: str, rank: int = 1, ordinal: int = 0) -> Decision:
    """Return a decision on a chunk."""
    label = "S1" if reason in ("packed", "trimmed", "merged_into") else None
    hit = Hit(
        rank=rank, document_id="a", version_id="a-1", ordinal=ordinal, span=chunk(ordinal).span, tokens=3,
        score=1.0, stores={},
    )  # fmt: skip
    return Decision(hit=hit, reason=reason, label=label, details={"of_rank": 1})  # type: ignore[arg-type]  # any reason


@given(data=st.data())
def test_chunks_that_hold_a_place_are_those_that_share_a_character(library: World, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(TEXT) - 1))
    span = Span(start, data.draw(st.integers(start + 1, len(TEXT))))
    version_id = library.version_of("a")
    place = Place(document=WANTED, version_id=version_id, span=span, text=TEXT[span.start : span.end])
    with library.database.read() as session:
        every = chunks_holding(session, Place(document=WANTED, version_id=version_id), WORDS.recipe.chunking)
        holding = chunks_holding(session, place, WORDS.recipe.chunking)
    assert len(every) > 1
    assert [one.held for one in every] == [one.span for one in every]
    assert [one.ordinal for one in holding] == [one.ordinal for one in every if one.span.overlap(span)]
    for one in holding:
        both = set(range(one.span.start, one.span.end)) & set(range(span.start, span.end))
        assert set(range(one.held.start, one.held.end)) == both
    letters = {place for place in range(span.start, span.end) if TEXT[place].strip()}
    whole = [one for one in holding if letters <= set(range(one.span.start, one.span.end))]
    if letters:
        assert carriers(place, holding) == whole


@pytest.mark.parametrize(
    ("reason", "stage"),
    [
        ("exact_duplicate", "unique"), ("near_duplicate", "unique"), ("span_overlap", "unique"), ("budget", "packed"),
        ("source_cap", "packed"), ("banned_source", "packed"), ("max_per_source", "options"),
        ("a reason to come", "packed"),
    ],
)  # fmt: skip
def test_a_reason_belongs_to_the_stage_that_gives_it(reason: str, stage: str) -> None:
    assert stage_of_reason(reason) == stage
    (way,) = ways_of([chunk()], WORDS, {}, {0: decision(reason, rank=4)})
    assert (way.stopped_by, way.reason, way.rank, way.label) == (stage, reason, 4, None)


def test_what_is_sent_is_stopped_by_nothing() -> None:
    (way,) = ways_of([chunk()], WORDS, {}, {0: decision("packed")})
    assert (way.stopped_by, way.label, way.details) == (None, "S1", {"of_rank": 1})


def test_what_no_list_takes_is_stopped_by_ranking_and_what_one_takes_by_fusion() -> None:
    deep = ChunkStandings(stores={"bm25": standing(9, is_deep=True)}, fused=None)
    (way,) = ways_of([chunk()], WORDS, {0: deep}, {})
    assert (way.stopped_by, [one.rank for one in way.standings], way.fused) == ("ranked", [9], None)
    lists = {"faiss_flat": standing(2), "bm25": standing(None)}
    lost = ChunkStandings(stores=lists, fused=standing(11, is_deep=True))
    (way,) = ways_of([chunk()], HYBRID, {0: lost}, {})
    assert way.stopped_by == "fused"
    assert [(one.store, one.signal, one.rank) for one in way.standings] == [
        ("faiss_flat", "dense", 2), ("bm25", "lexical", None),
    ]  # fmt: skip
    assert way.fused is not None
    assert (way.fused.store, way.fused.rank, way.fused.is_taken) == ("convex", 11, False)


def test_what_the_last_list_takes_and_nobody_decided_on_is_stopped_by_the_options() -> None:
    lists = {"faiss_flat": standing(2), "bm25": standing(None)}
    for fused, setup in ((standing(3), HYBRID), (None, WORDS)):
        stores = lists if fused is not None else {"bm25": standing(4)}
        (way,) = ways_of([chunk()], setup, {0: ChunkStandings(stores=stores, fused=fused)}, {})
        assert way.stopped_by == "options"


def test_steps_of_a_candidate_are_told() -> None:
    said = decision("packed")
    steps = (Step(stage="recency", rank=4, score=0.5, details={"factor": 0.9}),)
    (way,) = ways_of([chunk()], WORDS, {}, {0: replace(said, hit=replace(said.hit, steps=steps))})
    assert [step.model_dump() for step in way.steps] == [
        {"stage": "recency", "rank": 4, "score": 0.5, "details": {"factor": 0.9}}
    ]


@given(st.permutations(range(5)))
def test_the_way_that_came_furthest_comes_first(order: list[int]) -> None:
    decisions = {0: decision("packed", 9, 0), 1: decision("budget", 2, 1), 2: decision("exact_duplicate", 1, 2)}
    standings = {
        3: ChunkStandings(stores={"bm25": standing(15, is_deep=True)}, fused=None),
        4: ChunkStandings(stores={"bm25": standing(None)}, fused=None),
    }
    ways = ways_of([chunk(ordinal) for ordinal in order], WORDS, standings, decisions)
    assert [way.ordinal for way in ways] == [0, 1, 2, 3, 4]
    reached = [len(STAGES) if way.stopped_by is None else STAGES.index(way.stopped_by) for way in ways]
    assert reached == sorted(reached, reverse=True)
