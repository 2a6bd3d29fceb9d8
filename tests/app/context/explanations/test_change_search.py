"""The search for changes: where a rule tells what admits a text, its exact border is found, and nothing beyond it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.context.explanations.asked import Setup
from app.context.explanations.change_search import ChangeSearch
from app.context.explanations.changes import Change, Changes
from app.context.explanations.stages import ChunkWay, StoreStanding
from app.context.explanations.target import Target
from app.context.explanations.trials import Outcome, Trials
from app.context.explanations.walk import Walk
from app.context.explanations.why_not import Opened
from app.context.policy import ContextPolicy
from app.context.strategy import MAX_CANDIDATES, SearchSetup
from indexes.fusions.convex import Convex
from indexes.fusions.reciprocal_rank import ReciprocalRank
from tests.app.context.explanations.scripted import HYBRID, PLACE, WITHOUT, WORDS, Rule, Scripted, asked_by
from tests.app.evaluation.world import NO_CONTEXT

POLICY = ContextPolicy()
LARGEST = POLICY.budget_tokens + sum(2 * decision.hit.tokens + 200 for decision in WITHOUT.decisions)
"""A budget for every candidate."""


def way(rank: int | None, **details: int) -> ChunkWay:
    """Return the way of a chunk that stands at that rank of the only list."""
    standing = StoreStanding(
        store="bm25", signal="lexical", rank=rank, of=2_000, taken=10, is_taken=False, score=0.1, last_score=0.5
    )
    return ChunkWay(
        ordinal=0, start=0, end=23, tokens=5, held_start=0, held_end=23, standings=(standing,), fused=None, rank=None,
        reason=None, label=None, details=dict(details), stopped_by="ranked",
    )  # fmt: skip


def searched(
    rule: Rule, setup: Setup = WORDS, ways: Sequence[ChunkWay] = (), others: Sequence[Change] = (), most: int = 1_000
) -> tuple[dict[tuple[str, str], Outcome], Trials]:
    """Return what the search finds by setting and value, and its trials."""
    rerun = Scripted(rule)
    opened = Opened(asked=asked_by(setup), target=Target(document_id="a"), place=PLACE, rerun=rerun, assembled=WITHOUT)
    trials = Trials(rerun, PLACE, POLICY.model, most=most, seconds=60.0)
    search = ChangeSearch(Changes(setup, POLICY), trials, Walk(place=PLACE, ways=tuple(ways)), opened)
    outcomes = list(search.outcomes(others))
    by_change = {(one.change.setting, str(one.change.after)): one for one in outcomes}
    assert len(by_change) == len(outcomes), "one change is told twice"
    return by_change, trials


def fusion_of(setup: Setup) -> object:
    """Return how a setup fuses."""
    return setup.fusion if isinstance(setup, SearchSetup) else None


@settings(max_examples=20)
@given(threshold=st.integers(POLICY.budget_tokens + 1, LARGEST), missing=st.integers(0, 400))
def test_the_smallest_budget_is_found_whatever_the_receipt_says_is_missing(threshold: int, missing: int) -> None:
    ways = [way(1, needed_tokens=missing, left_tokens=0)]
    found, _ = searched(lambda _, policy: policy.budget_tokens >= threshold, ways=ways)
    assert [outcome.change.after for outcome in found.values()] == [threshold]


def test_a_budget_that_no_candidate_could_need_is_refused_in_one_trial() -> None:
    found, trials = searched(lambda _, policy: policy.budget_tokens > LARGEST)
    without_budget, others = searched(lambda *_: False)
    assert found == without_budget == {}
    assert trials.count == others.count


@settings(max_examples=20)
@given(data=st.data())
def test_the_smallest_depth_is_found_from_any_rank_that_a_list_tells(data: st.DataObject) -> None:
    threshold = data.draw(st.integers(HYBRID.candidates + 1, MAX_CANDIDATES))
    rank = data.draw(st.integers(HYBRID.candidates + 1, threshold))
    found, _ = searched(
        lambda setup, _: isinstance(setup, SearchSetup) and setup.candidates >= threshold, HYBRID, [way(rank)]
    )
    assert [outcome.change.after for outcome in found.values()] == [threshold]


def test_a_text_deeper_than_any_search_goes_costs_few_trials() -> None:
    found, trials = searched(lambda *_: False, HYBRID, [way(1_500)])
    assert found == {}
    assert trials.count < 60


@pytest.mark.parametrize(
    ("border", "expected"),
    [
        (0.6, 0.6),  # 0.55 does not do
        (0.55, 0.55),  # the middle before the tenth does
        (0.63, 0.65),
        (0.68, 0.7),
        (0.93, 0.95),
        (1.0, 1.0),
    ],
)
def test_the_nearest_weight_is_found_to_a_twentieth(border: float, expected: float) -> None:
    def rule(setup: Setup, _policy: ContextPolicy) -> bool:
        fusion = fusion_of(setup)
        return isinstance(fusion, Convex) and fusion.dense_weight >= border - 1e-9

    found, _ = searched(rule, HYBRID, [way(11)])
    assert [outcome.change.after for outcome in found.values()] == [pytest.approx(expected)]


def test_the_nearest_constant_is_found() -> None:
    setup = HYBRID.model_copy(update={"fusion": ReciprocalRank(kind="reciprocal_rank", k=60)})

    def rule(setup: Setup, _policy: ContextPolicy) -> bool:
        fusion = fusion_of(setup)
        return isinstance(fusion, ReciprocalRank) and fusion.k <= 20

    found, _ = searched(rule, setup, [way(11)])
    assert [outcome.change.after for outcome in found.values()] == [15]


def test_every_packer_that_helps_is_told_and_switches_besides() -> None:
    def rule(setup: Setup, policy: ContextPolicy) -> bool:
        kind = policy.packer.kind_of_class()
        return kind in ("mmr", "density") or not policy.merge_adjacent or setup == NO_CONTEXT

    other = Change(
        kind="index", setting="retrieval", before="as asked", after="strategy nothing version 1", size=2.0,
        setup=NO_CONTEXT, policy=POLICY,
    )  # fmt: skip
    found, _ = searched(rule, others=[other])
    kinds = [(one.change.kind, one.change.after) for one in found.values()]
    assert sorted(kinds, key=str) == [
        ("index", "strategy nothing version 1"), ("merging", False), ("packer", {"kind": "density"}),
        ("packer", {"kind": "mmr"}),
    ]  # fmt: skip


def test_the_nearest_distance_and_threshold_are_found_only_where_the_extreme_helps() -> None:
    def rule(_setup: Setup, policy: ContextPolicy) -> bool:
        distance = policy.near_duplicate_distance
        return (distance is not None and distance <= 1) or policy.span_overlap_threshold >= 0.85

    found, _ = searched(rule)
    assert list(found) == [
        ("context.span_overlap_threshold", "0.9")
    ]  # none at all, the extreme of the distance, does not admit it


def test_where_nothing_answers_with_the_text_only_other_setups_are_tried() -> None:
    rerun = Scripted(lambda *_: True)
    opened = Opened(asked=asked_by(), target=Target(document_id="a"), place=PLACE, rerun=rerun, assembled=WITHOUT)
    trials = Trials(rerun, PLACE, POLICY.model, most=1_000, seconds=60.0)
    search = ChangeSearch(Changes(WORDS, POLICY), trials, Walk(not_ingested="not_in_index"), opened)
    assert list(search.outcomes([])) == []
    assert trials.count == 0


@pytest.mark.parametrize("most", [1, 2, 5, 9])
def test_the_search_ends_when_trials_do(most: int) -> None:
    found, trials = searched(lambda _, policy: policy.budget_tokens >= 3_050, HYBRID, [way(11)], most=most)
    assert trials.count == most
    assert trials.is_over
    assert all(outcome.change.after >= 3_050 for outcome in found.values())
