"""Searches with options over real indexes: what each one does on planted documents, and that off means off."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import delete, update

from app.context.retrieve import Request, Retrieved
from app.context.search.contents import StoredContents
from app.context.strategy import SearchSetup
from indexes.access import Principal
from indexes.database.engine import now
from indexes.database.tables import Vector, Version
from ingest.vector_cache import save_vectors
from tests.app.evaluation.world import WORKSPACE, World

TEXTS = {
    "oak-1": "The oak carries acorns that the jay buries.",
    "oak-2": "An oak drops acorns and the jay comes for acorns.",
    "oak-copy": "The oak carries acorns that the jay buries.",
    "jay": "The jay buries what it cannot eat, acorns above all.",
    "whale": "A whale sings below the ice.",
    "ship": "A ship sails over the ice.",
    **{f"ice-{number}": f"The ice is {number} metres thick in winter {number}." for number in range(12)},
}
SETUP = {
    "chunker": {"kind": "fixed", "size_tokens": 64},
    "context_prefix": False,
    "embedder": {"kind": "hashing", "dimensions": 64},
    "stores": [{"kind": "faiss_flat"}, {"kind": "bm25"}],
    "fusion": {"kind": "convex", "dense_weight": 0.5},
}
OFF: dict[str, Any] = {
    "query_expansion": None, "recency": None, "reranker": None, "max_per_source": None,
}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Yield a world of short documents, and one that nobody may read and is best for everything."""
    world = World(tmp_path_factory.mktemp("options"))
    world.add_all(TEXTS)
    world.add("hidden", "oak oak acorns jay walrus whale ship ice", access=[])
    world.build(setup())
    yield world
    world.close()


def setup(**options: Any) -> SearchSetup:
    """Return the setup with search options."""
    return SearchSetup.model_validate({**SETUP, **options})


def words(**options: Any) -> SearchSetup:
    """Return the setup with BM25 alone."""
    return setup(**{"stores": [{"kind": "bm25"}], "fusion": None, "embedder": None, **options})


def found(world: World, searched: SearchSetup, question: str = "oak", limit: int = 100, **asked: Any) -> Retrieved:
    """Return what anybody finds."""
    request = Request(workspace_id=WORKSPACE, question=question, principal=Principal.of([]), limit=limit, **asked)
    return world.retriever.retrieve(searched, request)


def order(retrieved: Retrieved) -> list[tuple[str, float]]:
    """Return documents with scores, best first."""
    return [(one.hit.document_id, one.hit.score) for one in retrieved.passages]


NEUTRAL = [
    {"query_expansion": {"kind": "rocchio", "feedback_weight": 0, "least_lead": 0}},
    {"query_expansion": {"kind": "rm3", "original_weight": 1, "least_lead": 0}},
    {"query_expansion": {"kind": "rm3", "least_lead": 10}},
    {"recency": {"weight": 0}},
    {"reranker": {"kind": "mmr", "relevance_weight": 1}},
    {"max_per_source": {"hits": 1_000}},
]


@pytest.mark.parametrize("options", NEUTRAL, ids=str)
@pytest.mark.parametrize("question", ["oak", "ice jay", "nothing of it"])
def test_an_option_set_to_nothing_leaves_ranking_and_scores(
    world: World, options: dict[str, Any], question: str
) -> None:
    assert order(found(world, setup(**options), question)) == order(found(world, setup(), question))


def test_without_options_there_is_no_record_and_no_step(world: World) -> None:
    retrieved = found(world, setup(**OFF))
    assert retrieved.answer is not None
    assert (retrieved.answer.record, retrieved.answer.terms, retrieved.capped) == (None, (), [])
    assert not any(one.hit.steps for one in retrieved.passages)


