"""Questions times strategies, side by side: what each finds, what they share, and what it is worth where answers are
marked. Nothing is saved, and no significance test is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import fmean
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.context.found_passages import Passage
from app.context.receipt import StepRecord
from app.context.retrieve import Retriever
from app.evaluation.agreement import group_spans, ranked_groups, span_agreement
from app.evaluation.finder import Contestant, Finder, Found, Plan, place_of, stale_evidence
from app.evaluation.questions import Evidence, Question
from app.evaluation.span_metrics import TOKENIZER, TokenMeter, span_precision, span_recall
from app.evaluation.version_span import VersionSpan
from indexes.database.engine import Database

LONGEST_TEXT_SHOWN = 1_000
NO_TEST = (
    "No significance test was made: a difference between these means may be noise, the more so the fewer questions are "
    "scored."
)

Marked = Literal["scored", "stale", "none"]


class Value(BaseModel):
    """A part of a comparison."""

    model_config = ConfigDict(frozen=True)


class ComparedHit(Value):
    """A hit of one strategy."""

    rank: int
    document_id: str
    version_id: str
    start: int
    end: int
    score: float
    steps: list[StepRecord] = Field(
        description="what search options did with it, in their order; `rank` of `query_expansion` is the one without it"
    )
    tokens: int = Field(description="by the comparison's tokenizer")
    group: int | None = Field(
        description="hits of one question with the same number overlap by at least half of the shorter one; null for "
        "baselines"
    )
    text: str = Field(
        description=f"the version's text from `start` on, at most {LONGEST_TEXT_SHOWN:,} characters of it"
    )


class StrategyAnswer(Value):
    """What one strategy found for one question."""

    strategy: str
    hits: list[ComparedHit] = Field(description="at most k, best first")
    unique: list[int] = Field(description="groups that no other strategy has among its hits")
    tokens: int = Field(description="of the hits together")
    seconds: dict[str, float] = Field(
        description="time per stage and in total; with marked answers, texts are read down to the budget"
    )
    sent_tokens: int | None = Field(description="tokens scored, at most the budget; null where nothing is scored")
    span_recall: float | None = Field(
        description="share of the marked characters sent within the budget: it bounds the quality of answers, and is "
        "not that quality"
    )
    span_precision: float | None = Field(description="share of the characters sent within the budget that are marked")


class Agreement(Value):
    """How similar the rankings of two strategies are."""

    first: str
    second: str
    rank_biased_overlap: float | None = Field(
        description="1 for the same hits in the same order, 0 for disjoint ones (persistence 0.9, extrapolated); null "
        "where one is a baseline, which does not rank"
    )


class ComparedQuestion(Value):
    """One question with what every strategy found."""

    id: str
    question: str
    tags: list[str]
    marked: Marked = Field(
        description="`scored`; `stale`: nothing is scored, because the marked version is not the one with which every "
        "strategy answers (another is newer, an index lacks it, or it cannot be read); `none`: no span is marked"
    )
    stale_evidence: list[Evidence]
    strategies: list[StrategyAnswer]
    shared: list[int] = Field(description="groups that every strategy but the baselines has among its hits")
    agreements: list[Agreement] = Field(description="one for each pair of strategies")


class StrategyMeans(Value):
    """One strategy over all questions; recall, precision and `sent_tokens` over the scored ones."""

    strategy: str
    is_baseline: bool = Field(description="a reference line: it takes no part in groups and agreements")
    index_id: str | None = Field(description="the index that answered; null for a baseline")
    missing_documents: int = Field(description="documents the index does not hold in their newest version yet")
    tokens: float
    seconds: float = Field(description="total time; stages that strategies share make later ones look fast")
    sent_tokens: float | None
    span_recall: float | None
    span_precision: float | None


class Comparison(Value):
    """Strategies side by side; it describes these questions and decides nothing."""

    k: int
    budget_tokens: int
    tokenizer: str = Field(description="counts and cuts the text of all strategies")
    questions_scored: int = Field(description="over how many questions recall and precision are means")
    questions_stale: int = Field(description="questions left out of the means because their marks are out of date")
    significance_test: Literal["none"] = "none"
    significance_note: str = NO_TEST
    strategies: list[StrategyMeans]
    agreements: list[Agreement] = Field(description="means over all questions")
    questions: list[ComparedQuestion]


def compare(retriever: Retriever, database: Database, plan: Plan) -> Comparison:
    """Return what every contestant of the plan finds for every question.

    A question is scored for all contestants or for none, so that their means are over the same questions. Raises what
    the retriever raises, ConflictError `index_missing` above all, with the strategy named.
    """
    finder = Finder(retriever, plan)
    questions: list[ComparedQuestion] = []
    last: list[Found] = []
    for question in plan.questions:
        last = [finder.find(contestant, question.question) for contestant in plan.contestants]
        with database.read() as session:
            stale = stale_evidence(session, plan, question, last) if question.evidence else []
        questions.append(_compared(plan, question, last, stale, finder.meter))
    marks = [question.marked for question in questions]
    return Comparison(
        k=plan.k,
        budget_tokens=plan.budget_tokens,
        tokenizer=TOKENIZER,
        questions_scored=marks.count("scored"),
        questions_stale=marks.count("stale"),
        strategies=[
            _means(contestant, found, [question.strategies[position] for question in questions])
            for position, (contestant, found) in enumerate(zip(plan.contestants, last, strict=True))
        ],
        agreements=_mean_agreements(questions),
        questions=questions,
    )


def _compared(
    plan: Plan, question: Question, found: Sequence[Found], stale: list[Evidence], meter: TokenMeter
) -> ComparedQuestion:
    tops = [list(one.passages[: plan.k]) for one in found]
    ranked = {
        contestant.label: [place_of(passage) for passage in top]
        for contestant, top in zip(plan.contestants, tops, strict=True)
        if not contestant.is_baseline
    }
    groups = group_spans(list(ranked.values()))
    listed = {label: ranked_groups(places, groups) for label, places in ranked.items()}
    marked: Marked = "stale" if stale else "scored" if question.places else "none"
    gold = question.places if marked == "scored" else []
    answers = []
    for contestant, one, top in zip(plan.contestants, found, tops, strict=True):
        own = listed.get(contestant.label, [])
        others = {group for label, numbers in listed.items() if label != contestant.label for group in numbers}
        hits = [_hit(passage, meter, None if contestant.is_baseline else groups[place_of(passage)]) for passage in top]
        unique = [group for group in own if group not in others]
        answers.append(_answer(contestant.label, hits, unique, one, gold))
    shared = [group for group in sorted(set(groups.values())) if all(group in own for own in listed.values())]
    return ComparedQuestion(
        id=question.id, question=question.question, tags=list(question.tags), marked=marked, stale_evidence=stale,
        strategies=answers, shared=shared, agreements=_agreements(plan.contestants, ranked),
    )  # fmt: skip


def _hit(passage: Passage, meter: TokenMeter, group: int | None) -> ComparedHit:
    hit = passage.hit
    return ComparedHit(
        rank=hit.rank, document_id=hit.document_id, version_id=hit.version_id, start=hit.span.start, end=hit.span.end,
        score=hit.score, steps=list(map(StepRecord.of, hit.steps)),
        tokens=meter.count(place_of(passage), passage.text), group=group,
        text=passage.text[:LONGEST_TEXT_SHOWN],
    )  # fmt: skip


def _answer(
    label: str, hits: list[ComparedHit], unique: list[int], found: Found, gold: list[VersionSpan]
) -> StrategyAnswer:
    return StrategyAnswer(
        strategy=label,
        hits=hits,
        unique=unique,
        tokens=sum(hit.tokens for hit in hits),
        seconds=found.seconds,
        sent_tokens=found.sent.tokens if gold else None,
        span_recall=span_recall(gold, found.sent.spans) if gold else None,
        span_precision=span_precision(gold, found.sent.spans) if gold else None,
    )


def _agreements(contestants: Sequence[Contestant], ranked: dict[str, list[VersionSpan]]) -> list[Agreement]:
    return [
        Agreement(
            first=first.label,
            second=second.label,
            rank_biased_overlap=None
            if first.is_baseline or second.is_baseline
            else span_agreement(ranked[first.label], ranked[second.label]),
        )
        for first, second in combinations(contestants, 2)
    ]


def _mean_agreements(questions: Sequence[ComparedQuestion]) -> list[Agreement]:
    means = []
    for pair in zip(*(question.agreements for question in questions), strict=True):
        mean = _mean([agreement.rank_biased_overlap for agreement in pair])
        means.append(Agreement(first=pair[0].first, second=pair[0].second, rank_biased_overlap=mean))
    return means


def _means(contestant: Contestant, found: Found, answers: Sequence[StrategyAnswer]) -> StrategyMeans:
    return StrategyMeans(
        strategy=contestant.label,
        is_baseline=contestant.is_baseline,
        index_id=found.index_id,
        missing_documents=found.missing_documents,
        tokens=fmean(answer.tokens for answer in answers),
        seconds=fmean(answer.seconds["total"] for answer in answers),
        sent_tokens=_mean([answer.sent_tokens for answer in answers]),
        span_recall=_mean([answer.span_recall for answer in answers]),
        span_precision=_mean([answer.span_precision for answer in answers]),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    """Return the mean of the values that are there, None where none is."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
