"""The family of metrics: what a strategy's answer to one question is worth, measured against what was marked."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from app.evaluation.outcome import Gold, Outcome, SentContext
from app.evaluation.span_metrics import TokenMeter, cut_at_budget
from app.evaluation.version_span import VersionSpan
from configs.part import Part, import_members

Requirement = Literal["span_labels", "document_labels", "any_labels"]
Reading = Literal["ranking", "context"]

DEEPEST = 1_000
"""Passages or documents of a ranked list that a metric may look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One answer with what was marked for its question, and the meter that counts tokens for all strategies."""

    outcome: Outcome
    gold: Gold
    meter: TokenMeter

    def places(self, k: int = DEEPEST) -> list[VersionSpan]:
        """Return where the first `k` ranked passages stand."""
        return [found.place for found in self.outcome.ranked[:k]]

    def cut(self, budget_tokens: int) -> Sequence[VersionSpan]:
        """Return the ranked text up to the budget, the last passage cut."""
        ranked = ((found.place, found.text) for found in self.outcome.ranked)
        return cut_at_budget(ranked, budget_tokens, self.meter).spans

    def context(self, budget_tokens: int) -> SentContext:
        """Return what the strategy itself sends within the budget; KeyError where it was not packed."""
        return self.outcome.contexts[budget_tokens]


class Metric(Part):
    """Measures one answer.

    Promises: `name` tells the metric and its settings apart from all others, and is a column's name; the same answer
    gives the same number; it is None where the question is unanswerable, where its labels cannot carry the metric, and
    where a baseline, which does not rank, meets a metric of ranks. Text that merely touches a marked span is worth
    nothing; text that is byte-identical to it (`Label.copies`) is worth as much. A metric that `can_decide` lies in
    [0, 1] and higher is better, so that verdicts may rest on it; the others describe, and are 0 or more.
    """

    requires: ClassVar[Requirement]
    """`document_labels` are carried by spans too: each names its document."""
    can_decide: ClassVar[bool] = True

    @property
    @abstractmethod
    def name(self) -> str:
        """Return the metric's name with its parameters, such as `ndcg_linear@10`."""

    @property
    def reads(self) -> Reading:
        """Tell whether it measures the ranked text or the strategy's own packed contexts."""
        return "ranking"

    @property
    def budgets_tokens(self) -> tuple[int, ...]:
        """Return the budgets at which ranked text is cut or contexts are packed."""
        return ()

    @property
    def depth_documents(self) -> int:
        """Return how many distinct documents the ranked list must reach where there are so many, 0 if irrelevant."""
        return 0

    @property
    def depth_passages(self) -> int:
        """Return how many passages the ranked list must hold where there are so many, 0 if irrelevant."""
        return 0

    def score(self, outcome: Outcome, gold: Gold, meter: TokenMeter) -> float | None:
        """Return the answer's number, None where the metric does not apply.

        `outcome` reaches as deep as the metric asks and has a context for each of its budgets where it reads contexts.
        """
        labels = gold.span_labels if self.requires == "span_labels" else gold.labels
        is_of_ranks = self.reads == "ranking" and not self.budgets_tokens
        if gold.is_unanswerable or not labels or (is_of_ranks and outcome.is_baseline):
            return None
        return self.measure(Judged(outcome=outcome, gold=gold, meter=meter))

    @abstractmethod
    def measure(self, judged: Judged) -> float | None:
        """Return the number of an answer whose labels the metric `requires`; callers use `score`."""


import_members(__name__, __path__)
