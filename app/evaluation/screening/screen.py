"""Screening from end to end: make questions, ask every strategy, keep the part that is worth it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from app.context.strategy import SearchSetup
from app.evaluation.finder import Contestant
from app.evaluation.outcome import Gold
from app.evaluation.screening.answers import Answers, Arm, Sent, recall
from app.evaluation.screening.findings import (
    Scored,
    agreement_report,
    calibration_report,
    kind_reports,
    strategy_reports,
)
from app.evaluation.screening.next_questions import Candidate, most_different
from app.evaluation.screening.pseudo_questions import FAMILIES, LeftOut, PseudoQuestion, make_questions
from app.evaluation.screening.ranking import Floats
from app.evaluation.screening.result import NextQuestion, Screening, ScreeningSettings
from app.evaluation.screening.sources import draw_sources
from app.evaluation.span_metrics import TOKENIZER
from configs.errors import InvalidInputError
from indexes.access import Principal
from indexes.database.engine import Database
from indexes.view import IndexView

Progress = Callable[[str, int, int], None]
"""Told the stage, what is done of it and the total before each question; what it raises ends the screening."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealQuestion:
    """A question of the users; `gold` is None where nothing is marked yet, else it marks versions that answer."""

    id: str
    text: str
    gold: Gold | None = None


def screen(
    database: Database,
    contestants: Sequence[Contestant],
    view_of: Callable[[Contestant], IndexView],
    settings: ScreeningSettings,
    *,
    principal: Principal,
    questions: Sequence[RealQuestion] = (),
    progress: Progress | None = None,
) -> Screening:
    """Return which contestants are worth keeping, told from the documents the principal may read.

    `view_of` gives the index that answers a contestant. Baselines do not rank and are left out. Of `questions`, those
    with marked spans calibrate, and those without gold may be proposed for labelling. Nothing is written. Raises
    InvalidInputError `too_few_strategies`.
    """
    arms = _arms(contestants, view_of)
    served = _served_by_all(arms, principal)
    with database.read() as session:
        sources = draw_sources(session, served, settings.seed)
    made = make_questions(sources, per_kind=settings.questions_per_kind, overlap=settings.overlap, seed=settings.seed)
    asking = _Asking(Answers(database, arms, principal, settings.budget_tokens), len(arms), progress)
    scores = {kind: asking.scores(f"asking {kind}", some) for kind, some in made.questions.items()}
    labelled = [one for one in questions if one.gold is not None and one.gold.span_labels]
    scored = Scored(arms=arms, kinds=scores, gold=asking.scores("asking labelled questions", labelled))
    strategies = strategy_reports(scored)
    kept = [number for number, strategy in enumerate(strategies) if strategy.is_kept]
    known_items = [one for kind in FAMILIES["lookup"] for one in made.questions.get(kind, ())]
    unlabelled = [one for one in questions if one.gold is None]
    return Screening(
        settings=settings,
        tokenizer=TOKENIZER,
        documents=len(served),
        documents_drawn=len(sources),
        kinds=kind_reports(made, scored),
        families=agreement_report(scored, settings.seed),
        calibration=calibration_report(scored),
        strategies=strategies,
        next_questions=asking.next_questions(unlabelled, known_items, kept, settings.next_questions),
    )


def _arms(contestants: Sequence[Contestant], view_of: Callable[[Contestant], IndexView]) -> list[Arm]:
    arms = [
        Arm(label=one.label, setup=one.setup, view=view_of(one))
        for one in contestants
        if isinstance(one.setup, SearchSetup)
    ]
    if len(arms) < 2:
        raise InvalidInputError(
            f"a screening needs at least two strategies that retrieve, got {len(arms)}",
            hint="add a strategy; no_context and whole_documents are reference lines and are not screened",
            code="too_few_strategies",
        )
    return arms


def _served_by_all(arms: Sequence[Arm], principal: Principal) -> dict[str, str]:
    """Return the version by document of the readable documents with which every arm answers in the same version."""
    first, *others = [{(one.id, one.version_id) for one in arm.view.documents} for arm in arms]
    common = first.intersection(*others)
    readable = {one.id for one in arms[0].view.documents if principal.may_read(one.access)}
    return {document: version for document, version in common if document in readable}


class _Asking:
    """Asks questions one by one, and proposes some of them for labelling."""

    def __init__(self, answers: Answers, arms: int, progress: Progress | None) -> None:
        self._answers = answers
        self._arms = arms
        self._progress = progress
        self._sent: dict[str, list[Sent | None]] = {}

    def scores(self, stage: str, questions: Sequence[PseudoQuestion | RealQuestion]) -> Floats:
        """Return float64 [strategies, questions]: recall of the gold; NaN where nothing can be left out of the rows."""
        scores = np.full((self._arms, len(questions)), np.nan)
        for number, question in enumerate(questions):
            self._tell(stage, number, len(questions))
            assert question.gold is not None
            sent = self._ask(question.text, question.left_out if isinstance(question, PseudoQuestion) else None)
            scores[:, number] = [np.nan if one is None else recall(question.gold, one) for one in sent]
        return scores

    def next_questions(
        self,
        unlabelled: Sequence[RealQuestion],
        made: Sequence[PseudoQuestion],
        kept: Sequence[int],
        count: int,
    ) -> list[NextQuestion]:
        """Return the unlabelled questions, or where there are none the made ones, on which the kept differ most."""
        questions: Sequence[RealQuestion | PseudoQuestion] = unlabelled or made
        candidates = []
        for number, question in enumerate(questions if count else ()):
            self._tell("asking unlabelled questions", number, len(questions))
            sent = self._ask(question.text, None)
            candidates.append(Candidate(id=question.id, text=question.text, sent=[sent[arm] or () for arm in kept]))
        return [
            NextQuestion(id=one.id, question=one.text, difference=difference, is_pseudo=not unlabelled)
            for one, difference in most_different(candidates, count)
        ]

    def _ask(self, question: str, left_out: LeftOut | None) -> list[Sent | None]:
        if left_out is not None:
            return self._answers.sent(question, left_out)
        if question not in self._sent:
            self._sent[question] = self._answers.sent(question)
        return self._sent[question]

    def _tell(self, stage: str, done: int, total: int) -> None:
        if self._progress is not None:
            self._progress(stage, done, total)
