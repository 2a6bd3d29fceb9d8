"""Contents of reports made by hand: as small as a table needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from app.evaluation.abstention import Abstention
from app.evaluation.economics.break_even import compare_ways
from app.evaluation.economics.ingest_cost import IngestCost
from app.evaluation.economics.latency import Latency, Quantile
from app.evaluation.economics.request_cost import RequestCost
from app.evaluation.experiments.findings import Findings, LabelKindMeans, QuestionCounts, StrategyFindings
from app.evaluation.experiments.personal_findings import StrategyPersonalisation
from app.evaluation.experiments.records import ExperimentRow
from app.evaluation.report.content import Content, Economy
from app.evaluation.statistics.analysis import Analysis
from app.evaluation.statistics.pair_verdict import PairVerdict
from tests.app.evaluation.economics.price_lists import made_assumptions, made_price

METRIC = "mrr@10"


def strategy(label: str, mean: float | None = 0.5, **fields: Any) -> StrategyFindings:
    """Return what was found of a strategy: nothing but its mean and 1,200 tokens for each request."""
    usual = {
        "label": label, "fingerprint": label, "is_baseline": False, "means": {METRIC: mean}, "counts": {METRIC: 4},
        "failures": 0, "slices": [], "knee_tokens": None, "abstention_auroc": None, "evidence": {},
        "request_tokens": 1_200.0, "request_tokens_range": {"low": 1_100.0, "high": 1_300.0},
        "largest_request_tokens": 1_500, "context_tokens": 1_000.0, "latency": None, "chunks": None,
        "indexed_tokens": None, "index_bytes": None,
    }  # fmt: skip
    return StrategyFindings.model_validate({**usual, **fields})


def content(
    *strategies: StrategyFindings,
    pairs: Sequence[PairVerdict] | None = None,
    personal: Sequence[StrategyPersonalisation] = (),
    costs: Mapping[str, RequestCost] | None = None,
    ingest_costs: Mapping[str, IngestCost] | None = None,
    **fields: Any,
) -> Content:
    """Return the content of a report on the strategies, without a database behind it."""
    findings = Findings(
        metric=METRIC, strategies=list(strategies), pareto_front=[], pinned_must_pass={},
        personalisation=list(personal),
        analysis=analysis(*pairs) if pairs is not None else None,
        questions=QuestionCounts(asked=4, decided=4, unanswerable=0, not_sampled=0, not_applicable=0, stale=0),
    )  # fmt: skip
    usual: dict[str, Any] = {
        "experiment": cast("ExperimentRow", None), "findings": findings, "questions": [], "pair": None, "wins": [],
        "losses": [], "economy": Economy(), "price": made_price(), "price_date": "2026-11-23", "costs": costs or {},
        "ingest_costs": ingest_costs or {}, "break_even": compare_ways(made_price(), made_assumptions()),
        "sensitivity": [], "documents": 1, "corpus_tokens": 100_000,
    }  # fmt: skip
    return Content(**{**usual, **fields})


def analysis(*pairs: PairVerdict) -> Analysis:
    """Return an analysis of which only the verdicts matter."""
    return Analysis(
        strategies=[], pairs=list(pairs), co_winners=[], top=None, cheapest_safe_choice=None, choice="none",
        loss_bounds={}, winner_naive=None, winner_cross_fitted=None, winner_inflation=None, look=1, alpha_used=0.05,
        clusters=4, questions=4, scope_note=None, no_winner_reason=None,
    )  # fmt: skip


def pair(**fields: Any) -> PairVerdict:
    """Return the verdict that `first` is better than `second`."""
    usual = {
        "first": "first", "second": "second", "difference": 0.125, "low": 0.0625, "high": 0.1875,
        "interval_method": "bca", "p": 0.001, "holm_p": 0.00213, "verdict": "better", "reason": None,
        "equivalence_low": 0.07, "equivalence_high": 0.18, "wins": 12, "ties": 30, "losses": 3, "effect_size": 0.4,
        "detectable_single": 0.05, "detectable_family": 0.06, "questions_to_detect": None,
        "questions_to_show_equivalence": None, "note": None, "difference_without_failures": 0.125,
    }  # fmt: skip
    return PairVerdict.model_validate({**usual, **fields})


def latency(p95_seconds: float) -> Latency:
    """Return the latency of 100 requests with that quantile."""
    quantile = Quantile(seconds=p95_seconds, low_seconds=p95_seconds / 2, high_seconds=2 * p95_seconds)
    return Latency(requests=100, p50=quantile, p95=quantile, p99=None)


def cost(usd_per_request: float | None) -> RequestCost:
    """Return the cost of a request."""
    return RequestCost(
        requests=4, mean_input_tokens=1_200.0, usd_per_request=usd_per_request, low_usd_per_request=None,
        high_usd_per_request=None, usd_per_month=None, low_usd_per_month=None, high_usd_per_month=None,
    )  # fmt: skip


def kind(name: str, questions: int, mean: float | None) -> LabelKindMeans:
    """Return the mean over the questions with labels of a kind."""
    return LabelKindMeans.model_validate({"kind": name, "questions": questions, "means": {METRIC: mean}})


def refusing(threshold: float | None, false_answers: int, false_refusals: int) -> Abstention:
    """Return what a threshold does to 8 answerable and 2 unanswerable questions."""
    return Abstention(
        threshold=threshold, answerable=8, unanswerable=2, false_answers=false_answers, false_refusals=false_refusals
    )
