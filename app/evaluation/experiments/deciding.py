"""Which questions decide an experiment, and the analysis over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from app.evaluation.experiments.records import ExperimentRow
from app.evaluation.experiments.specification import Contestant
from app.evaluation.outcome import Gold
from app.evaluation.questions import Question
from app.evaluation.statistics.analysis import Analysis, AnalysisPlan, analyse
from app.evaluation.statistics.clusters import cluster_questions
from app.evaluation.statistics.score_table import ScoreTable

Scores = npt.NDArray[np.float64]
"""float64 [strategies, questions]; not a number where there is no score."""
Failed = npt.NDArray[np.bool_]


def deciding_questions(
    questions: Sequence[Question], scores: Scores, failed: Failed, contestants: Sequence[Contestant]
) -> list[int]:
    """Return the numbers of the questions that enter the verdict: sampled, answerable, and scored for some strategy.

    A question counts for all strategies or for none; where a cell failed, the others tell whether its metric applies.
    """
    ranked = [number for number, one in enumerate(contestants) if not one.is_baseline]
    return [
        number
        for number, question in enumerate(questions)
        if question.origin == "sampled"
        and not question.unanswerable
        and all(failed[row, number] or not np.isnan(scores[row, number]) for row in ranked)
        and any(not failed[row, number] for row in ranked)
    ]


def analysis_of(
    experiment: ExperimentRow,
    contestants: Sequence[Contestant],
    questions: Sequence[Question],
    gold: Sequence[Gold],
    scores: Scores,
    failed: Failed,
    decided: Sequence[int],
    costs: Mapping[str, float],
) -> Analysis | None:
    """Return the analysis over the deciding questions, None where there is none; `costs` choose among co-winners."""
    if not decided:
        return None
    specification = experiment.parsed_specification()
    rows = [number for number, one in enumerate(contestants) if not one.is_baseline]
    place = np.ix_(rows, decided)
    table = ScoreTable(
        strategies=tuple(contestants[row].label for row in rows),
        questions=tuple(questions[number].id for number in decided),
        scores=np.where(failed[place], 0.0, scores[place]),
        failed=failed[place],
        clusters=cluster_questions([questions[n].cluster for n in decided], [gold[n] for n in decided]),
    )
    documents = {label.document_id for number in decided for label in gold[number].labels}
    plan = AnalysisPlan(
        margin=specification.margin,
        baseline=specification.baseline,
        look=experiment.look,
        loss_tolerance=specification.loss_tolerance,
        seed=specification.seed,
        document_clusters=len(documents),
    )
    return analyse(table, plan, costs)
