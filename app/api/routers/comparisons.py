"""Comparisons: questions times strategies, side by side; nothing is saved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Self

from fastapi import APIRouter, Body
from pydantic import ConfigDict, Field, model_validator
from sqlalchemy.orm import Session

from app.api.authentication import needs
from app.api.chosen import Choice, choose
from app.api.examples_evaluation import COMPARISONS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import Name, WorkspaceId
from app.api.passages import Scope
from app.api.routers.question_sets import QuestionSetSummary
from app.api.service import CurrentService
from app.evaluation.comparison import Comparison, compare
from app.evaluation.finder import Contestant, Plan
from app.evaluation.labels import locate_questions
from app.evaluation.question_sets import load_question_set
from app.evaluation.questions import NewQuestion, Question
from configs.errors import InvalidInputError
from indexes.access import Principal
from indexes.database.catalog import load_workspace

MOST_QUESTIONS = 100
MOST_HITS = 20_000

router = APIRouter(
    prefix="/v1/workspaces/{workspace_id}/comparisons", tags=["comparisons"], route_class=PlaygroundRoute
)


class NewComparison(Scope):
    """What to compare: questions sent along or of a saved set, and strategies."""

    model_config = ConfigDict(extra="forbid")

    questions: list[NewQuestion] | None = Field(None, min_length=1, max_length=MOST_QUESTIONS)
    question_set: Name | None = Field(None, description="name of a saved question set, instead of `questions`")
    limit: int | None = Field(None, ge=1, le=MOST_QUESTIONS, description="only the first questions of the set")
    strategies: list[Choice] = Field(min_length=1, max_length=20)
    k: int = Field(5, ge=1, le=100, description="most hits of each strategy in the answer")
    budget_tokens: int = Field(
        1_000, ge=16, le=100_000, description="how much ranked text of each strategy is held against marked answers"
    )

    @model_validator(mode="after")
    def _has_questions_of_one_place(self) -> Self:
        if (self.questions is None) == (self.question_set is None):
            raise ValueError("give either `questions` or `question_set`")
        if self.limit is not None and self.question_set is None:
            raise ValueError("`limit` goes with `question_set`")
        return self


class ComparisonView(Comparison):
    """A comparison, and the question set it rests on."""

    question_set: QuestionSetSummary | None = Field(description="null where the questions were sent along")


@router.post("", summary="Compare strategies")
@needs("viewer")
async def compare_strategies(
    service: CurrentService,
    workspace_id: WorkspaceId,
    body: Annotated[NewComparison, Body(openapi_examples=COMPARISONS)],
) -> ComparisonView:
    """Let several strategies answer the same questions, without saving anything.

    Hits are aligned by span: what all found, what only one found, and how similar the rankings are; with tokens and
    timings. Where answers are marked, span recall and precision are measured at one token budget; there is no
    significance test. A strategy whose index is missing fails the whole request with 409 and the call that builds it.
    """

    def work() -> ComparisonView:
        principal = Principal.of(body.principals)
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            contestants = _contestants(session, workspace_id, body.strategies)
            questions, question_set = _questions(session, workspace_id, body, principal)
        _check_size(len(questions), len(contestants), body.k)
        plan = Plan(
            workspace_id=workspace_id, questions=questions, contestants=contestants, principal=principal,
            restriction=body.filter, require_fresh=body.require_fresh, k=body.k, budget_tokens=body.budget_tokens,
        )  # fmt: skip
        comparison = compare(service.retriever, service.database, plan)
        return ComparisonView(question_set=question_set, **dict(comparison))

    return await service.run(work)


def _contestants(session: Session, workspace_id: str, choices: Sequence[Choice]) -> list[Contestant]:
    """Return what the choices stand for; labels that repeat are numbered."""
    contestants = []
    seen: Counter[str] = Counter()
    for choice in choices:
        chosen = choose(session, workspace_id, choice)
        seen[chosen.label] += 1
        label = chosen.label if seen[chosen.label] == 1 else f"{chosen.label} ({seen[chosen.label]})"
        contestants.append(Contestant(label=label, setup=chosen.strategy.retrieval))
    return contestants


def _questions(
    session: Session, workspace_id: str, body: NewComparison, principal: Principal
) -> tuple[list[Question], QuestionSetSummary | None]:
    if body.question_set is None:
        return locate_questions(session, workspace_id, body.questions or [], principal), None
    row = load_question_set(session, workspace_id, body.question_set)
    if body.limit is None and row.question_count > MOST_QUESTIONS:
        raise InvalidInputError(
            f"question set {row.name!r} has {row.question_count} questions; one comparison takes {MOST_QUESTIONS}",
            hint="set `limit`, or save the questions in several sets",
            code="too_many_questions",
        )
    return row.parsed()[: body.limit], QuestionSetSummary.of(row)


def _check_size(questions: int, strategies: int, k: int) -> None:
    if questions * strategies * k > MOST_HITS:
        raise InvalidInputError(
            f"{questions} questions x {strategies} strategies x k = {k} are more than {MOST_HITS:,} hits",
            hint="lower `k`, or send fewer questions at once",
            code="comparison_too_large",
        )
