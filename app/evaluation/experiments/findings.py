"""What an experiment found: means, verdicts, the way of the evidence, tokens, latency and sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from app.evaluation.abstention import Abstention, abstention_auroc, abstention_curve
from app.evaluation.economics.latency import Latency, StageSeconds, latency_of, stage_medians
from app.evaluation.experiments.deciding import analysis_of, deciding_questions
from app.evaluation.experiments.fate import total
from app.evaluation.experiments.index_sizes import IndexSize, index_sizes
from app.evaluation.experiments.personal_findings import StrategyPersonalisation, personalisation_of
from app.evaluation.experiments.records import ExperimentRow
from app.evaluation.experiments.specification import Contestant
from app.evaluation.experiments.tallies import Kind, Tally, read_tallies
from app.evaluation.gold import pinned_gold
from app.evaluation.knee import knee_of
from app.evaluation.questions import Question
from app.evaluation.statistics.analysis import Analysis
from app.evaluation.statistics.pareto import Range, pareto_front
from indexes.database.engine import Database
from indexes.store_figures import StoreFigures
from indexes.view import IndexView


class Value(BaseModel):
    """A part of the findings."""

    model_config = ConfigDict(frozen=True)


class Slice(Value):
    """The deciding metric over the questions with one tag; described, not tested."""

    tag: str
    questions: int
    mean: float


class LabelKindMeans(Value):
    """The metrics over the questions whose labels are of one kind; described, not tested (statistics, rule 2)."""

    kind: Kind = Field(description="what is marked: `spans`, whole `documents`, or `both` in one question")
    questions: int
    means: dict[str, float | None]


class StrategyFindings(Value):
    """One strategy over all questions."""

    label: str
    fingerprint: str
    is_baseline: bool = Field(description="a reference line, outside every test")
    means: dict[str, float | None] = Field(
        description="by metric, over the questions it applies to; failed cells are 0"
    )
    counts: dict[str, int] = Field(description="by metric, over how many questions")
    failures: int = Field(description="cells that failed")
    slices: list[Slice]
    label_kinds: list[LabelKindMeans] = Field([], description="empty where all labels are of one kind")
    knee_tokens: int | None = Field(
        description="budget beyond which more tokens buy little recall; null where the curve has no knee"
    )
    abstention_auroc: float | None = Field(
        description="chance that the best score tells an answerable question from an unanswerable one; null where no "
        "question is unanswerable, and for a baseline, which does not score"
    )
    abstention: list[Abstention] = Field(
        [], description="for growing shares of refused answerable questions: what a threshold of the best score does"
    )
    evidence: dict[str, int] = Field(
        description="marked answers by fate: sent, found_not_packed, cut_in_two, capped_by_source (found, but its "
        "source had its share by `max_per_source`), not_found"
    )
    request_tokens: float = Field(description="mean of the whole context, instructions and question included")
    request_tokens_range: Range = Field(description="95 % interval of that mean")
    largest_request_tokens: int = Field(description="the largest request")
    context_tokens: float = Field(description="mean of the retrieved text with its envelope")
    latency: Latency | None = Field(description="of the probe; null where none was made")
    stage_seconds: dict[str, float] = Field(
        {}, description="median of each stage of the probe's requests; empty where none was made"
    )
    chunks: int | None = Field(description="of the pinned versions; null for a baseline")
    indexed_tokens: int | None = Field(description="tokens of those chunks by the chunker's tokenizer")
    embedded_tokens: int | None = Field(
        None, description="tokens that are embedded, prefixes estimated; 0 without an embedder, null for a baseline"
    )
    index_bytes: int | None = Field(description="files of the stores that it searches")
    stores: list[StoreFigures] = Field(
        [], description="what each store that it searches takes and finds; empty for a baseline"
    )


class QuestionCounts(Value):
    """Which questions decided, and why others did not."""

    asked: int
    decided: int = Field(description="the verdict rests on these")
    unanswerable: int = Field(description="left out of recall and ranking means")
    not_sampled: int = Field(description="origin `active` or `pseudo`: never in a verdict")
    not_applicable: int = Field(description="the deciding metric cannot be read off their labels")
    stale: int = Field(description="left out before the run: a label did not hold for the documents")


class Findings(Value):
    """What an experiment found. Evidence in the context bounds the quality of answers and is not that quality."""

    metric: str = Field(description="the one that decides")
    questions: QuestionCounts
    analysis: Analysis | None = Field(description="verdicts by the deciding metric; null where no question decides")
    strategies: list[StrategyFindings]
    pareto_front: list[str] = Field(
        description="strategies that no other dominates in quality, context tokens and waiting, uncertainty counted"
    )
    pinned_must_pass: dict[str, list[str]] = Field(
        description="by strategy, the ids of pinned questions whose evidence it does not send whole"
    )
    personalisation: list[StrategyPersonalisation] = Field(
        [], description="by personal strategy; empty where no deciding question names its user"
    )
    erased_cells: int = Field(0, description="cells on documents erased since: their scores stay, their spans do not")


def find(
    database: Database,
    experiment: ExperimentRow,
    contestants: Sequence[Contestant],
    probed: Mapping[str, Sequence[StageSeconds]],
    views: Mapping[str, IndexView],
) -> Findings:
    """Return the findings on an experiment whose cells are all there; `probed` are the timed requests by label."""
    questions = experiment.parsed_questions()
    specification = experiment.parsed_specification()
    names = [metric.name for metric in specification.metrics]
    with database.read() as session:
        gold = pinned_gold(session, questions, experiment.pins)
        tallies, scores, failed = read_tallies(session, experiment, questions, gold, names)
        sizes = index_sizes(session, experiment, contestants, views)
        decided = deciding_questions(questions, scores, failed, contestants)
        personal = personalisation_of(session, experiment, contestants, questions, gold, decided)
    strategies = [
        _strategy_findings(contestant, tally, names, probed.get(contestant.label, ()), size)
        for contestant, tally, size in zip(contestants, tallies, sizes, strict=True)
    ]
    tested = [one for one in strategies if not one.is_baseline]
    costs = {one.label: one.request_tokens for one in tested}
    analysis = analysis_of(experiment, contestants, questions, gold, scores, failed, decided, costs)
    front: list[str] = []
    if analysis is not None:
        resources = {one.label: _resources(one) for one in tested}
        front = pareto_front(analysis, resources, specification.loss_tolerance).labels
    must_pass = any(question.pinned for question in questions)
    lost = {one.label: tally.lost_pinned for one, tally in zip(contestants, tallies, strict=True)}
    return Findings(
        metric=names[0],
        questions=_counts(experiment, questions, decided),
        analysis=analysis,
        strategies=strategies,
        pareto_front=front,
        pinned_must_pass=lost if must_pass else {},
        personalisation=personal,
    )


def _counts(experiment: ExperimentRow, questions: Sequence[Question], decided: Sequence[int]) -> QuestionCounts:
    unanswerable = sum(question.unanswerable for question in questions)
    not_sampled = sum(question.origin != "sampled" and not question.unanswerable for question in questions)
    return QuestionCounts(
        asked=len(questions),
        decided=len(decided),
        unanswerable=unanswerable,
        not_sampled=not_sampled,
        not_applicable=len(questions) - len(decided) - unanswerable - not_sampled,
        stale=len(experiment.plan["stale_questions"]),
    )


def _strategy_findings(
    contestant: Contestant,
    tally: Tally,
    names: Sequence[str],
    probed: Sequence[StageSeconds],
    size: IndexSize | None,
) -> StrategyFindings:
    signals, answerable = np.array(tally.signals), np.array(tally.answerable, dtype=np.bool_)
    return StrategyFindings(
        label=contestant.label,
        fingerprint=contestant.fingerprint,
        is_baseline=contestant.is_baseline,
        means={name: _mean(tally.scores[name]) for name in names},
        counts={name: len(tally.scores[name]) for name in names},
        failures=tally.failures,
        slices=[
            Slice(tag=tag, questions=len(scores), mean=float(np.mean(scores)))
            for tag, scores in sorted(tally.by_tag.items())
        ],
        label_kinds=_label_kinds(tally, names),
        knee_tokens=knee_of(_curve(tally, names)),
        abstention_auroc=None if contestant.is_baseline else abstention_auroc(signals, answerable),
        abstention=[] if contestant.is_baseline else abstention_curve(signals, answerable),
        evidence=total(tally.fates),
        request_tokens=_mean(tally.request_tokens) or 0.0,
        request_tokens_range=_range(tally.request_tokens),
        largest_request_tokens=max(tally.request_tokens, default=0),
        context_tokens=_mean(tally.context_tokens) or 0.0,
        latency=latency_of([sum(one.values()) for one in probed]) if probed else None,
        stage_seconds=stage_medians(probed),
        chunks=None if size is None else size.chunks,
        indexed_tokens=None if size is None else size.indexed_tokens,
        embedded_tokens=None if size is None else size.embedded_tokens,
        index_bytes=None if size is None else size.index_bytes,
        stores=[] if size is None else list(size.stores),
    )


def _label_kinds(tally: Tally, names: Sequence[str]) -> list[LabelKindMeans]:
    if len(tally.by_kind) < 2:
        return []
    return [
        LabelKindMeans(
            kind=kind,
            questions=tally.questions_by_kind[kind],
            means={name: _mean(tally.by_kind[kind][name]) for name in names},
        )
        for kind in sorted(tally.by_kind)
    ]


def _curve(tally: Tally, names: Sequence[str]) -> dict[int, float]:
    """Return the mean recall by budget."""
    budgets = {name: name.removeprefix("recall_at_tokens@") for name in names}
    return {
        int(budget): float(np.mean(tally.scores[name]))
        for name, budget in budgets.items()
        if budget.isdecimal() and tally.scores[name]
    }


def _resources(one: StrategyFindings) -> dict[str, Range]:
    """Return what a request takes, with intervals: tokens, and waiting where it was measured."""
    found = {"tokens": one.request_tokens_range}
    if one.latency is not None and one.latency.p95 is not None:
        p95 = one.latency.p95
        found["p95"] = Range(low=p95.low_seconds, high=p95.high_seconds)
    return found


def _range(values: Sequence[int]) -> Range:
    """Return the 95 % interval of a mean over questions."""
    if not values:
        return Range(low=0.0, high=0.0)
    mean, half = float(np.mean(values)), 1.96 * float(np.std(values)) / len(values) ** 0.5
    return Range(low=mean - half, high=mean + half)


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
