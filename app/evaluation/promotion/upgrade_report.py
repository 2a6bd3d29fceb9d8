"""What would change for those who ask, if the candidate answered instead of the active version."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.saved_strategies import SavedStrategy
from app.evaluation.economics.latency import Quantile
from app.evaluation.experiments.findings import StrategyFindings
from app.evaluation.experiments.records import CellRow, ExperimentRow
from app.evaluation.promotion.material import Material, name_of
from app.evaluation.promotion.resources import usd_of
from app.evaluation.statistics.pair_verdict import PairVerdict

MOST_FLIPPED = 50
SAME = 1e-12


class Value(BaseModel):
    """A part of the report."""

    model_config = ConfigDict(frozen=True)


class Side(Value):
    """One of the two versions, as the experiment measured it."""

    strategy: str
    score: float | None = Field(description="mean of the deciding metric")
    low: float | None = Field(description="lower end of its 95 % interval; null for a reference line")
    high: float | None
    request_tokens: float
    usd_per_request: float | None = Field(description="of the input tokens, at the model of the alias's limits")
    p50_seconds: Quantile | None = Field(description="null where too few requests were timed")
    p95_seconds: Quantile | None
    index_bytes: int | None = Field(description="disk of the stores that it searches; null for a reference line")


class Flipped(Value):
    """A question on which the two versions score differently."""

    question_id: str
    question: str
    active_score: float
    candidate_score: float


class UpgradeReport(Value):
    """Both versions side by side. Scores bound the quality of answers and are not that quality."""

    experiment_id: str
    metric: str
    active: Side
    candidate: Side
    verdict: PairVerdict | None = Field(description="how the candidate is to the active version; null: not compared")
    won: int = Field(description="questions on which the candidate scores higher, of those that decide")
    lost: int = Field(description="questions on which it scores lower")
    won_questions: list[Flipped] = Field(description=f"the largest differences, at most {MOST_FLIPPED}")
    lost_questions: list[Flipped]


def upgrade_report(session: Session, material: Material) -> UpgradeReport | None:
    """Return the report, None where the experiment has no findings on both versions."""
    experiment, findings = material.experiment, material.findings
    active, candidate = material.found(material.active), material.found(material.candidate)
    if experiment is None or findings is None or material.active is None or active is None or candidate is None:
        return None
    flips = _flips(session, experiment, active.label, candidate.label, findings.metric)
    won = sorted((one for one in flips if one.candidate_score > one.active_score), key=_size)
    lost = sorted((one for one in flips if one.candidate_score < one.active_score), key=_size)
    return UpgradeReport(
        experiment_id=experiment.id,
        metric=findings.metric,
        active=_side(material, material.active, active),
        candidate=_side(material, material.candidate, candidate),
        verdict=material.verdict(),
        won=len(won),
        lost=len(lost),
        won_questions=won[:MOST_FLIPPED],
        lost_questions=lost[:MOST_FLIPPED],
    )


def _size(one: Flipped) -> tuple[float, str]:
    return -abs(one.candidate_score - one.active_score), one.question_id


def _side(material: Material, saved: SavedStrategy, found: StrategyFindings) -> Side:
    assert material.findings is not None
    score = material.score(found)
    return Side(
        strategy=name_of(saved),
        score=found.means.get(material.findings.metric) if score is None else score.mean,
        low=None if score is None else score.low,
        high=None if score is None else score.high,
        request_tokens=found.request_tokens,
        usd_per_request=usd_of(found.request_tokens, material.alias.parsed_limits().model),
        p50_seconds=None if found.latency is None else found.latency.p50,
        p95_seconds=None if found.latency is None else found.latency.p95,
        index_bytes=found.index_bytes,
    )


def _flips(session: Session, experiment: ExperimentRow, active: str, candidate: str, metric: str) -> list[Flipped]:
    """Return the questions on which two strategies differ, of those that enter verdicts; a failed cell scores 0."""
    labels = [one["label"] for one in experiment.contestants]
    before, after = (_scores(session, experiment, labels.index(label), metric) for label in (active, candidate))
    flips = []
    for number, question in enumerate(experiment.parsed_questions()):
        if question.origin != "sampled" or question.unanswerable or number not in before.keys() & after.keys():
            continue
        old, new = before[number], after[number]
        if old is None and new is None:
            continue
        if abs((new or 0.0) - (old or 0.0)) > SAME:
            flips.append(
                Flipped(
                    question_id=question.id, question=question.question, active_score=old or 0.0,
                    candidate_score=new or 0.0,
                )
            )  # fmt: skip
    return flips


def _scores(session: Session, experiment: ExperimentRow, strategy: int, metric: str) -> Mapping[int, float | None]:
    """Return the score by question number, None for a failed cell; questions without a score are left out."""
    scores: dict[int, float | None] = {}
    columns = select(CellRow.question_number, CellRow.scores, CellRow.error)
    mine = CellRow.experiment_id == experiment.id, CellRow.strategy_number == strategy
    for cell in session.execute(columns.where(*mine)):
        score = cell.scores.get(metric)
        if cell.error is not None:
            scores[cell.question_number] = None
        elif score is not None:
            scores[cell.question_number] = score
    return scores
