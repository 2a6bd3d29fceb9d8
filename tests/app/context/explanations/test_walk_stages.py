"""The stages that are told for walks made by hand."""

from __future__ import annotations

from dataclasses import replace

from app.context.explanations.asked import Asked
from app.context.explanations.chunk_ways import CutChunk, ways_of
from app.context.explanations.places import KnownDocument, Place
from app.context.explanations.stages import STAGES, Stage
from app.context.explanations.standings import ChunkStandings, Standing
from app.context.explanations.walk import Walk
from app.context.explanations.walk_stages import stages_of
from app.context.passages import Decision
from app.context.policy import ContextPolicy
from app.context.query_expansions.multi_query import MultiQuery
from app.context.receipt import receipt_of
from app.context.retrieve import Request
from app.context.search.recency import Recency
from app.context.search.source_cap import SourceCap
from app.context.strategy import SearchSetup, load_presets
from configs.span import Span
from indexes.access import Principal
from indexes.database.engine import now
from indexes.search import Hit, Step
from tests.app.context.library import Library

SETUP = load_presets()["lexical"].strategy.retrieval
PLACE = Place(
    document=KnownDocument(id="a", external_id="a", access=None, tags=(), metadata={}, ready_version_id="a-1"),
    version_id="a-1", span=Span(50, 60), text="ten marks.",
)  # fmt: skip
CHUNK = CutChunk(ordinal=0, span=Span(0, 60), tokens=12, held=Span(50, 60))
FOUND = ChunkStandings(stores={"bm25": Standing(rank=3, of=7, taken=5, score=1.5, last_score=0.5)}, fused=None)


def asked(**options: object) -> Asked:
    """Return a context of nothing, asked by words and with search options."""
    assert isinstance(SETUP, SearchSetup)
    receipt = receipt_of(Library({}).assemble(ContextPolicy(), []))
    request = Request(workspace_id="w", question="why", principal=Principal.of([]))
    setup = SETUP.model_copy(update=options)
    return Asked(id="c", setup=setup, receipt=receipt, request=request, user_id=None, as_of=now(), preferences=None)


def decided(reason: str, label: str | None = None, **details: int) -> Decision:
    """Return a decision on the chunk."""
    hit = Hit(
        rank=3, document_id="a", version_id="a-1", ordinal=0, span=CHUNK.span, tokens=12, score=1.5, stores={}
    )  # fmt: skip
    return Decision(hit=hit, reason=reason, label=label, details=details)  # type: ignore[arg-type]  # any reason


def walked(decision: Decision | None, **facts: object) -> Walk:
    """Return the walk of a text that one chunk holds."""
    assert isinstance(SETUP, SearchSetup)
    decisions = {0: decision} if decision is not None else {}
    ways = tuple(ways_of([CHUNK], SETUP, {0: FOUND}, decisions))
    content: dict[str, object] = {"place": PLACE, "ways": ways, "missing": (PLACE.span,), **facts}
    return Walk(**content)  # type: ignore[arg-type]  # facts are of their fields' types


def stopped(walk: Walk, **options: object) -> Stage:
    """Return the stage that stopped a walk, after checking that every stage is told once and none after it reached."""
    stages = stages_of(walk, asked(**options))
    assert [stage.stage for stage in stages] == list(STAGES)
    (found,) = [stage for stage in stages if stage.verdict == "stopped"]
    after = stages[stages.index(found) + 1 :]
    assert {stage.verdict for stage in after} <= {"not_reached"}
    return found


def test_what_a_better_candidate_held_and_lost_was_trimmed_away() -> None:
    found = stopped(walked(decided("trimmed", "S1")))
    assert (found.stage, found.code) == ("unique", "trimmed_away")


def test_what_no_chunk_holds_was_dropped_by_the_chunker() -> None:
    found = stopped(walked(None, ways=(), dropped=(PLACE.span,)))
    assert (found.stage, found.code, found.details) == ("chunked", "dropped_by_chunker", {"dropped": [[50, 60]]})


def test_a_part_that_no_chunk_holds_is_told() -> None:
    walk = walked(
        decided("packed", "S1"), is_cut=True, dropped=(Span(58, 60),), labels=("S1",), missing=(Span(58, 60),)
    )
    (chunked,) = [stage for stage in stages_of(walk, asked()) if stage.stage == "chunked"]
    assert (chunked.verdict, chunked.code, chunked.details) == ("partly", "dropped_by_chunker", {"dropped": [[58, 60]]})


def test_a_cap_says_how_many_better_hits_its_source_has() -> None:
    for cap, source in (
        (SourceCap(hits=1), "Its document has 1 better hit,"),
        (SourceCap(field="team"), "by team, has 3"),
    ):
        found = stopped(walked(decided("max_per_source")), max_per_source=cap)
        assert (found.stage, found.code) == ("options", "max_per_source")
        assert source in found.sentence


def test_what_the_wordings_together_rank_too_low_is_told() -> None:
    way = walked(None).ways[0].model_copy(update={"stopped_by": "options"})
    found = stopped(walked(None, ways=(way,)), query_expansion=MultiQuery(kind="multi_query"))
    assert (found.stage, found.code) == ("options", "lost_in_options")
    assert "beyond the best" in found.sentence


def test_every_step_is_said_in_order() -> None:
    decision = decided("packed", "S1")
    steps = (Step(stage="query_expansion", rank=None, score=None), Step(stage="recency", rank=7, score=0.5))
    decision = replace(decision, hit=replace(decision.hit, steps=steps))
    walk = walked(decision, labels=("S1",), missing=())
    (options,) = [one for one in stages_of(walk, asked(recency=Recency())) if one.stage == "options"]
    assert options.verdict == "passed"
    assert options.sentence == "query_expansion: not found before, 7 after; recency: rank 7 before, 3 after."


def test_a_reason_that_is_the_packers_own_keeps_its_name() -> None:
    capped = stopped(walked(decided("source_cap", needed_tokens=90, left_tokens=41)))
    assert (capped.stage, capped.code, capped.details["missed_by_tokens"]) == ("packed", "source_cap", 49)
    budget = stopped(walked(decided("budget", needed_tokens=361, left_tokens=320)))
    assert budget.sentence == "It missed the budget by 41 tokens: it needs 361, 320 were left."
    unknown = stopped(walked(decided("some_new_reason")))
    assert (unknown.stage, unknown.code) == ("packed", "some_new_reason")


def test_a_text_that_is_all_there_passes_every_stage() -> None:
    stages = stages_of(walked(decided("packed", "S1"), labels=("S1",), missing=()), asked())
    assert {stage.verdict for stage in stages} == {"passed", "not_applicable"}
    assert stages[-1].details == {"labels": ["S1"]}
