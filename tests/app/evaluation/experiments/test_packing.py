"""What is sent within a budget, and the order that a ranking metric sees: the same as packing has."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.contexts import Contexts
from app.context.found_passages import Passage
from app.context.locations import NOWHERE
from app.context.personal.asker import RankedMemory
from app.context.personal.material import NOTHING_PERSONAL, PersonalMaterial
from app.context.policy import ContextPolicy
from app.context.users.banned_sources import Ban
from app.context.users.feedback_boosts import BoostParts
from app.context.users.known import Memory
from app.evaluation.experiments.answered import Answered
from app.evaluation.experiments.packing import Packing, ranked_for
from configs.span import Span
from indexes.database.engine import now
from indexes.search import Hit
from tests.app.evaluation.world import World

TEXT = "The heron lives by quiet water and eats small fish at dawn."


def passage(number: int, score: float, text: str = TEXT, version_id: str = "") -> Passage:
    hit = Hit(
        rank=number + 1, document_id=f"d{number}", version_id=version_id or f"v{number}", ordinal=0,
        span=Span(0, len(text)), tokens=12, score=score, stores={},
    )  # fmt: skip
    return Passage(
        hit=hit, text=text, measure=None, external_id=f"d{number}", title="", file_name="", tags=(), heading_path=(),
        location=NOWHERE,
    )  # fmt: skip


def boost(document_id: str, total: float) -> BoostParts:
    return BoostParts(
        document_id=document_id, own_feedback=total, workspace_feedback=0.0, preferred_source=0.0, preferred_tag=0.0,
        total=total,
    )  # fmt: skip


def answered(scores: Sequence[float], own: int) -> Answered:
    passages = [passage(number, score) for number, score in enumerate(sorted(scores, reverse=True))]
    return Answered(passages=passages, own=own, is_exhausted=True, stages={})


def memory(text: str) -> RankedMemory:
    moment = now()
    one = Memory(
        id="m", kind="semantic", text=text, importance=5, valid_from=moment, valid_to=None, recorded_at=moment,
        last_used_at=moment, supersedes=None,
    )  # fmt: skip
    return RankedMemory(memory=one, rank=1, score=1.0, recency=1.0, importance=0.5, relevance=None)


@given(st.data())
def test_the_ranking_is_the_search_without_bans_boosted_as_far_as_packing_looks(data: st.DataObject) -> None:
    scores = data.draw(st.lists(st.integers(0, 20).map(float), min_size=1, max_size=8))
    own = data.draw(st.integers(0, len(scores)))
    boosts = data.draw(st.lists(st.sampled_from([-0.2, 0.0, 0.1, 0.2]), min_size=len(scores), max_size=len(scores)))
    banned = data.draw(st.sets(st.integers(0, len(scores) - 1)))
    found = answered(scores, own)
    material = PersonalMaterial(
        bans={f"d{number}": Ban(by="source", value="x") for number in banned},
        boosts={f"d{number}": boost(f"d{number}", total) for number, total in enumerate(boosts)},
    )
    allowed = [number for number in range(own) if number not in banned]
    sorted_scores = sorted(scores, reverse=True)
    near = [sorted_scores[number] for number in allowed]
    if any(boosts[number] for number in allowed):
        low, spread = min(near), max(near) - min(near)
        near = [
            ((score - low) / spread if spread else 0.5) * (1 + boosts[number])
            for score, number in zip(near, allowed, strict=True)
        ]
    order = [allowed[place] for place in sorted(range(len(allowed)), key=lambda place: (-near[place], place))]
    expected = [*order, *(number for number in range(own, len(scores)) if number not in banned)]
    ranked = ranked_for(found, material)
    assert [one.hit.document_id for one in ranked] == [f"d{number}" for number in expected]
    assert [one.hit.score for one in ranked] == [sorted_scores[number] for number in expected]


def test_nothing_personal_changes_nothing() -> None:
    found = answered([3.0, 2.0, 1.0], 2)
    assert ranked_for(found, NOTHING_PERSONAL) is found.passages


def test_what_is_sent_of_the_user_takes_room_from_documents_and_instructions_do_not(world: World) -> None:
    texts = {f"d{number}": f"{TEXT} Note number {number * 7919}." for number in range(12)}
    world.add_all(texts)
    packing = Packing(Contexts(world.database, world.retriever))
    passages = [
        passage(number, 1.0 - number / 100, text, world.version_of(name))
        for number, (name, text) in enumerate(texts.items())
    ]
    policy = ContextPolicy(near_duplicate_distance=None)
    plain, instructed, remembering = (
        packing.sent_context(policy, "Where does the heron live?", passages, material, 200)
        for material in (
            NOTHING_PERSONAL,
            PersonalMaterial(workspace_instructions="Be brief and polite. " * 30),
            PersonalMaterial(memories=(memory("likes herons"),)),
        )
    )
    assert plain.spans == instructed.spans
    assert plain.tokens == pytest.approx(instructed.tokens, abs=2)
    assert 0 < len(remembering.spans) < len(plain.spans)
    assert remembering.tokens < plain.tokens <= 200
