"""What an experiment found of personalisation: the cells' own, anonymous and borrowed scores as one table each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from app.evaluation.experiments.panel import Panel, is_personal
from app.evaluation.experiments.records import CellRow, ExperimentRow
from app.evaluation.experiments.specification import Contestant
from app.evaluation.outcome import Gold
from app.evaluation.personalisation.derangements import NOBODY, Derangements
from app.evaluation.personalisation.findings import find_personalisation
from app.evaluation.personalisation.result import PersonalisationFindings, PersonalisationPlan
from app.evaluation.personalisation.sentences import sentences
from app.evaluation.personalisation.table import PersonalisationTable, PlaceboScores
from app.evaluation.questions import Question
from app.evaluation.statistics.clusters import cluster_questions
from app.evaluation.statistics.score_table import Numbers


class StrategyPersonalisation(BaseModel):
    """Whether one strategy's personalisation helps its users, against nobody's and other users' profiles."""

    model_config = ConfigDict(frozen=True)

    label: str
    findings: PersonalisationFindings
    sentences: list[str] = Field(description="the findings in words, the conclusion first")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """The scores of one question; without `personal` a cell failed, and every arm scores 0."""

    question: Question
    cluster: str
    own: float
    personal: Mapping[str, Any] | None


def personalisation_of(
    session: Session,
    experiment: ExperimentRow,
    contestants: Sequence[Contestant],
    questions: Sequence[Question],
    gold: Sequence[Gold],
    decided: Sequence[int],
) -> list[StrategyPersonalisation]:
    """Return the findings on each personal strategy, over the deciding questions that users ask."""
    panel, specification = experiment.panel(), experiment.parsed_specification()
    asked = [number for number in decided if panel.decides(questions[number])]
    if not asked:
        return []
    clusters = cluster_questions([questions[number].cluster for number in asked], [gold[number] for number in asked])
    plan = PersonalisationPlan(
        metric=specification.metrics[0].name, margin=specification.margin, look=experiment.look, seed=specification.seed
    )
    found = []
    for strategy_number, contestant in enumerate(contestants):
        if not is_personal(contestant):
            continue
        cells = _cells(session, experiment.id, strategy_number)
        rows = [
            _row(cells[number], questions[number], f"c{cluster}", plan.metric)
            for number, cluster in zip(asked, clusters.tolist(), strict=True)
        ]
        findings = find_personalisation(_table(rows, panel), plan)
        found.append(StrategyPersonalisation(label=contestant.label, findings=findings, sentences=sentences(findings)))
    return found


def _cells(session: Session, experiment_id: str, strategy_number: int) -> dict[int, CellRow]:
    statement = select(CellRow).where(
        CellRow.experiment_id == experiment_id, CellRow.strategy_number == strategy_number
    )
    return {cell.question_number: cell for cell in session.scalars(statement.options(undefer(CellRow.personal)))}


def _row(cell: CellRow, question: Question, cluster: str, metric: str) -> _Row:
    own = cell.scores.get(metric)
    return _Row(
        question=question,
        cluster=cluster,
        own=0.0 if own is None else own,
        personal=cell.personal if cell.error is None else None,
    )


def _table(rows: Sequence[_Row], panel: Panel) -> PersonalisationTable:
    numbers = [panel.users.index(str(row.question.user_id)) for row in rows]
    return PersonalisationTable(
        users=tuple(panel.users[number] for number in numbers),
        groups=tuple(panel.groups[number] for number in numbers),
        questions=tuple(row.question.id for row in rows),
        clusters=tuple(row.cluster for row in rows),
        own=np.array([row.own if row.personal is not None else 0.0 for row in rows]),
        anonymous=np.array([row.personal["anonymous"] if row.personal is not None else 0.0 for row in rows]),
        changed=np.array([row.personal is not None and row.personal["changed"] for row in rows], dtype=np.bool_),
        failed=np.array([row.personal is None or row.personal["failures"] > 0 for row in rows], dtype=np.bool_),
        within=_placebo(rows, numbers, panel.within),
        across=_placebo(rows, numbers, panel.across),
    )


def _placebo(rows: Sequence[_Row], numbers: Sequence[int], drawn: Derangements) -> PlaceboScores:
    scores: Numbers = np.full((len(drawn.donors), len(rows)), np.nan)
    for place, (row, number) in enumerate(zip(rows, numbers, strict=True)):
        lent = dict(row.personal["placebos"]) if row.personal is not None else {}
        for draw, donor in enumerate(drawn.donors[:, number].tolist()):
            if donor != NOBODY:
                scores[draw, place] = lent.get(donor, 0.0)
    return PlaceboScores(scores=scores, drawn=drawn)
