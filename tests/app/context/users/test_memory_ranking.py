"""Memories ranked by recency, importance and relevance: sums by hand, ties, and time."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.context.users.known import Memory, MemoryKind
from app.context.users.memory_ranking import KINDS, MemoryWeights, rank_memories

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ABSOLUTE = MemoryWeights(scale="absolute")


def memory(identifier: str, hours: float = 0, importance: int = 5, kind: MemoryKind = "episodic") -> Memory:
    used = NOW - timedelta(hours=hours)
    return Memory(
        id=identifier,
        kind=kind,
        text=identifier,
        importance=importance,
        valid_from=used,
        valid_to=None,
        recorded_at=used,
        last_used_at=used,
        supersedes=None,
    )


def cosines(*values: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.array(values, np.float32)


def ranked_ids(memories: list[Memory], *values: float, weights: MemoryWeights = ABSOLUTE) -> list[str]:
    return [one.memory_id for one in rank_memories(memories, cosines(*values), NOW, weights).best()]


@pytest.mark.parametrize("weights", [ABSOLUTE, MemoryWeights()])
def test_of_two_alike_the_newer_comes_first(weights: MemoryWeights) -> None:
    assert ranked_ids([memory("a", hours=2), memory("b", hours=1)], 0.5, 0.5, weights=weights) == ["b", "a"]


def test_an_episodic_memory_fades_to_half_in_138_hours_and_a_semantic_one_in_58_days() -> None:
    memories = [memory("a", 138.28), memory("b", 24 * 57.75, kind="semantic"), memory("c", 0)]
    decay = rank_memories(memories, cosines(0, 0, 0), NOW, ABSOLUTE).decay
    assert decay == pytest.approx([0.5, 0.5, 1.0], abs=1e-4)


def test_each_kind_fades_at_its_own_rate() -> None:
    weights = MemoryWeights(semantic_hourly_decay=1, episodic_hourly_decay=0.5, procedural_hourly_decay=0.9)
    memories = [memory("a", 2, kind="procedural"), memory("b", 2, kind="semantic"), memory("c", 2, kind="episodic")]
    assert rank_memories(memories, cosines(0, 0, 0), NOW, weights).decay == pytest.approx([0.81, 1, 0.25])


def test_the_parts_add_up_by_hand() -> None:
    """Decays 1, 0.25, 0.5 and cosines 0.2, 0.6, 0.4, stretched to 0 to 1, with weights 1, 2 and 3."""
    weights = MemoryWeights(recency=1, importance=2, relevance=3, episodic_hourly_decay=0.5)
    memories = [memory("a", 0, 10), memory("b", 2, 1), memory("c", 1, 5)]
    best = rank_memories(memories, cosines(0.2, 0.6, 0.4), NOW, weights).best()
    assert [(one.memory_id, one.position, one.rank) for one in best] == [("b", 1, 1), ("a", 0, 2), ("c", 2, 3)]
    assert [one.score for one in best] == pytest.approx([0 + 0.2 + 3, 1 + 2 + 0, 1 / 3 + 1 + 1.5])
    assert (best[2].recency, best[2].importance, best[2].relevance) == pytest.approx((1 / 3, 0.5, 0.5))
    assert (best[2].decay, best[2].cosine) == pytest.approx((0.5, 0.4))


def test_where_all_are_alike_nothing_is_nan_and_ids_decide() -> None:
    memories = [memory("c"), memory("a"), memory("b")]
    ranking = rank_memories(memories, cosines(0.3, 0.3, 0.3), NOW, MemoryWeights())
    assert [one.memory_id for one in ranking.best()] == ["a", "b", "c"]
    assert ranking.scores.tolist() == [1.5, 1.5, 1.5]


def test_equal_scores_go_by_later_use_and_then_by_id() -> None:
    weights = MemoryWeights(recency=0)
    memories = [memory("b", 1), memory("c", 0), memory("a", 1)]
    assert ranked_ids(memories, 0.1, 0.1, 0.1, weights=weights) == ["c", "a", "b"]


def test_a_use_in_the_future_counts_as_now() -> None:
    assert rank_memories([memory("a", -5)], cosines(1), NOW, ABSOLUTE).decay.tolist() == [1.0]


def test_one_second_decides_among_stretched_candidates_but_not_on_the_absolute_scale() -> None:
    memories = [memory("a", 1 / 3_600), memory("b", 0)]
    assert ranked_ids(memories, 0.6, 0.4, weights=ABSOLUTE) == ["a", "b"]
    assert ranked_ids(memories, 0.6, 0.4, weights=MemoryWeights(recency=2)) == ["b", "a"]


def test_no_memories_and_a_cut() -> None:
    assert rank_memories([], cosines(), NOW, MemoryWeights()).best() == ()
    ranking = rank_memories([memory("a"), memory("b")], cosines(0, 1), NOW, ABSOLUTE)
    assert [one.memory_id for one in ranking.best(1)] == ["b"]
    assert ranking.best(0) == ()


@st.composite
def some_memories(draw: st.DrawFn) -> tuple[list[Memory], list[float]]:
    count = draw(st.integers(1, 8))
    kinds = st.sampled_from(KINDS)
    memories = [
        memory(f"m{number}", draw(st.floats(0, 1e5)), draw(st.integers(1, 10)), draw(kinds)) for number in range(count)
    ]
    return memories, draw(st.lists(st.floats(-1, 1, width=32), min_size=count, max_size=count))


@given(drawn=some_memories(), data=st.data(), scale=st.sampled_from(["candidates", "absolute"]))
def test_the_order_given_changes_nothing_and_parts_stay_within_bounds(
    drawn: tuple[list[Memory], list[float]], data: st.DataObject, scale: Any
) -> None:
    memories, values = drawn
    weights = MemoryWeights(scale=scale)
    best = rank_memories(memories, cosines(*values), NOW, weights).best()
    shuffled = data.draw(st.permutations(range(len(memories))))
    again = rank_memories([memories[n] for n in shuffled], cosines(*(values[n] for n in shuffled)), NOW, weights).best()
    assert [replace(one, position=0) for one in again] == [replace(one, position=0) for one in best]
    for one in best:
        assert all(0 <= part <= 1 for part in (one.recency, one.importance, one.relevance))
        assert one.score == pytest.approx(one.recency + one.importance + one.relevance, abs=1e-5)


@given(drawn=some_memories(), hours=st.floats(0.1, 1e4), data=st.data())
def test_using_a_memory_lately_never_makes_it_score_lower(
    drawn: tuple[list[Memory], list[float]], hours: float, data: st.DataObject
) -> None:
    memories, values = drawn
    chosen = data.draw(st.integers(0, len(memories) - 1))
    later = [
        replace(one, last_used_at=min(NOW, one.last_used_at + timedelta(hours=hours))) if number == chosen else one
        for number, one in enumerate(memories)
    ]
    before = rank_memories(memories, cosines(*values), NOW, ABSOLUTE).scores[chosen]
    assert rank_memories(later, cosines(*values), NOW, ABSOLUTE).scores[chosen] >= before


@pytest.mark.parametrize("wrong", [cosines(0.1), cosines(0.1, float("nan")), cosines(0.1, 0.2)[:, None]])
def test_cosines_that_do_not_fit_are_refused(wrong: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    with pytest.raises(ValueError, match="2 memories need as many finite cosines"):
        rank_memories([memory("a"), memory("b")], wrong, NOW, ABSOLUTE)


def test_a_thousand_memories_take_about_a_millisecond() -> None:
    draw = np.random.default_rng(3)
    memories = [memory(f"m{number:04}", float(draw.uniform(0, 5_000)), 1 + number % 10) for number in range(1_000)]
    relevance = draw.uniform(-1, 1, 1_000).astype(np.float32)
    durations_seconds = []
    for _ in range(20):
        start = time.thread_time()
        rank_memories(memories, relevance, NOW, MemoryWeights())
        durations_seconds.append(time.thread_time() - start)
    assert min(durations_seconds) < 0.003, "of the processor; three times the aim, for a slow machine"


@pytest.mark.parametrize(
    "wrong", [{"recency": -1}, {"relevance": float("nan")}, {"episodic_hourly_decay": 0}, {"scale": "log"}, {"x": 1}]
)
def test_weights_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MemoryWeights.model_validate(wrong)


def test_every_weight_is_described_and_live() -> None:
    for setting in MemoryWeights.model_fields.values():
        assert len((setting.description or "").split()) >= 4
        assert setting.json_schema_extra == {"applies": "live"}
