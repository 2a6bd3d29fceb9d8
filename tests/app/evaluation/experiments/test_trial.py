"""Trials of setups that send larger text than they find: answers are a search's, deeper ones repeat nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.context.contexts import Contexts
from app.context.personal.asker import nobody
from app.context.retrieve import Request
from app.context.strategy import SearchSetup
from app.evaluation.experiments.answered import Answered, Depth
from app.evaluation.experiments.asking import Ask
from app.evaluation.experiments.trial import Scope, Trial
from app.evaluation.screening.answers import Answers, Arm
from app.evaluation.span_metrics import TokenMeter, cut_at_budget
from app.evaluation.version_span import VersionSpan
from configs.part import JsonObject
from configs.span import union
from indexes.access import Principal
from indexes.database.engine import now
from tests.app.evaluation.experiments.laboratory import TREES
from tests.app.evaluation.world import WORKSPACE, World, lexical

QUESTION = "Which tree has hard wood and bark, and what is its sap?"
ANYBODY = Principal.of([])
FAMILY: JsonObject = {"kind": "parent_child", "child_tokens": 16, "parent_tokens": 32}
SETUPS = {
    "neighbours": lexical(16, candidates=4, expansion={"kind": "neighbours", "chunks": 1}),
    "windows": lexical(chunker={"kind": "sentence_window"}, candidates=4, expansion={"kind": "parent"}),
    "parents": lexical(chunker=FAMILY, candidates=4, expansion={"kind": "parent"}),
    "merged": lexical(chunker=FAMILY, candidates=4, expansion={"kind": "auto_merge"}),
}
each_setup = pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS)


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("forest"))
    world.add_all(TREES)
    for setup in SETUPS.values():
        world.build(setup)
    yield world
    world.close()


def answered(world: World, setup: SearchSetup, depth: Depth) -> Answered:
    pins = {document: world.version_of(document) for document in TREES}
    scope = Scope(restriction=None, pins=pins, moment=now())
    trial = Trial(world.database, Contexts(world.database, world.retriever), scope)
    _, view = world.retriever.open_index(WORKSPACE, setup)
    ask = Ask(text=QUESTION, asker=nobody(WORKSPACE), rights=ANYBODY)
    return trial.search(setup, view, ask, None, depth)


@each_setup
def test_a_trial_answers_what_a_search_answers(forest: World, setup: SearchSetup) -> None:
    request = Request(workspace_id=WORKSPACE, question=QUESTION, principal=ANYBODY, limit=1_000)
    searched = forest.retriever.retrieve(setup, request).passages
    assert list(answered(forest, setup, Depth()).packable) == searched
    assert any(passage.hit.stands_for for passage in searched) or setup is SETUPS["merged"]


@each_setup
def test_what_lies_deeper_comes_behind_and_repeats_nothing_whole(forest: World, setup: SearchSetup) -> None:
    own = answered(forest, setup, Depth())
    deep = answered(forest, setup, Depth(passages=100, documents=5))
    assert deep.own == own.own
    assert list(deep.packable) == list(own.packable)
    assert deep.is_exhausted
    assert len(deep.passages) > own.own
    assert [passage.hit.rank for passage in deep.passages] == list(range(1, len(deep.passages) + 1))
    for passage in deep.passages[deep.own :]:
        held = [one.hit.span for one in own.passages if one.hit.version_id == passage.hit.version_id]
        assert not any(span.overlap(passage.hit.span) == len(passage.hit.span) for span in held)
    for version in {passage.hit.version_id for passage in own.passages}:
        spans = [passage.hit.span for passage in own.passages if passage.hit.version_id == version]
        assert sum(map(len, spans)) == sum(map(len, union(spans)))


def test_what_a_cap_drops_is_kept_beside_what_stays(forest: World) -> None:
    capped = lexical(16, candidates=100, max_per_source={"hits": 1})
    all_hits = answered(forest, lexical(16, candidates=100), Depth()).passages
    kept = answered(forest, capped, Depth())
    together = [*(passage.hit for passage in kept.passages), *kept.capped]
    assert kept.capped
    assert len({passage.hit.document_id for passage in kept.passages}) == kept.own
    assert {(hit.version_id, hit.span) for hit in together} == {(one.hit.version_id, one.hit.span) for one in all_hits}
    assert answered(forest, lexical(16, candidates=100), Depth()).capped == []


@each_setup
def test_a_screening_sends_what_a_search_finds(forest: World, setup: SearchSetup) -> None:
    _, view = forest.retriever.open_index(WORKSPACE, setup)
    (sent,) = Answers(forest.database, [Arm(label="a", setup=setup, view=view)], ANYBODY, 60).sent(QUESTION)
    found = answered(forest, setup, Depth()).packable
    ranked = [(VersionSpan(one.hit.version_id, one.hit.span), one.text) for one in found]
    assert sent == cut_at_budget(ranked, 60, TokenMeter()).spans
