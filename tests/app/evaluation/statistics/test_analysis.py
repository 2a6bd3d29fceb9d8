"""The whole analysis: identity, order, baseline, looks, failures, choices in words, and what it is made of."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.evaluation.statistics.analysis import Analysis, AnalysisPlan, analyse
from app.evaluation.statistics.score_table import ScoreTable
from tests.app.evaluation.statistics.tables import PLAN, table_of, tables

SWAPPED = {"better": "worse", "worse": "better"}


def some_table(strategies: int = 4, questions: int = 120, gap: float = 0.1) -> ScoreTable:
    random = np.random.default_rng(8)
    base = random.uniform(0.2, 0.4, questions)
    scores = base + random.uniform(-0.1, 0.1, (strategies, questions)) + gap * np.arange(strategies)[:, np.newaxis]
    return table_of(scores)


def test_the_same_strategy_twice_is_never_better() -> None:
    scores = np.random.default_rng(1).random((1, 80))
    analysis = analyse(table_of(np.concatenate([scores, scores])), PLAN)
    (pair,) = analysis.pairs
    assert (pair.difference, pair.p, pair.holm_p) == (0.0, 1.0, 1.0)
    assert (pair.wins, pair.ties, pair.losses) == (0, 80, 0)
    assert pair.verdict in ("equivalent", "too_close_to_call")
    assert pair.interval_method == "plus_two"
    assert analysis.co_winners == ["a", "b"]


def test_every_pair_is_judged_once() -> None:
    analysis = analyse(some_table(), PLAN)
    assert [(pair.first, pair.second) for pair in analysis.pairs] == [
        ("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")
    ]  # fmt: skip
    assert {pair.verdict for pair in analysis.pairs} == {"worse"}
    assert (analysis.top, analysis.co_winners) == ("d", ["d"])
    assert [score.label for score in analysis.strategies] == ["a", "b", "c", "d"]
    assert (analysis.questions, analysis.clusters) == (120, 120)


def test_with_a_baseline_only_pairs_with_it_are_tested() -> None:
    analysis = analyse(some_table(), PLAN.model_copy(update={"baseline": "b"}))
    assert [(pair.first, pair.second, pair.verdict) for pair in analysis.pairs] == [
        ("a", "b", "worse"), ("c", "b", "better"), ("d", "b", "better")
    ]  # fmt: skip
    assert analysis.co_winners == ["c", "d"]
    assert max(pair.holm_p for pair in analysis.pairs) <= 3 * max(pair.p for pair in analysis.pairs)


@pytest.mark.parametrize("look", [1, 2, 5])
def test_a_later_look_is_tested_at_a_smaller_level(look: int) -> None:
    analysis = analyse(some_table(strategies=2), PLAN.model_copy(update={"look": look}))
    assert analysis.look == look
    assert analysis.alpha_used == pytest.approx(0.05 * 6 / (math.pi * look) ** 2)


def test_above_two_percent_failures_nobody_wins() -> None:
    table = some_table(questions=100)
    analysis = analyse(table_of(table.scores, failed=[(0, 0), (0, 1), (0, 2)]), PLAN, {"a": 1.0})
    assert analysis.no_winner_reason is not None
    assert analysis.choice == analysis.no_winner_reason
    assert (analysis.top, analysis.co_winners, analysis.cheapest_safe_choice) == (None, [], None)
    assert (analysis.winner_naive, analysis.winner_cross_fitted, analysis.winner_inflation) == (None, None, None)
    assert len(analysis.pairs) == 6
    fewer = analyse(table_of(table.scores, failed=[(0, 0), (0, 1)]), PLAN)
    assert (fewer.no_winner_reason, fewer.top) == (None, "d")


def test_the_winners_score_is_cross_fitted() -> None:
    analysis = analyse(some_table(strategies=5, questions=60, gap=0.0), PLAN)
    assert analysis.winner_naive is not None
    assert analysis.winner_cross_fitted is not None
    assert analysis.winner_naive == max(score.mean for score in analysis.strategies)
    assert analysis.winner_inflation == pytest.approx(analysis.winner_naive - analysis.winner_cross_fitted)
    assert analysis.winner_naive > analysis.winner_cross_fitted


def test_the_cheapest_safe_choice_in_words() -> None:
    random = np.random.default_rng(3)
    base = random.uniform(0.4, 0.6, 400)
    table = table_of(base + random.uniform(-0.02, 0.02, (3, 400)))
    analysis = analyse(table, PLAN, {"a": 3.0, "b": 1.0, "c": 2.0})
    assert analysis.cheapest_safe_choice is not None
    assert analysis.cheapest_safe_choice.label == "b"
    assert analysis.choice == analysis.cheapest_safe_choice.sentence
    assert analysis.choice.startswith("choosing b instead of")


def test_where_nothing_is_safe_it_says_so_and_what_the_top_may_lose() -> None:
    few = some_table(questions=12, gap=0.0)
    with_costs, without = analyse(few, PLAN, dict.fromkeys("abcd", 1.0)), analyse(few, PLAN)
    assert with_costs.cheapest_safe_choice is None
    assert with_costs.choice.startswith(f"no choice is shown to lose at most 0.050; choosing {with_costs.top} instead")
    assert without.choice.startswith(f"no costs were given; choosing {without.top} instead of")


def test_a_single_strategy_has_no_pairs() -> None:
    analysis = analyse(table_of(np.full((1, 30), 0.5)), PLAN)
    assert (analysis.pairs, analysis.co_winners, analysis.top) == ([], ["a"], "a")
    assert analysis.choice == "there is no other strategy to choose"


@pytest.mark.parametrize(("documents", "has_note"), [(0, True), (19, True), (20, False)])
def test_few_documents_are_named_as_the_scope(documents: int, has_note: bool) -> None:
    note = analyse(some_table(), PLAN.model_copy(update={"document_clusters": documents})).scope_note
    assert (note is not None) == has_note
    if note is not None:
        assert note == f"holds for questions like these on these {documents} documents, not for new documents"


@pytest.mark.parametrize(("baseline", "costs"), [("z", None), (None, {"z": 1.0})])
def test_an_unknown_strategy_is_refused(baseline: str | None, costs: dict[str, float] | None) -> None:
    with pytest.raises(ValueError, match=r"\['z'\]"):
        analyse(some_table(), PLAN.model_copy(update={"baseline": baseline}), costs)


def test_clusters_are_the_units() -> None:
    random = np.random.default_rng(6)
    clusters = np.repeat(np.arange(12), 20)
    own = random.normal(0.04, 0.05, 12)[clusters]
    scores = np.clip(np.array([0.5 + own, np.full(240, 0.5)]), 0, 1)
    alone, together = analyse(table_of(scores), PLAN), analyse(table_of(scores, clusters=clusters), PLAN)
    assert together.clusters == 12
    assert together.pairs[0].p > alone.pairs[0].p
    assert together.pairs[0].detectable_single is not None
    assert alone.pairs[0].detectable_single is not None
    assert together.pairs[0].detectable_single > 3 * alone.pairs[0].detectable_single


def test_it_survives_json() -> None:
    analysis = analyse(some_table(), PLAN, {"a": 1.0})
    assert Analysis.model_validate_json(analysis.model_dump_json()) == analysis


def test_every_field_of_the_plan_is_described() -> None:
    for name, field in AnalysisPlan.model_fields.items():
        assert field.description, name


@settings(deadline=None, max_examples=25)
@given(tables(), st.integers(0, 10_000))
def test_the_order_of_questions_changes_nothing(table: ScoreTable, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(table.questions))
    names: dict[int, int] = {}
    clusters = [names.setdefault(int(cluster), len(names)) for cluster in table.clusters[order]]
    shuffled = dataclasses.replace(
        table,
        questions=tuple(table.questions[number] for number in order),
        scores=table.scores[:, order],
        failed=table.failed[:, order],
        clusters=np.array(clusters),
    )
    assert analyse(shuffled, PLAN) == analyse(table, PLAN)


@settings(deadline=None, max_examples=25)
@given(tables())
def test_the_order_of_strategies_swaps_the_pairs(table: ScoreTable) -> None:
    turned = dataclasses.replace(
        table, strategies=table.strategies[::-1], scores=table.scores[::-1], failed=table.failed[::-1]
    )
    there, back = analyse(table, PLAN), analyse(turned, PLAN)
    by_names = {(pair.first, pair.second): pair for pair in back.pairs}
    for pair in there.pairs:
        other = by_names[pair.second, pair.first]
        assert other.verdict == SWAPPED.get(pair.verdict, pair.verdict)
        assert (other.p, other.holm_p, other.reason) == (pair.p, pair.holm_p, pair.reason)
        assert (other.wins, other.losses) == (pair.losses, pair.wins)
        assert (other.low, other.high) == pytest.approx((-pair.high, -pair.low), abs=1e-9)
    assert set(there.co_winners) == set(back.co_winners)
    assert there.top == back.top
    assert there.winner_cross_fitted == pytest.approx(back.winner_cross_fitted)
