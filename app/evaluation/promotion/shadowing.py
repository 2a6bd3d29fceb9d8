"""Shadowing: both versions of an alias answer what it was asked lately, for whoever compares them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from pydantic import BaseModel, ConfigDict, Field

from app.context.aliases.recent_questions import RecentQuestion
from app.context.contexts import Contexts
from app.context.retrieve import MAX_WHOLE_DOCUMENTS, Request
from app.context.saved_strategies import SavedStrategy
from app.context.strategy import SearchSetup
from app.context.users.registration import UnknownUserError
from app.evaluation.agreement import is_same, span_agreement
from app.evaluation.experiments.packing import nonces_of
from app.evaluation.finder import place_of
from app.evaluation.promotion.material import name_of
from app.evaluation.version_span import VersionSpan

MOST_QUESTIONS = 100
SECONDS_AT_MOST = 20.0
RANKS_COMPARED = 50
"""With a persistence of 0.9 the ranks beyond carry half a percent of the weight of a rank-biased overlap."""


class Value(BaseModel):
    """A part of a shadowing."""

    model_config = ConfigDict(frozen=True)


class Shown(Value):
    """What one version would send for a question."""

    tokens: int = Field(description="of the whole context")
    seconds: float = Field(description="search and packing")
    sources: int = Field(description="passages or documents in the context")


class ShadowedQuestion(Value):
    """One question, answered by both versions with the rights it was asked with."""

    context_id: str = Field(description="the saved context it was taken from")
    question: str
    rank_biased_overlap: float | None = Field(
        description=f"of what was found, {RANKS_COMPARED} ranks deep: 1 for the same in the same order, 0 for nothing "
        "in common; null where one version does not rank"
    )
    first_result_changed: bool = Field(description="whether the best passages are not of the same place")
    active: Shown
    candidate: Shown


class Means(Value):
    """One version over all questions; for latency to be relied on, let an experiment time it."""

    strategy: str
    tokens: float = Field(description="mean")
    largest_tokens: int
    median_seconds: float
    slowest_seconds: float


class Shadowing(Value):
    """Both versions side by side on recent questions; it shows how much changes, not which is better."""

    questions: list[ShadowedQuestion]
    rank_biased_overlap: float | None = Field(description="mean; null where nothing was compared")
    first_results_changed: int = Field(description="questions whose best passage is another one")
    active: Means | None = Field(description="null where the caller may see no question")
    candidate: Means | None
    stopped_early: bool = Field(description=f"whether {SECONDS_AT_MOST:.0f} seconds were over before the last question")


@dataclass(frozen=True, slots=True)
class _Answer:
    places: list[VersionSpan]
    shown: Shown


def shadow(
    contexts: Contexts, workspace_id: str, active: SavedStrategy, candidate: SavedStrategy,
    recent: Sequence[RecentQuestion], clock: Callable[[], float] = time.monotonic,
) -> Shadowing:  # fmt: skip
    """Return what both versions give for the questions; nothing is saved.

    Which version comes first changes from question to question, as the second may find what the first left in caches.
    A user who is gone by now is left out. Raises what the retriever raises, ConflictError `index_missing` above all.
    """
    deadline = clock() + SECONDS_AT_MOST
    compared: list[ShadowedQuestion] = []
    stopped_early = False
    for number, one in enumerate(recent):
        if clock() > deadline:
            stopped_early = True
            break
        try:
            compared.append(_compared(contexts, workspace_id, active, candidate, one, is_turned=number % 2 == 1))
        except UnknownUserError:
            continue
    overlaps = [one.rank_biased_overlap for one in compared if one.rank_biased_overlap is not None]
    return Shadowing(
        questions=compared,
        rank_biased_overlap=fmean(overlaps) if overlaps else None,
        first_results_changed=sum(one.first_result_changed for one in compared),
        active=_means(active, [one.active for one in compared]),
        candidate=_means(candidate, [one.candidate for one in compared]),
        stopped_early=stopped_early,
    )


def _compared(
    contexts: Contexts, workspace_id: str, active: SavedStrategy, candidate: SavedStrategy, one: RecentQuestion, *,
    is_turned: bool,
) -> ShadowedQuestion:  # fmt: skip
    order = (candidate, active) if is_turned else (active, candidate)
    answers = [_answer(contexts, workspace_id, saved, one) for saved in order]
    old, new = reversed(answers) if is_turned else answers
    ranks = all(isinstance(saved.strategy.retrieval, SearchSetup) for saved in order)
    tops = old.places[:1], new.places[:1]
    is_same_top = tops == ([], []) or (all(tops) and is_same(tops[0][0], tops[1][0]))
    return ShadowedQuestion(
        context_id=one.context_id, question=one.question,
        rank_biased_overlap=span_agreement(old.places, new.places) if ranks else None,
        first_result_changed=not is_same_top, active=old.shown, candidate=new.shown,
    )  # fmt: skip


def _answer(contexts: Contexts, workspace_id: str, saved: SavedStrategy, one: RecentQuestion) -> _Answer:
    setup, policy = saved.strategy.retrieval, saved.strategy.context
    asker = contexts.askers.of(workspace_id, one.user_id)
    request = Request(
        workspace_id=workspace_id, question=one.question, principal=one.principal, restriction=one.restriction,
        limit=setup.candidates if isinstance(setup, SearchSetup) else MAX_WHOLE_DOCUMENTS,
        whole_document_tokens=policy.available_tokens,
    )  # fmt: skip
    begin = time.perf_counter()
    assembled, retrieved = contexts.make(setup, policy, request, asker, nonces_of(one.question))
    seconds = time.perf_counter() - begin
    return _Answer(
        places=[place_of(passage) for passage in retrieved.passages[:RANKS_COMPARED]],
        shown=Shown(tokens=assembled.tokens.total, seconds=seconds, sources=len(assembled.sources)),
    )


def _means(saved: SavedStrategy, shown: Sequence[Shown]) -> Means | None:
    if not shown:
        return None
    return Means(
        strategy=name_of(saved),
        tokens=fmean(one.tokens for one in shown),
        largest_tokens=max(one.tokens for one in shown),
        median_seconds=median(one.seconds for one in shown),
        slowest_seconds=max(one.seconds for one in shown),
    )
