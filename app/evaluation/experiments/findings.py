"""What an experiment found: means, verdicts, the way of the evidence, tokens, latency and sizes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.context.strategy import SearchSetup
from app.evaluation.abstention import abstention_auroc
from app.evaluation.economics.latency import Latency, latency_of
from app.evaluation.experiments.deciding import Failed, Scores, analysis_of, deciding_questions
from app.evaluation.experiments.fate import Fate, fates_of, total
from app.evaluation.experiments.records import CellRow, ExperimentRow, read_cells
from app.evaluation.experiments.specification import Contestant
from app.evaluation.gold import pinned_gold
from app.evaluation.knee import knee_of
from app.evaluation.outcome import Gold
from app.evaluation.questions import Question
from app.evaluation.statistics.analysis import Analysis
from app.evaluation.statistics.pareto import Range, pareto_front
from indexes.database.engine import Database
from indexes.database.tables import ChunkRow
from indexes.view import IndexView
from ingest.baking import IDS_PER_QUERY, batches


class Value(BaseModel):
    """A part of the findings."""

    model_config = ConfigDict(frozen=True)


class Slice(Value):
    """The deciding metric over the questions with one tag; described, not tested."""

    tag: str
    questions: int
    mean: float


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
    knee_tokens: int | None = Field(
        description="budget beyond which more tokens buy little recall; null where the curve has no knee"
    )
    abstention_auroc: float | None = Field(
        description="chance that the best score tells an answerable question from an unanswerable one; null where no "
        "question is unanswerable, and for a baseline, which does not score"
    )
    evidence: dict[str, int] = Field(
        description="marked answers by fate: sent, found_not_packed, cut_in_two, not_found"
    )
    request_tokens: float = Field(description="mean of the whole context, instructions and question included")
    request_tokens_range: Range = Field(description="95 % interval of that mean")
    largest_request_tokens: int = Field(description="the largest request")
    context_tokens: float = Field(description="mean of the retrieved text with its envelope")
    latency: Latency | None = Field(description="of the probe; null where none was made")
    chunks: int | None = Field(description="of the pinned versions; null for a baseline")
    indexed_tokens: int | None = Field(description="tokens of those chunks by the chunker's tokenizer")
    index_bytes: int | None = Field(description="files of the stores that it searches")


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


@dataclass(slots=True)
class _Tally:
    """What is added up over a strategy's cells."""

    scores: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    by_tag: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    fates: list[Counter[Fate]] = field(default_factory=list)
    request_tokens: list[int] = field(default_factory=list)
    context_tokens: list[int] = field(default_factory=list)
    lost_pinned: list[str] = field(default_factory=list)
    signals: list[float] = field(default_factory=list)
    answerable: list[bool] = field(default_factory=list)
    failures: int = 0


def find(
    database: Database,
    experiment: ExperimentRow,
    contestants: Sequence[Contestant],
    latencies: Mapping[str, Sequence[float]],
    views: Mapping[str, IndexView],
) -> Findings:
    """Return the findings on an experiment whose cells are all there; `latencies` are the probe's seconds by label."""
    questions = experiment.parsed_questions()
    specification = experiment.parsed_specification()
    names = [metric.name for metric in specification.metrics]
    with database.read() as session:
        gold = pinned_gold(session, questions, experiment.pins)
        tallies, scores, failed = _read(session, experiment, questions, gold, names)
        sizes = [_sizes(session, experiment, one, views) for one in contestants]
    decided = deciding_questions(questions, scores, failed, contestants)
    strategies = [
        _strategy_findings(contestant, tally, names, latencies.get(contestant.label), size)
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
    )


def _read(
    session: Session, experiment: ExperimentRow, questions: Sequence[Question], gold: Sequence[Gold], names: list[str]
) -> tuple[list[_Tally], Scores, Failed]:
    """Return what is added up by strategy, and the deciding scores with what failed, [strategies, questions] each."""
    scores = np.full((len(experiment.contestants), len(questions)), np.nan)
    failed = np.zeros(scores.shape, dtype=np.bool_)
    tallies = [_Tally() for _ in experiment.contestants]
    for cell in read_cells(session, experiment.id, with_spans=True):
        place = cell.strategy_number, cell.question_number
        _add(tallies[place[0]], cell, names, questions[place[1]], gold[place[1]])
        failed[place] = cell.error is not None
        score = cell.scores.get(names[0])
        if score is not None:
            scores[place] = score
    return tallies, scores, failed


def _add(tally: _Tally, cell: CellRow, names: Sequence[str], question: Question, gold: Gold) -> None:
    if cell.error is not None:
        tally.failures += 1
    else:
        tally.request_tokens.append(cell.request_tokens)
        tally.context_tokens.append(cell.sent["request"]["tokens"])
        tally.signals.append(float(cell.ranked[0][4]) if cell.ranked else -np.inf)
        tally.answerable.append(not question.unanswerable)
    fates = fates_of(gold, cell.ranked, cell.sent["request"]["spans"] if cell.sent else [])
    tally.fates.append(fates)
    if question.pinned and fates["sent"] < len(gold.labels):
        tally.lost_pinned.append(question.id)
    for name in names:
        score = cell.scores.get(name)
        if score is None and cell.error is not None and gold.labels:
            score = 0.0
        if score is not None:
            tally.scores[name].append(score)
    score = cell.scores.get(names[0])
    if score is not None:
        for tag in question.tags:
            tally.by_tag[tag].append(score)


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
    tally: _Tally,
    names: Sequence[str],
    seconds: Sequence[float] | None,
    sizes: tuple[int | None, int | None, int | None],
) -> StrategyFindings:
    chunks, tokens, size_bytes = sizes
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
        knee_tokens=knee_of(_curve(tally, names)),
        abstention_auroc=None
        if contestant.is_baseline
        else abstention_auroc(np.array(tally.signals), np.array(tally.answerable, dtype=np.bool_)),
        evidence=total(tally.fates),
        request_tokens=_mean(tally.request_tokens) or 0.0,
        request_tokens_range=_range(tally.request_tokens),
        largest_request_tokens=max(tally.request_tokens, default=0),
        context_tokens=_mean(tally.context_tokens) or 0.0,
        latency=latency_of(seconds) if seconds else None,
        chunks=chunks,
        indexed_tokens=tokens,
        index_bytes=size_bytes,
    )


def _curve(tally: _Tally, names: Sequence[str]) -> dict[int, float]:
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


def _sizes(
    session: Session, experiment: ExperimentRow, contestant: Contestant, views: Mapping[str, IndexView]
) -> tuple[int | None, int | None, int | None]:
    """Return chunks, their tokens, and the bytes of the stores' files; None for a baseline."""
    setup = contestant.strategy.retrieval
    if not isinstance(setup, SearchSetup):
        return None, None, None
    chunks = tokens = 0
    for batch in batches(sorted(experiment.pins.values()), IDS_PER_QUERY):
        columns = select(func.count(), func.coalesce(func.sum(ChunkRow.tokens), 0))
        matches = (ChunkRow.version_id.in_(batch), ChunkRow.chunking == setup.recipe.chunking)
        some_chunks, some_tokens = session.execute(columns.where(*matches)).one()
        chunks, tokens = chunks + int(some_chunks), tokens + int(some_tokens)
    folders = [segment.folder for segment in views[contestant.retrieval_fingerprint].segments]
    kinds = [store.kind_of_class() for store in setup.stores]
    return chunks, tokens, sum(_bytes(folder / kind) for folder in folders for kind in kinds)


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
