"""Which metrics an experiment reads where none are named, and which ones its labels cannot carry."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from app.evaluation.metrics import Metric
from app.evaluation.questions import Question
from configs.errors import InvalidInputError

BUDGETS_TOKENS = (1_000, 500, 2_000, 4_000)
"""The first one decides."""

_SPANS: list[dict[str, Any]] = [
    *({"kind": "recall_at_tokens", "budget_tokens": budget} for budget in BUDGETS_TOKENS),
    {"kind": "budget_curve_area", "of": "recall_at_tokens"},
    *({"kind": "context_recall", "budget_tokens": budget} for budget in BUDGETS_TOKENS),
    *({"kind": kind, "k": 5} for kind in ("span_recall", "span_precision", "span_iou")),
    {"kind": "mrr", "k": 10},
    {"kind": "success", "k": 5},
    *({"kind": kind, "budget_tokens": 1_000} for kind in ("all_evidence", "wasted_tokens", "redundancy")),
    *({"kind": kind, "budget_tokens": 1_000} for kind in ("source_count", "first_gold_position")),
]
_DOCUMENTS: list[dict[str, Any]] = [
    {"kind": "ndcg", "k": 10, "gain": "linear"},
    {"kind": "document_recall", "k": 10},
    {"kind": "document_recall", "k": 100},
    {"kind": "mrr", "k": 10},
    {"kind": "map", "k": 100},
    {"kind": "success", "k": 5},
    {"kind": "all_evidence_any_chunk", "budget_tokens": 2_000},
    {"kind": "source_count", "budget_tokens": 2_000},
]


@lru_cache(maxsize=2)
def _metrics(has_spans: bool) -> tuple[Metric, ...]:
    found: tuple[Metric, ...] = TypeAdapter(tuple[Metric, ...]).validate_python(_SPANS if has_spans else _DOCUMENTS)
    return found


def default_metrics(questions: Sequence[Question]) -> tuple[Metric, ...]:
    """Return the metrics for spans where at least half of the labelled questions mark some, else for documents."""
    labelled = [question for question in questions if question.evidence]
    with_spans = sum(has_span_labels(question) for question in labelled)
    return _metrics(2 * with_spans >= len(labelled))


def check_labels(metrics: Sequence[Metric], questions: Sequence[Question]) -> None:
    """Raise InvalidInputError for a metric that no question's labels can carry (`metric_needs_other_labels`).

    Likewise for a first metric on which no verdict can rest (`metric_cannot_decide`).
    """
    if not metrics[0].can_decide:
        raise InvalidInputError(
            f"the metric {metrics[0].name} describes and cannot decide: it has no better and worse within 0 and 1",
            hint="put a metric such as recall_at_tokens first; this one may follow",
            code="metric_cannot_decide",
        )
    carried = {
        "span_labels": any(has_span_labels(question) for question in questions),
        "document_labels": any(question.evidence for question in questions),
        "any_labels": any(question.evidence for question in questions),
    }
    for metric in metrics:
        if not carried[metric.requires]:
            raise InvalidInputError(
                f"the metric {metric.name} needs {metric.requires.replace('_', ' ')}, and no question has them",
                hint="mark spans in the question set, or take metrics of whole documents such as ndcg",
                code="metric_needs_other_labels",
                metric=metric.name,
            )


def has_span_labels(question: Question) -> bool:
    """Tell whether any label of the question marks a span."""
    return any(evidence.start is not None for evidence in question.evidence)
