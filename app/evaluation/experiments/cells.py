"""The cells of one question: each strategy's answer, scored by every metric. A failed cell is a value."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.context.strategy import BaselineSetup, SearchSetup
from app.evaluation.experiments.answered import Answered, Depth, Vector
from app.evaluation.experiments.asking import Ask, AskedQuestions
from app.evaluation.experiments.packing import Packing, sent_spans
from app.evaluation.experiments.panel import Panel, is_personal
from app.evaluation.experiments.personal_arms import OwnAnswer, PersonalArms
from app.evaluation.experiments.specification import Contestant
from app.evaluation.experiments.trial import Trial
from app.evaluation.metrics import Metric
from app.evaluation.outcome import Gold, Outcome
from app.evaluation.questions import Question
from app.evaluation.span_metrics import TokenMeter
from app.evaluation.version_span import VersionSpan
from configs.errors import PlaygroundError
from configs.part import JsonObject
from indexes.access import Principal
from indexes.view import IndexView

RANKED_KEPT = 100
"""Hits of a ranked list that a cell keeps."""

logger = logging.getLogger("playground.experiments")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A question with its number in the experiment, and as its user asks it."""

    number: int
    question: Question
    gold: Gold
    ask: Ask


class CellMaker:
    """Makes cells; texts are counted, and questions encoded, once for all of them."""

    def __init__(
        self, trial: Trial, packing: Packing, asked: AskedQuestions, panel: Panel, metrics: Sequence[Metric]
    ) -> None:
        self._trial = trial
        self._packing = packing
        self._asked = asked
        self._metrics = metrics
        self._meter = TokenMeter()
        self._vectors: dict[tuple[str, str], Vector] = {}
        self._baselines: dict[tuple[str, Principal], Answered] = {}
        reading = [metric for metric in metrics if metric.reads == "context"]
        self._budgets = sorted({budget for metric in reading for budget in metric.budgets_tokens})
        self._depth = Depth(
            documents=max((metric.depth_documents for metric in metrics), default=0),
            passages=max((metric.depth_passages for metric in metrics), default=0),
        )
        self._arms = PersonalArms(trial, packing, asked, panel, metrics[0], self._depth)

    def cells(
        self,
        setup: SearchSetup | BaselineSetup,
        view: IndexView | None,
        contestants: Sequence[tuple[int, Contestant]],
        question_number: int,
        question: Question,
        gold: Gold,
    ) -> list[dict[str, Any]]:
        """Return the values of one row for each of the contestants, which share the retrieval setup.

        What goes wrong becomes the error of the cells it concerns.
        """
        try:
            ask = self._asked.own(question, gold)
            answered = self._answer(setup, view, ask, contestants)
        except Exception as error:
            return [_failed(number, question_number, error) for number, _ in contestants]
        asking = Asking(number=question_number, question=question, gold=gold, ask=ask)
        rows = []
        for number, contestant in contestants:
            try:
                rows.append(self._cell(number, contestant, view, asking, answered))
            except Exception as error:
                rows.append(_failed(number, question_number, error))
        return rows

    def _answer(
        self,
        setup: SearchSetup | BaselineSetup,
        view: IndexView | None,
        ask: Ask,
        contestants: Sequence[tuple[int, Contestant]],
    ) -> Answered:
        if isinstance(setup, BaselineSetup):
            key = setup.baseline, ask.rights
            if key not in self._baselines:
                limits = [one.strategy.context.available_tokens for _, one in contestants]
                self._baselines = {key: self._trial.baseline(setup, ask.rights, max([*limits, *self._budgets]))}
            return self._baselines[key]
        assert view is not None
        return self._trial.search(setup, view, ask, self.vector_of(setup, ask.text), self._depth)

    def vector_of(self, setup: SearchSetup, question: str) -> Vector | None:
        """Return the question's vector, encoded once for all setups of one embedder."""
        if setup.embedder is None:
            return None
        key = (setup.embedder.fingerprint, question)
        if key not in self._vectors:
            self._vectors[key] = setup.embedder.encode_query(question)
        return self._vectors[key]

    def _cell(
        self, number: int, contestant: Contestant, view: IndexView | None, asking: Asking, unmoved: Answered
    ) -> dict[str, Any]:
        policy, setup, text = contestant.strategy.context, contestant.strategy.retrieval, asking.ask.text
        answered = unmoved
        if isinstance(setup, SearchSetup) and view is not None:
            answered = self._trial.moved(setup, view, policy, asking.ask, unmoved, self._depth)
        material = self._trial.material(setup, policy, asking.ask, answered)
        outcome = self._packing.outcome(
            policy, text, answered, material, budgets_tokens=self._budgets, is_baseline=contestant.is_baseline
        )
        own = self._packing.own_context(policy, text, answered.packable, material)
        sent = {str(budget): _sent(context.tokens, context.spans) for budget, context in outcome.contexts.items()}
        sent["request"] = _sent(own.tokens.documents + own.tokens.envelope, sent_spans(own)) | _capped(answered)
        scores = {metric.name: metric.score(outcome, asking.gold, self._meter) for metric in self._metrics}
        personal = None
        if is_personal(contestant) and isinstance(setup, SearchSetup) and view is not None:
            given = OwnAnswer(
                policy=policy, setup=setup, view=view, unmoved=unmoved, material=material, outcome=outcome, context=own,
                score=scores[self._metrics[0].name],
            )  # fmt: skip
            personal = self._arms.score(given, asking.question, asking.gold, self._meter)
        return {
            "strategy_number": number,
            "question_number": asking.number,
            "scores": scores,
            "ranked": [] if contestant.is_baseline else _ranked(outcome),
            "sent": sent,
            "request_tokens": own.tokens.total,
            "seconds": answered.seconds,
            "personal": personal,
            "error": None,
        }


def _ranked(outcome: Outcome) -> list[list[Any]]:
    return [
        [one.document_id, one.place.version_id, one.place.span.start, one.place.span.end, one.score]
        for one in outcome.ranked[:RANKED_KEPT]
    ]


def _sent(tokens: int, spans: Sequence[VersionSpan]) -> JsonObject:
    return {"tokens": tokens, "spans": [[one.version_id, one.span.start, one.span.end] for one in spans]}


def _capped(answered: Answered) -> JsonObject:
    """Return what a cap dropped, nothing where it dropped nothing."""
    kept = answered.capped[:RANKED_KEPT]
    spans = [[hit.document_id, hit.version_id, hit.span.start, hit.span.end, hit.score] for hit in kept]
    return {"capped": spans} if spans else {}


def _failed(strategy_number: int, question_number: int, error: Exception) -> dict[str, Any]:
    if isinstance(error, PlaygroundError):
        said = error.as_dict()
    else:
        logger.error("a cell failed", exc_info=error)
        said = {"code": "internal_error", "detail": f"{type(error).__name__}", "hint": "look at the service's log"}
    return {
        "strategy_number": strategy_number,
        "question_number": question_number,
        "scores": {},
        "ranked": [],
        "sent": {},
        "request_tokens": 0,
        "seconds": 0.0,
        "personal": None,
        "error": said,
    }
