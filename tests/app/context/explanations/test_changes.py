"""Single changes: each differs in one thing, its size by hand, nearest first; other setups only where they answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.explanations.asked import Setup
from app.context.explanations.changes import OTHER_INDEX, SWITCH, Change, Changes
from app.context.packers import Packer
from app.context.packers.greedy import Greedy
from app.context.policy import ContextPolicy
from app.context.saved_strategies import save_strategy
from app.context.strategy import SearchSetup, Strategy
from indexes.fusions.convex import Convex
from indexes.fusions.reciprocal_rank import ReciprocalRank
from tests.app.context.explanations.scripted import HYBRID, WORDS
from tests.app.evaluation.world import NO_CONTEXT, WHOLE_DOCUMENTS, WORKSPACE, World, lexical

POLICY = ContextPolicy(budget_tokens=4_000)
CHANGES = Changes(HYBRID, POLICY)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Yield a world with indexes of 16 and 32 tokens that are built, and one of 64 that is not."""
    world = World(tmp_path_factory.mktemp("setups"))
    world.add("oak", "The oak carries acorns.")
    world.build(lexical(16), maintained=True)
    world.build(lexical(32), maintained=True)
    with world.database.write() as session:
        for name, setup in (("small", lexical(16)), ("deep", lexical(16, candidates=7)), ("unbuilt", lexical(64))):
            save_strategy(session, WORKSPACE, name, Strategy(retrieval=setup))
        save_strategy(session, WORKSPACE, "nothing", Strategy(retrieval=NO_CONTEXT))
    yield world
    world.close()


def other_setups(world: World, setup: Setup) -> list[Change]:
    """Return the changes to other setups."""
    with world.database.read() as session:
        return list(Changes(setup, POLICY).setups(session, WORKSPACE))


@pytest.mark.parametrize(("tokens", "size"), [(8_000, 1.0), (16_000, 2.0), (2_000, 1.0), (4_000, 0.0)])
def test_a_budget_is_measured_in_doublings(tokens: int, size: float) -> None:
    change = CHANGES.budget(tokens)
    assert (change.kind, change.setting, change.before, change.after) == (
        "budget", "context.budget_tokens", 4_000, tokens,
    )  # fmt: skip
    assert change.size == pytest.approx(size)
    assert change.setup is HYBRID
    assert change.policy == POLICY.model_copy(update={"budget_tokens": tokens})


@given(count=st.integers(1, 1_000))
def test_candidates_back_and_forth_are_of_one_size(count: int) -> None:
    there = CHANGES.candidates(HYBRID, count)
    assert isinstance(there.setup, SearchSetup)
    back = Changes(there.setup, POLICY).candidates(there.setup, HYBRID.candidates)
    assert (there.before, there.after, back.before, back.after) == (10, count, count, 10)
    assert there.size == pytest.approx(back.size)
    assert back.setup == HYBRID
    assert there.policy is POLICY


def test_a_weight_is_measured_by_its_share_of_the_range() -> None:
    assert isinstance(HYBRID.fusion, Convex)
    change = CHANGES.dense_weight(HYBRID, HYBRID.fusion, 0.9)
    assert (change.kind, change.before, change.after) == ("fusion", 0.5, 0.9)
    assert change.size == pytest.approx(0.4)
    assert change.setup == HYBRID.model_copy(update={"fusion": Convex(kind="convex", dense_weight=0.9)})


def test_constants_of_reciprocal_ranks_come_nearest_first_and_never_the_same() -> None:
    fusion = ReciprocalRank(kind="reciprocal_rank", k=60)
    setup = HYBRID.model_copy(update={"fusion": fusion})
    changes = list(Changes(setup, POLICY).reciprocal_constants(setup, fusion))
    assert sorted(change.after for change in changes) == [1, 5, 15, 30, 120, 300, 1_000]
    assert {change.after for change in changes[:2]} == {30, 120}
    assert [change.after for change in changes[-2:]] == [1_000, 1]
    assert [change.size for change in changes[:3]] == pytest.approx([1.0, 1.0, 2.0])
    for change in changes:
        wanted = ReciprocalRank(kind="reciprocal_rank", k=change.after)
        assert change.setup == HYBRID.model_copy(update={"fusion": wanted})


def test_the_other_fusion_is_a_switch_and_one_store_has_none() -> None:
    (change,) = CHANGES.fusions(HYBRID)
    assert (change.after, change.size) == ({"kind": "reciprocal_rank"}, SWITCH)
    assert isinstance(change.setup, SearchSetup)
    assert isinstance(change.setup.fusion, ReciprocalRank)
    assert change.setup.model_copy(update={"fusion": HYBRID.fusion}) == HYBRID
    assert list(CHANGES.fusions(WORDS)) == []


