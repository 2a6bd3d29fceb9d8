"""The whole analysis of a score table: means, verdicts on pairs, co-winners, and what a choice may lose."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from app.evaluation.statistics.cluster_totals import ClusterTotals, cluster_totals
from app.evaluation.statistics.co_winners import SafeChoice, cheapest_safe_choice, co_winners, loss_bounds, loss_of
from app.evaluation.statistics.cross_fit import cross_fitted
from app.evaluation.statistics.holm import level_at_look
from app.evaluation.statistics.intervals import Counts, draw_resamples
from app.evaluation.statistics.pair_verdict import PairVerdict, pair_verdicts
from app.evaluation.statistics.score_table import ScoreTable
from app.evaluation.statistics.sign_flip import draw_signs, draws_needed
from app.evaluation.statistics.strategy_score import StrategyScore, score_strategies, too_many_failures
from app.evaluation.statistics.verdict import judge

FEWEST_DOCUMENT_CLUSTERS = 20


class AnalysisPlan(BaseModel):
    """What is settled before the scores are seen."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    margin: float = Field(0.02, gt=0, le=1, description="smaller differences do not matter")
    alpha: float = Field(0.05, gt=0, lt=1, description="level of all looks together")
    baseline: str | None = Field(None, description="named before the run: only pairs with it are tested")
    look: int = Field(1, ge=1, description="counts the runs on a growing question set")
    loss_tolerance: float = Field(0.05, gt=0, le=1, description="what the cheapest safe choice may lose at most")
    resamples: int = Field(10_000, ge=100, description="of the bootstrap")
    seed: int = Field(ge=0, description="of every random draw")
    document_clusters: int = Field(ge=0, description="documents with independent questions")


class Analysis(BaseModel):
    """What the scores show; made of the table and the plan alone."""

    model_config = ConfigDict(frozen=True)

    strategies: list[StrategyScore]
    pairs: list[PairVerdict] = Field(description="the family that is tested: all pairs, or those with the baseline")
    co_winners: list[str] = Field(description="strategies than which no other is better; empty: there is no winner")
    top: str | None = Field(description="the highest mean score; null: there is no winner")
    cheapest_safe_choice: SafeChoice | None = Field(description="null: no costs, no winner, or no loss is small enough")
    choice: str = Field(description="what may be chosen and what it loses at most, in words")
    loss_bounds: dict[str, dict[str, float]] = Field(
        description="what choosing one strategy instead of another loses at most, one-sided 95 % over all contestants"
    )
    winner_naive: float | None = Field(description="the top scorer's mean on the questions that made it the top scorer")
    winner_cross_fitted: float | None = Field(description="what choosing this way yields; null for a single cluster")
    winner_inflation: float | None = Field(description="naive minus cross-fitted")
    look: int
    alpha_used: float = Field(description="the level at this look")
    clusters: int
    questions: int
    scope_note: str | None = Field(description="for what questions this holds, where documents are few")
    no_winner_reason: str | None


def analyse(table: ScoreTable, plan: AnalysisPlan, costs: Mapping[str, float] | None = None) -> Analysis:
    """Return the analysis of all contestants; `costs` by strategy, in any one unit, choose among the co-winners.

    Neither the order of the questions nor that of the strategies matters. Raises ValueError for a baseline or a cost
    of a strategy that is not in the table.
    """
    unknown = {*(costs or {}), *([plan.baseline] if plan.baseline is not None else [])} - set(table.strategies)
    if unknown:
        raise ValueError(f"{sorted(unknown)} are no strategies of the table")
    table = table.in_order()
    totals = cluster_totals(table.scores, table.clusters)
    counts = draw_resamples(totals.clusters, plan.resamples, plan.seed)
    scores = score_strategies(table, totals, counts)
    pairs = _judged(table, totals, counts, plan)
    return Analysis(
        strategies=scores,
        pairs=pairs,
        **_winning(scores, pairs, totals, plan, costs),
        look=plan.look,
        alpha_used=level_at_look(plan.alpha, plan.look),
        clusters=totals.clusters,
        questions=totals.questions,
        scope_note=_scope(plan.document_clusters),
    )


def _judged(table: ScoreTable, totals: ClusterTotals, counts: Counts, plan: AnalysisPlan) -> list[PairVerdict]:
    size = len(table.strategies)
    chosen = list(combinations(range(size), 2))
    if plan.baseline is not None:
        baseline = table.strategies.index(plan.baseline)
        chosen = [(row, baseline) for row in range(size) if row != baseline]
    if not chosen:
        return []
    pairs = np.array(chosen, dtype=np.int64)
    differences = totals.differences(pairs[:, 0], pairs[:, 1])
    alpha = level_at_look(plan.alpha, plan.look)
    signs = draw_signs(totals.clusters, draws_needed(len(pairs), plan.look), plan.seed)
    found = judge(differences, len(pairs), signs=signs, counts=counts, margin=plan.margin, alpha=alpha)
    return pair_verdicts(table, pairs, differences, found, margin=plan.margin, alpha=alpha)


def _winning(
    scores: list[StrategyScore],
    pairs: list[PairVerdict],
    totals: ClusterTotals,
    plan: AnalysisPlan,
    costs: Mapping[str, float] | None,
) -> dict[str, Any]:
    labels = [score.label for score in scores]
    bounds = {
        label: dict(zip(labels, map(float, row), strict=True))
        for label, row in zip(labels, loss_bounds(totals), strict=True)
    }
    reason = too_many_failures(scores, totals.questions)
    found: dict[str, Any] = {"loss_bounds": bounds, "no_winner_reason": reason}
    if reason is not None:
        nothing = dict.fromkeys(
            ("top", "cheapest_safe_choice", "winner_naive", "winner_cross_fitted", "winner_inflation")
        )
        return {**found, **nothing, "co_winners": [], "choice": reason}
    top = min(scores, key=lambda score: (-score.mean, score.label))
    winners, yields = co_winners(labels, pairs), cross_fitted(totals, plan.seed)
    safe = cheapest_safe_choice(winners, top.label, bounds, costs or {}, plan.loss_tolerance)
    return {
        **found,
        "co_winners": winners,
        "top": top.label,
        "cheapest_safe_choice": safe,
        "choice": _in_words(safe, loss_of(top.label, top.label, bounds), bool(costs), plan.loss_tolerance),
        "winner_naive": top.mean,
        "winner_cross_fitted": yields,
        "winner_inflation": None if yields is None else top.mean - yields,
    }


def _in_words(safe: SafeChoice | None, top: SafeChoice | None, has_costs: bool, tolerance: float) -> str:
    if safe is not None:
        return safe.sentence
    if top is None:
        return "there is no other strategy to choose"
    without = f"no choice is shown to lose at most {tolerance:.3f}" if has_costs else "no costs were given"
    return f"{without}; {top.sentence}"


def _scope(document_clusters: int) -> str | None:
    if document_clusters >= FEWEST_DOCUMENT_CLUSTERS:
        return None
    return f"holds for questions like these on these {document_clusters} documents, not for new documents"
