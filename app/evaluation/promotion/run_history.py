"""How the versions of an alias scored in experiments on one state of a question set, over time."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from app.context.aliases.records import AliasRow, State, StrategyState, states_of
from app.context.saved_strategies import load_strategy
from app.evaluation.experiments.findings import Findings
from app.evaluation.experiments.records import ExperimentRow
from app.evaluation.question_sets import load_question_set
from configs.errors import NotFoundError
from indexes.access import Filter

MOST_EXPERIMENTS = 100

Trend = Literal["up", "down", "steady"]


class Value(BaseModel):
    """A part of the history."""

    model_config = ConfigDict(frozen=True)


class Run(Value):
    """The score of one version in one experiment."""

    experiment_id: str
    finished_at: datetime
    documents: int = Field(description="on how many documents it ran")
    mean: float
    low: float = Field(description="lower end of the 95 % interval")
    high: float


class Line(Value):
    """The runs of one version by one metric, over the same documents and on the same behalf, oldest first."""

    strategy: str
    version: int
    state: State
    metric: str
    principals: list[str] = Field(description="on whose behalf strategies searched")
    filter: Filter | None = Field(description="the documents that were searched; null: all")
    runs: list[Run]
    change: float = Field(description="last score less the first one")
    trend: Trend = Field(
        description="`up` or `down` where the intervals of the first and the last run have nothing in common, which is "
        "more than the least difference that could be shown; else `steady`"
    )


class RunHistory(Value):
    """Every experiment on one content hash of a question set, by version of the alias and metric."""

    question_set: str
    question_set_hash: str
    lines: list[Line]


def run_history(session: Session, alias: AliasRow, question_set: str | None) -> RunHistory:
    """Return how versions that are or were active, or are the candidate, scored in the newest experiments on the set as
    it is now; by default the set of the newest experiment. Raises NotFoundError.
    """
    finished = ExperimentRow.workspace_id == alias.workspace_id, ExperimentRow.finished_at.is_not(None)
    newest = ExperimentRow.finished_at.desc(), ExperimentRow.id.desc()
    if question_set is None:
        question_set = session.scalar(select(ExperimentRow.question_set).where(*finished).order_by(*newest).limit(1))
        if question_set is None:
            raise NotFoundError("experiment", "", hint="run one with POST …/experiments first")
    known = load_question_set(session, alias.workspace_id, question_set)
    same = select(ExperimentRow).where(*finished, ExperimentRow.question_set_hash == known.content_hash)
    statement = same.order_by(*newest).limit(MOST_EXPERIMENTS)
    options = undefer(ExperimentRow.findings), undefer(ExperimentRow.pins)
    experiments = list(reversed(session.scalars(statement.options(*options)).all()))
    lines = [
        line
        for one in states_of(session, alias)
        if one.state != "draft" or one.was_active
        for line in _lines(session, alias, one, experiments)
    ]
    return RunHistory(question_set=question_set, question_set_hash=known.content_hash, lines=lines)


def _lines(session: Session, alias: AliasRow, one: StrategyState, experiments: list[ExperimentRow]) -> list[Line]:
    saved = load_strategy(session, alias.workspace_id, one.strategy, one.version)
    fingerprint = saved.strategy.resolved().fingerprint
    comparable: dict[tuple[str, tuple[str, ...], Filter | None], list[Run]] = {}
    for experiment in experiments:
        found = _run(experiment, fingerprint)
        if found is not None:
            metric, run = found
            asked = experiment.parsed_specification()
            comparable.setdefault((metric, tuple(sorted(asked.principals)), asked.filter), []).append(run)
    return [
        Line(
            strategy=one.strategy, version=one.version, state=one.state, metric=metric, principals=list(principals),
            filter=restriction, runs=runs, change=runs[-1].mean - runs[0].mean, trend=trend_of(runs[0], runs[-1]),
        )
        for (metric, principals, restriction), runs in comparable.items()
    ]  # fmt: skip


def _run(experiment: ExperimentRow, fingerprint: str) -> tuple[str, Run] | None:
    """Return the deciding metric and the score of a strategy, None where no verdict of the experiment has it."""
    findings = Findings.model_validate(experiment.findings)
    label = next((one.label for one in findings.strategies if one.fingerprint == fingerprint), None)
    scores = findings.analysis.strategies if findings.analysis is not None else []
    score = next((one for one in scores if one.label == label), None)
    if score is None or experiment.finished_at is None:
        return None
    return findings.metric, Run(
        experiment_id=experiment.id, finished_at=experiment.finished_at, documents=len(experiment.pins),
        mean=score.mean, low=score.low, high=score.high,
    )  # fmt: skip


def trend_of(first: Run, last: Run) -> Trend:
    """Return where a score went from the first run to the last."""
    return "up" if last.low > first.high else "down" if last.high < first.low else "steady"
