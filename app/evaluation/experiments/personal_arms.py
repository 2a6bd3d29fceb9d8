"""What nobody's and other users' profiles would have made of the same question: the arms beside a strategy's own."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from app.context.assembled import Assembled
from app.context.personal.material import PersonalMaterial
from app.context.policy import ContextPolicy
from app.context.strategy import SearchSetup
from app.evaluation.experiments.answered import Answered, Depth
from app.evaluation.experiments.asking import Ask, AskedQuestions
from app.evaluation.experiments.packing import Packing
from app.evaluation.experiments.panel import Panel
from app.evaluation.experiments.trial import Trial
from app.evaluation.metrics import Metric
from app.evaluation.outcome import Gold, Outcome
from app.evaluation.questions import Question
from app.evaluation.span_metrics import TokenMeter
from indexes.view import IndexView

logger = logging.getLogger("playground.experiments")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAnswer:
    """What a strategy gave to a question's own user; `unmoved` is what it finds for the question as it is."""

    policy: ContextPolicy
    setup: SearchSetup
    view: IndexView
    unmoved: Answered
    material: PersonalMaterial
    outcome: Outcome
    context: Assembled
    score: float | None


class PersonalArms:
    """Scores a strategy's other arms on a question by the deciding metric."""

    def __init__(
        self, trial: Trial, packing: Packing, asked: AskedQuestions, panel: Panel, metric: Metric, depth: Depth
    ) -> None:
        self._trial = trial
        self._packing = packing
        self._asked = asked
        self._panel = panel
        self._metric = metric
        self._depth = depth
        self._budgets = metric.budgets_tokens if metric.reads == "context" else ()

    def score(self, own: OwnAnswer, question: Question, gold: Gold, meter: TokenMeter) -> dict[str, Any] | None:
        """Return what the cell keeps, None where the question does not decide.

        `anonymous` is the score with nobody's profile; `changed` tells whether anything that was found or sent is not
        what nobody would get; `placebos` are [number of the user, score with this user's profile]; `failures` counts
        arms that failed and score 0.
        """
        if own.score is None or not self._panel.decides(question) or question.user_id is None:
            return None
        moves = own.policy.personalisation.query.blend > 0
        tried: list[tuple[PersonalMaterial, float]] = [] if moves else [(own.material, own.score)]
        anonymous, changed, failures = 0.0, True, 0
        try:
            anonymous, changed = self._nobodys(own, question, gold, meter)
        except Exception as error:
            logger.error("an arm failed", exc_info=error)
            failures += 1
        placebos: list[list[float]] = []
        for donor in self._panel.donors_of(question.user_id):
            score = 0.0
            try:
                score = self._borrowed(own, question, gold, donor, tried, meter)
            except Exception as error:
                logger.error("an arm failed", exc_info=error)
                failures += 1
            placebos.append([donor, score])
        return {"anonymous": anonymous, "changed": changed, "placebos": placebos, "failures": failures}

    def _nobodys(self, own: OwnAnswer, question: Question, gold: Gold, meter: TokenMeter) -> tuple[float, bool]:
        """Return the score with nobody's profile, and whether anything that was found or sent is another's."""
        ask = self._asked.anonymous(question, gold)
        material = self._trial.material(own.setup, own.policy, ask, own.unmoved)
        outcome = self._outcome(own, ask, own.unmoved, material)
        return self._measured(outcome, gold, meter), self._is_changed(own, ask, material, outcome)

    def _borrowed(
        self,
        own: OwnAnswer,
        question: Question,
        gold: Gold,
        donor: int,
        tried: list[tuple[PersonalMaterial, float]],
        meter: TokenMeter,
    ) -> float:
        """Return the score with a donor's profile; what equals a profile that was tried before is not packed again."""
        ask = self._asked.borrowed(question, gold, self._panel.users[donor])
        answered = self._trial.moved(own.setup, own.view, own.policy, ask, own.unmoved, self._depth)
        material = self._trial.material(own.setup, own.policy, ask, answered)
        if answered is own.unmoved:
            for other, score in tried:
                if other == material:
                    return score
        score = self._measured(self._outcome(own, ask, answered, material), gold, meter)
        if answered is own.unmoved:
            tried.append((material, score))
        return score

    def _outcome(self, own: OwnAnswer, ask: Ask, answered: Answered, material: PersonalMaterial) -> Outcome:
        return self._packing.outcome(
            own.policy, ask.text, answered, material, budgets_tokens=self._budgets, is_baseline=False
        )

    def _measured(self, outcome: Outcome, gold: Gold, meter: TokenMeter) -> float:
        score = self._metric.score(outcome, gold, meter)
        return 0.0 if score is None else score

    def _is_changed(self, own: OwnAnswer, ask: Ask, material: PersonalMaterial, outcome: Outcome) -> bool:
        context = self._packing.own_context(own.policy, ask.text, own.unmoved.packable, material)
        return (
            context.rendered != own.context.rendered
            or outcome.ranked != own.outcome.ranked
            or any(outcome.contexts[budget] != own.outcome.contexts[budget] for budget in self._budgets)
        )