def test_rm3_finds_what_shares_no_word_with_the_question(world: World) -> None:
    assert "jay" not in dict(order(found(world, words())))
    expanded = found(world, words(query_expansion={"kind": "rm3", "passages": 2, "least_lead": 0}))
    jay = next(one.hit for one in expanded.passages if one.hit.document_id == "jay")
    (step,) = jay.steps
    assert (step.stage, step.rank, step.score) == ("query_expansion", None, None)
    assert expanded.answer is not None
    assert {"acorn", "jay"} <= {term for term, _ in expanded.answer.terms}
    assert sum(weight for _, weight in expanded.answer.terms) == pytest.approx(1)


@pytest.mark.parametrize("kind", ["rocchio", "rm3"])
def test_every_hit_tells_its_rank_without_the_expansion(world: World, kind: str) -> None:
    plain = {one.hit.document_id: one.hit for one in found(world, setup()).passages}
    expanded = found(world, setup(query_expansion={"kind": kind, "passages": 3, "least_lead": 0})).passages
    assert [one.hit.document_id for one in expanded] != list(plain)
    for one in expanded:
        (step,) = one.hit.steps
        before = plain[one.hit.document_id]
        assert (step.rank, step.score) == (before.rank, before.score)


def test_wordings_are_fused_and_named(world: World) -> None:
    question = "what is it that the jay does with an oak?"
    retrieved = found(world, words(query_expansion={"kind": "multi_query"}), question)
    assert retrieved.answer is not None
    assert retrieved.answer.record is not None
    assert retrieved.answer.record.query_expansion == {"wordings": 3, "terms": len(retrieved.answer.terms)}
    for one in retrieved.passages:
        ranks = one.hit.steps[0].details
        assert set(ranks) <= {"original", "keywords", "feedback"}
        assert one.hit.score == pytest.approx(sum(1 / (60 + rank) for rank in ranks.values()))


def test_mmr_puts_the_copy_last(world: World) -> None:
    plain = [name for name, _ in order(found(world, setup(candidates=10)))]
    assert {"oak-1", "oak-copy"} <= set(plain[:3])
    diverse = found(world, setup(candidates=10, reranker={"kind": "mmr", "depth": 10}))
    assert diverse.passages[-1].hit.document_id == "oak-copy"
    assert [one.hit.score for one in diverse.passages] == [
        score for _, score in order(found(world, setup(candidates=10)))
    ]
    assert diverse.answer is not None
    assert diverse.answer.record is not None
    assert diverse.answer.record.reranker == {"reranked": 10}


def test_mmr_below_its_depth_leaves_the_rest(world: World) -> None:
    plain = order(found(world, setup()))
    diverse = order(found(world, setup(reranker={"kind": "mmr", "depth": 5})))
    assert {name for name, _ in diverse[:5]} == {name for name, _ in plain[:5]}
    assert diverse[5:] == plain[5:]


def test_the_old_lose_and_the_moment_is_kept(world: World) -> None:
    moment = now()
    with world.database.write() as session:
        session.execute(
            update(Version).where(Version.document_id == "oak-1").values(created_at=moment - timedelta(days=90))
        )
    recency = {"weight": 1, "half_life_days": 90}
    aged = found(world, setup(recency=recency), moment=moment)
    assert aged.answer is not None
    assert aged.answer.record is not None
    assert aged.answer.record.moment == moment
    hits = {one.hit.document_id: one.hit for one in aged.passages}
    assert hits["oak-1"].steps[0].details == {"factor": 0.5, "age_days": 90.0}
    assert hits["oak-1"].score == pytest.approx(hits["oak-copy"].score / 2, rel=1e-3)
    assert order(found(world, setup(recency=recency), moment=moment)) == order(aged)


def test_a_cap_drops_behind_the_others_and_the_limit_comes_last(world: World) -> None:
    world.add("long", " ".join(["oak tree"] * 200))
    world.build(setup())
    plain = found(world, setup())
    assert [one.hit.document_id for one in plain.passages].count("long") > 3, order(plain)
    capped = found(world, setup(max_per_source={"hits": 2}), limit=5)
    names = [one.hit.document_id for one in capped.passages]
    assert (len(names), names.count("long")) == (5, 2)
    assert {one.document_id for one in capped.capped} == {"long"}
    whole = found(world, setup(max_per_source={"hits": 2})).answer
    assert whole is not None
    assert whole.reached == len(plain.passages)
    assert min(one.rank for one in capped.capped) == len(plain.passages) - len(capped.capped) + 1