def test_every_other_packer_is_tried_once_and_the_same_one_with_its_defaults() -> None:
    kinds = set(Packer.members())
    changes = list(CHANGES.packers())
    assert {change.after["kind"] for change in changes} == kinds - {"greedy"}
    assert len(changes) == len(kinds) - 1
    tuned = POLICY.model_copy(update={"packer": Greedy(kind="greedy", max_share_per_document=0.3)})
    assert {change.after["kind"] for change in Changes(HYBRID, tuned).packers()} == kinds
    for change in changes:
        assert change.policy.packer.kind_of_class() == change.after["kind"]
        assert change.policy.model_copy(update={"packer": POLICY.packer}) == POLICY
        assert (change.before["kind"], change.size) == ("greedy", SWITCH)


def test_merging_is_turned() -> None:
    off = CHANGES.merging()
    assert (off.setting, off.before, off.after, off.size) == ("context.merge_adjacent", True, False, SWITCH)
    assert Changes(HYBRID, off.policy).merging().policy == POLICY


@pytest.mark.parametrize(
    ("distance", "values", "sixteenths"), [(2, [1, 0, None], [1, 2, 3]), (0, [None], [1]), (None, [], [])]
)
def test_distances_of_near_duplicates_shrink_down_to_none_at_all(
    distance: int | None, values: list[int | None], sixteenths: list[int]
) -> None:
    policy = ContextPolicy(near_duplicate_distance=distance)
    changes = Changes(WORDS, policy).near_duplicates()
    assert [change.after for change in changes] == values
    assert [change.size * 16 for change in changes] == sixteenths
    assert [change.policy.near_duplicate_distance for change in changes] == values


@given(threshold=st.floats(0.01, 1.0))
def test_thresholds_of_overlap_only_grow(threshold: float) -> None:
    policy = ContextPolicy(span_overlap_threshold=threshold)
    changes = Changes(WORDS, policy).overlaps()
    values = [change.policy.span_overlap_threshold for change in changes]
    assert values == sorted(values)
    assert all(value > threshold for value in values)
    assert [change.size for change in changes] == [value - threshold for value in values]
    assert (values[-1:] == [1.0]) == (threshold < 1.0)


def test_other_setups_are_those_that_can_be_searched_at_once(library: World) -> None:
    found = {change.after: change for change in other_setups(library, lexical(16))}
    strategies = {name for name in found if name.startswith("strategy")}
    assert strategies == {"strategy deep version 1", "strategy nothing version 1"}
    assert found["strategy nothing version 1"].setup == NO_CONTEXT
    (index,) = set(found) - strategies
    other = found[index].setup
    assert isinstance(other, SearchSetup)
    assert other.recipe == lexical(32).recipe
    assert {change.size for change in found.values()} == {OTHER_INDEX}
    assert all(change.policy is POLICY for change in found.values())


def test_an_index_of_no_strategy_takes_over_the_candidates_asked_for(library: World) -> None:
    changes = [one for one in other_setups(library, lexical(64, candidates=5)) if one.after.startswith("index")]
    assert [getattr(change.setup, "candidates", None) for change in changes] == [5]
    (of_baseline,) = [one for one in other_setups(library, WHOLE_DOCUMENTS) if one.after.startswith("index")]
    assert of_baseline.setup == lexical(32)


def test_each_search_option_can_be_turned_off_and_goes_along_to_other_indexes(library: World) -> None:
    setup = lexical(16, recency={"weight": 0.3}, max_per_source={"hits": 2})
    changes = list(Changes(setup, POLICY).options(setup))
    assert [(one.kind, one.setting, one.after, one.size) for one in changes] == [
        ("options", "retrieval.recency", None, SWITCH), ("options", "retrieval.max_per_source", None, SWITCH),
    ]  # fmt: skip
    for one, left in zip(changes, ("max_per_source", "recency"), strict=True):
        assert isinstance(one.setup, SearchSetup)
        assert getattr(one.setup, left) == getattr(setup, left)
        assert getattr(one.setup, one.setting.rpartition(".")[2]) is None
    assert not list(CHANGES.options(HYBRID))
    by_index = [one.setup for one in other_setups(library, setup) if str(one.after).startswith("index")]
    assert by_index
    for other in by_index:
        assert isinstance(other, SearchSetup)
        assert (other.recency, other.max_per_source) == (setup.recency, setup.max_per_source)
