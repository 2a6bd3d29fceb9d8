"""Answers and labels for the tests of metrics, on versions whose text has one token in every two characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from app.evaluation.metrics import Metric
from app.evaluation.outcome import Gold, Label, Outcome, RankedText, SentContext
from app.evaluation.span_metrics import TokenMeter
from app.evaluation.version_span import VersionSpan
from tests.app.evaluation.spans import VERSIONS, place, places, rankings

TEXT = " ".join("abcdefghijklmnopqrstuvwxyz"[number % 26] for number in range(6_000))
"""What stands in every version: a letter, which is a token, at each even offset."""

Spans = Sequence[tuple[int, int] | VersionSpan]


def placed(one: tuple[int, int] | VersionSpan) -> VersionSpan:
    return one if isinstance(one, VersionSpan) else place(*one)


def passage(one: tuple[int, int] | VersionSpan, document_id: str | None = None) -> RankedText:
    """Return a passage; version `v` is of the document `document-v` and so on, unless another is named."""
    where = placed(one)
    text = TEXT[where.span.start : where.span.end]
    return RankedText(document_id=document_id or f"document-{where.version_id}", place=where, text=text, score=1.0)


def marked(start: int, end: int, version_id: str = "v", *, grade: int = 1, copies: Spans = ()) -> Label:
    """Return a label that marks a span."""
    where = place(start, end, version_id)
    copied = tuple(map(placed, copies))
    return Label(document_id=f"document-{version_id}", place=where, grade=grade, copies=copied)


def whole(version_id: str = "v", *, grade: int = 1) -> Label:
    """Return a label that marks the whole document of the version."""
    return Label(document_id=f"document-{version_id}", place=None, grade=grade)


def answer(
    ranked: Spans = (),
    contexts: Mapping[int, Spans] | None = None,
    *,
    envelope_tokens: int = 0,
    is_baseline: bool = False,
) -> Outcome:
    """Return an outcome with the passages and the contexts by budget."""
    sent = {
        budget: SentContext(
            budget_tokens=budget,
            spans=tuple(map(placed, spans)),
            tokens=envelope_tokens + sum(tokens_of(placed(one)) for one in spans),
        )
        for budget, spans in (contexts or {}).items()
    }
    found = tuple(map(passage, ranked))
    return Outcome(ranked=found, contexts=sent, is_baseline=is_baseline, is_exhausted=True)


def tokens_of(where: VersionSpan) -> int:
    """Return the tokens of a place: its even offsets."""
    return len(range(where.span.start + where.span.start % 2, where.span.end, 2))


def metric(kind: str, **settings: Any) -> Metric:
    """Return a member."""
    made: Metric = Metric.members()[kind].model_validate({"kind": kind, **settings})
    return made


def score(measure: Metric, outcome: Outcome, *labels: Label) -> float | None:
    """Return the score of an answer to a question with these labels."""
    return measure.score(outcome, Gold(labels=labels), TokenMeter())


def score_ranked(measure: Metric, ranked: Spans, *labels: Label) -> float | None:
    """Return the score of a ranked list."""
    return score(measure, answer(ranked), *labels)


def score_sent(measure: Metric, spans: Spans, *labels: Label, envelope_tokens: int = 0) -> float | None:
    """Return the score of a context packed of ranked passages that stand where its spans do."""
    contexts = dict.fromkeys(measure.budgets_tokens, spans)
    return score(measure, answer(spans, contexts, envelope_tokens=envelope_tokens), *labels)


@st.composite
def span_labels(draw: st.DrawFn) -> Label:
    """Draw a label that marks a span, with up to two copies."""
    where = draw(places(smallest=1))
    starts = st.tuples(st.integers(0, 40), st.sampled_from([*VERSIONS, "copy"]))
    copies = [place(start, start + len(where), version) for start, version in draw(st.lists(starts, max_size=2))]
    start, end = where.span.start, where.span.end
    return marked(start, end, where.version_id, grade=draw(st.integers(1, 3)), copies=copies)


def labels() -> st.SearchStrategy[Label]:
    """Draw a label of either kind."""
    return span_labels() | st.builds(whole, st.sampled_from(VERSIONS), grade=st.integers(1, 3))


@st.composite
def answers(draw: st.DrawFn, budgets_tokens: Sequence[int]) -> Outcome:
    """Draw a ranked list, and contexts packed of some of it."""
    ranked = draw(rankings())
    chosen = {budget: draw(st.permutations(ranked))[: draw(st.integers(0, 8))] for budget in budgets_tokens}
    return answer(ranked, chosen, envelope_tokens=draw(st.integers(0, 20)))
