"""What every metric promises, tried on each registered member with several settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.evaluation.metrics import DEEPEST, Metric
from app.evaluation.metrics.credited_spans import places_of
from app.evaluation.outcome import Gold, Label, Outcome, RankedText
from app.evaluation.span_metrics import TokenMeter
from app.evaluation.version_span import VersionSpan
from configs.part import LIVE, fingerprint_of
from tests.app.evaluation.metrics.answers import answer, answers, labels, marked, passage, score, span_labels, whole
from tests.app.evaluation.spans import place, places

NUMBERS = {"k": (1, 3), "budget_tokens": (64, 4_000)}
"""Two values of every numeric setting: with 3 of k, short lists reach beyond it."""


def members() -> Iterator[Metric]:
    """Yield each member with every combination of a few values of its settings."""
    for kind, member in Metric.members().items():
        choices: dict[str, tuple[Any, ...]] = {}
        for name, field in member.model_fields.items():
            if name != "kind":
                choices[name] = get_args(field.annotation) if get_origin(field.annotation) is Literal else NUMBERS[name]
        for values in product(*choices.values()):
            yield member.model_validate({"kind": kind, **dict(zip(choices, values, strict=True))})


METRICS = list(members())
RANKING = [metric for metric in METRICS if metric.reads == "ranking"]
OF_RANKS = [metric for metric in RANKING if not metric.budgets_tokens]
BUDGETS = sorted({budget for metric in METRICS for budget in metric.budgets_tokens})
LABELS = st.lists(labels(), min_size=1, max_size=4)
EVERY_KIND = [member.model_validate({"kind": kind}) for kind, member in Metric.members().items()]


def one_of_each(metric: Metric) -> str:
    return metric.name


def copy_of(where: VersionSpan) -> VersionSpan:
    """Return the same place of a copy of the version."""
    return VersionSpan(f"copy-{where.version_id}", where.span)


def irrelevant(number: int) -> RankedText:
    """Return a passage of a document of its own, of which nothing is marked."""
    return passage(place(0, 10, f"irrelevant-{number}"))


def with_ranked(outcome: Outcome, *more: RankedText) -> Outcome:
    """Return the outcome with passages appended."""
    ranked = (*outcome.ranked, *more)
    return Outcome(ranked=ranked, contexts=outcome.contexts, is_baseline=False, is_exhausted=True)


@given(answers(BUDGETS), LABELS)
def test_scores_lie_in_their_range_and_are_the_same_again(outcome: Outcome, marks: list[Label]) -> None:
    meter = TokenMeter()
    for metric in METRICS:
        first, again = (metric.score(outcome, Gold(labels=tuple(marks)), one) for one in (meter, TokenMeter()))
        assert first == again, metric.name
        if first is not None:
            assert type(first) is float, metric.name
            assert 0.0 <= first <= (1.0 if metric.can_decide else float("inf")), metric.name


@given(answers(BUDGETS), LABELS)
def test_labels_decide_alone_whether_a_metric_applies(outcome: Outcome, marks: list[Label]) -> None:
    """A position needs something found, and the evidence of spans needs spans alone."""
    for metric in METRICS:
        if metric.kind_of_class() in ("first_gold_position", "all_evidence"):
            continue
        is_carried = metric.requires != "span_labels" or any(label.place is not None for label in marks)
        assert (score(metric, outcome, *marks) is not None) == is_carried, metric.name


@given(answers(BUDGETS))
def test_nothing_is_measured_where_nothing_is_marked(outcome: Outcome) -> None:
    for metric in METRICS:
        assert metric.score(outcome, Gold(labels=(), is_unanswerable=True), TokenMeter()) is None, metric.name
        assert metric.score(outcome, Gold(labels=()), TokenMeter()) is None, metric.name
        unanswerable = Gold(labels=(marked(0, 9),), is_unanswerable=True)
        assert metric.score(outcome, unanswerable, TokenMeter()) is None, metric.name


def test_a_baseline_has_no_ranks() -> None:
    outcome = answer([(0, 40)], {budget: [(0, 40)] for budget in BUDGETS}, is_baseline=True)
    for metric in METRICS:
        assert (score(metric, outcome, marked(10, 20)) is None) == (metric in OF_RANKS), metric.name


@given(answers([]), LABELS, st.integers(1, 3))
def test_an_irrelevant_passage_at_the_end_changes_nothing(outcome: Outcome, marks: list[Label], more: int) -> None:
    """The lists are filled to the depths first: within k, one more passage costs precision."""
    full = with_ranked(outcome, *(irrelevant(number) for number in range(3)))
    longer = with_ranked(full, *(irrelevant(number) for number in range(3, 3 + more)))
    for metric in RANKING:
        assert score(metric, longer, *marks) == score(metric, full, *marks), metric.name


@given(answers([]), LABELS, places(smallest=1))
def test_nothing_beyond_the_depth_is_read(outcome: Outcome, marks: list[Label], late: VersionSpan) -> None:
    full = with_ranked(outcome, *(irrelevant(number) for number in range(3)))
    longer = with_ranked(full, passage(late))
    reached = [metric for metric in OF_RANKS if metric.depth_documents + metric.depth_passages <= 3]
    assert len(reached) > 8
    for metric in reached:
        assert score(metric, longer, *marks) == score(metric, full, *marks), metric.name


@given(answers(BUDGETS), st.lists(span_labels(), min_size=1, max_size=3))
def test_a_copy_is_worth_as_much_as_the_marked_span(outcome: Outcome, marks: list[Label]) -> None:
    """Found text is moved to copies of both versions; documents, of which nothing is copied, are left aside."""

    plain = [replace(label, copies=()) for label in marks]
    copied = [replace(label, copies=tuple(map(copy_of, places_of(label)[:1]))) for label in marks]
    elsewhere = Outcome(
        ranked=tuple(passage(copy_of(found.place)) for found in outcome.ranked),
        contexts={
            budget: replace(sent, spans=tuple(map(copy_of, sent.spans))) for budget, sent in outcome.contexts.items()
        },
        is_baseline=False,
        is_exhausted=True,
    )
    for metric in METRICS:
        if metric.requires == "span_labels":
            assert score(metric, elsewhere, *copied) == score(metric, outcome, *plain), metric.name


@given(places(smallest=1), st.integers(1, 20), st.integers(1, 20))
def test_touching_a_marked_span_is_worth_nothing(where: VersionSpan, before: int, after: int) -> None:
    start, end = where.span.start, where.span.end
    touching = [place(max(0, start - before), start, where.version_id), place(end, end + after, where.version_id)]
    outcome = answer(touching, dict.fromkeys(BUDGETS, touching))
    for metric in METRICS:
        if metric.can_decide and metric.requires != "document_labels":
            assert score(metric, outcome, marked(start, end, where.version_id)) == 0.0, metric.name


@given(answers([]), places(smallest=1))
def test_finding_exactly_what_is_marked_is_best(outcome: Outcome, where: VersionSpan) -> None:
    """What else is found costs only those that count what is read."""
    label = marked(where.span.start, where.span.end, where.version_id)
    perfect = answer([where], {budget: [where] for budget in BUDGETS})
    for metric in METRICS:
        if metric.can_decide:
            assert score(metric, perfect, label) == pytest.approx(1.0), metric.name
        if metric in OF_RANKS and metric.kind_of_class() not in ("span_precision", "span_iou", "precision_omega"):
            assert score(metric, with_ranked(perfect, *outcome.ranked), label) == pytest.approx(1.0), metric.name


def test_names_are_columns_and_told_apart() -> None:
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z_]+(@\d+)?", name) for name in names)
    for metric in METRICS:
        assert metric.name.startswith(metric.kind_of_class())
        assert type(metric).model_validate(metric.model_dump()).name == metric.name


def test_the_names_of_the_defaults_do_not_change() -> None:
    """Stored results are read by them."""
    assert sorted(metric.name for metric in EVERY_KIND) == [
        "all_evidence@1000", "all_evidence_any_chunk@1000", "budget_curve_area_recall_at_tokens",
        "context_recall@1000", "document_recall@10", "first_gold_position@1000", "map@100", "mrr@10", "ndcg_linear@10",
        "precision_omega", "recall_at_tokens@1000", "redundancy@1000", "source_count@1000", "span_iou@5",
        "span_precision@5", "span_recall@5", "success@5", "wasted_tokens@1000",
    ]  # fmt: skip


@pytest.mark.parametrize("metric", METRICS, ids=one_of_each)
def test_a_metric_says_what_it_needs(metric: Metric) -> None:
    assert metric.requires in ("span_labels", "document_labels", "any_labels")
    assert metric.reads == "ranking" or metric.budgets_tokens
    assert (metric in OF_RANKS) == (metric.depth_documents + metric.depth_passages > 0)
    assert 0 <= max(metric.depth_documents, metric.depth_passages) <= DEEPEST
    assert f"@{metric.model_dump().get('k', '')}" in f"{metric.name}@"


@pytest.mark.parametrize("metric", EVERY_KIND, ids=one_of_each)
def test_settings_act_at_once_and_are_checked(metric: Metric) -> None:
    assert metric.fingerprint == fingerprint_of({"kind": metric.kind_of_class(), "revision": metric.revision})
    for name, field in type(metric).model_fields.items():
        if name != "kind":
            assert field.json_schema_extra == LIVE
            for wrong in (0, -1, 10**9, "many", 2.5):
                with pytest.raises(ValidationError, match=name):
                    type(metric).model_validate({"kind": metric.kind_of_class(), name: wrong})
    with pytest.raises(ValidationError, match="unknown"):
        type(metric).model_validate({"kind": metric.kind_of_class(), "unknown": 1})


def test_documents_carry_what_does_not_need_spans() -> None:
    outcome = answer([(0, 9)], {budget: [(0, 9)] for budget in BUDGETS})
    carried = {metric.kind_of_class() for metric in METRICS if score(metric, outcome, whole()) is not None}
    expected = {metric.kind_of_class() for metric in METRICS if metric.requires != "span_labels"}
    assert carried == expected
    assert {"ndcg", "map", "mrr", "success", "document_recall", "all_evidence_any_chunk"} <= carried