def test_stages_are_timed(world: World) -> None:
    everything = setup(
        query_expansion={"kind": "multi_query"}, recency={}, reranker={"kind": "mmr"}, max_per_source={"hits": 2}
    )
    seconds = found(world, everything).seconds
    assert {"query_expansion", "recency", "reranker", "source_cap", "bm25", "faiss_flat", "fusion"} <= set(seconds)


def test_contents_are_what_was_indexed(world: World) -> None:
    searched = setup()
    contents = StoredContents(world.database, searched.recipe)
    hits = [one.hit for one in found(world, searched, "ice").passages]
    assert contents.texts(hits) == [one.text for one in found(world, searched, "ice").passages]
    assert searched.embedder is not None
    np.testing.assert_array_equal(contents.vectors(hits), searched.embedder.encode(contents.indexed_texts(hits)))
    gone = replace(hits[0], ordinal=77, version_id="gone")
    assert contents.texts([gone, hits[0]])[0] == ""
    assert not contents.vectors([gone, hits[0]])[0].any()
    assert contents.uploaded_at([gone])[0] is None
    assert StoredContents(world.database, words().recipe).vectors(hits).shape == (len(hits), 0)


def test_a_vector_that_is_not_cached_any_more_is_made_anew(world: World) -> None:
    searched = setup()
    hits = [one.hit for one in found(world, searched, "ice").passages]
    before = StoredContents(world.database, searched.recipe).vectors(hits)
    with world.database.write() as session:
        session.execute(delete(Vector))
    np.testing.assert_array_equal(StoredContents(world.database, searched.recipe).vectors(hits), before)


def test_a_vector_of_a_whole_document_that_is_not_cached_any_more_is_no_vector_of_its_words(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = setup()
    hits = [one.hit for one in found(world, searched, "ice").passages]
    with world.database.write() as session:
        session.execute(delete(Vector))
    assert StoredContents(world.database, searched.recipe).vectors(hits).any()
    monkeypatch.setattr(type(searched.chunker), "pools_tokens", True)
    monkeypatch.setattr(type(searched.embedder), "pools_tokens", True)
    monkeypatch.setattr(type(searched.embedder), "check_pooling", lambda _: None)
    assert not StoredContents(world.database, searched.recipe).vectors(hits).any()


def test_vectors_are_looked_up_as_they_were_cached_by_an_embedder_that_depends_on_the_machine(world: World) -> None:
    """A setup given inline says `auto` where what is baked says what that means here."""
    recipe = setup(embedder={"kind": "sentence_transformer"}).recipe
    assert recipe.embedder is not None
    resolved = recipe.embedder.resolved()
    hits = [one.hit for one in found(world, setup(), "ice").passages][:2]
    contents = StoredContents(world.database, recipe)
    hashes = [hashlib.sha256(text.encode()).hexdigest() for text in contents.indexed_texts(hits)]
    vectors = np.eye(2, 384, dtype=np.float32)
    with world.database.write() as session:
        save_vectors(session, resolved.fingerprint, hashes, vectors)
    np.testing.assert_array_equal(contents.vectors(hits), vectors)


def test_prefixes_are_read_with_the_text_where_they_are_indexed(world: World) -> None:
    prefixed = setup(context_prefix=True, chunker={"kind": "heading"})
    world.build(prefixed)
    (hit, *_) = (one.hit for one in found(world, prefixed).passages)
    contents = StoredContents(world.database, prefixed.recipe)
    assert contents.indexed_texts([hit])[0].endswith(contents.texts([hit])[0])
