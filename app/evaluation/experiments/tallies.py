"""What is added up over the cells of each strategy."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from sqlalchemy.orm import Session

from app.evaluation.experiments.deciding import Failed, Scores
from app.evaluation.experiments.fate import Fate, fates_of
from app.evaluation.experiments.records import CellRow, ExperimentRow, read_cells
from app.evaluation.outcome import Gold
from app.evaluation.questions import Question

Kind = Literal["spans", "documents", "both"]


@dataclass(slots=True)
class Tally:
    """What is added up over a strategy's cells; failed ones score 0 where the metric applies to their labels."""

    scores: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    by_tag: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    by_kind: dict[Kind, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    questions_by_kind: Counter[Kind] = field(default_factory=Counter)
    fates: list[Counter[Fate]] = field(default_factory=list)
    request_tokens: list[int] = field(default_factory=list)
    context_tokens: list[int] = field(default_factory=list)
    lost_pinned: list[str] = field(default_factory=list)
    signals: list[float] = field(default_factory=list)
    answerable: list[bool] = field(default_factory=list)
    failures: int = 0

    def add(self, cell: CellRow, names: Sequence[str], question: Question, gold: Gold) -> None:
        """Add a cell; the first of `names` is the deciding metric."""
        if cell.error is not None:
            self.failures += 1
        else:
            self.request_tokens.append(cell.request_tokens)
            self.context_tokens.append(cell.sent["request"]["tokens"])
            self.signals.append(float(cell.ranked[0][4]) if cell.ranked else -np.inf)
            self.answerable.append(not question.unanswerable)
        request = cell.sent.get("request", {})
        fates = fates_of(gold, cell.ranked, request.get("spans", []), request.get("capped", []))
        self.fates.append(fates)
        if question.pinned and fates["sent"] < len(gold.labels):
            self.lost_pinned.append(question.id)
        self._add_scores(cell, names, gold)
        score = cell.scores.get(names[0])
        if score is not None:
            for tag in question.tags:
                self.by_tag[tag].append(score)

    def _add_scores(self, cell: CellRow, names: Sequence[str], gold: Gold) -> None:
        kind = label_kind(gold)
        if kind is not None:
            self.questions_by_kind[kind] += 1
        for name in names:
            score = cell.scores.get(name)
            if score is None and cell.error is not None and gold.labels:
                score = 0.0
            if score is not None:
                self.scores[name].append(score)
                if kind is not None:
                    self.by_kind[kind][name].append(score)


def label_kind(gold: Gold) -> Kind | None:
    """Return what the labels mark; None where there are none."""
    if not gold.labels:
        return None
    spans = len(gold.span_labels)
    return "documents" if not spans else "spans" if spans == len(gold.labels) else "both"


def read_tallies(
    session: Session, experiment: ExperimentRow, questions: Sequence[Question], gold: Sequence[Gold], names: list[str]
) -> tuple[list[Tally], Scores, Failed]:
    """Return what is added up by strategy, and the deciding scores with what failed, [strategies, questions] each."""
    scores = np.full((len(experiment.contestants), len(questions)), np.nan)
    failed = np.zeros(scores.shape, dtype=np.bool_)
    tallies = [Tally() for _ in experiment.contestants]
    for cell in read_cells(session, experiment.id, with_spans=True):
        place = cell.strategy_number, cell.question_number
        tallies[place[0]].add(cell, names, questions[place[1]], gold[place[1]])
        failed[place] = cell.error is not None
        score = cell.scores.get(names[0])
        if score is not None:
            scores[place] = score
    return tallies, scores, failed
