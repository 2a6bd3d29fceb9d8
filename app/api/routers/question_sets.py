"""Question sets: questions whose answers are marked as spans of documents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.examples_evaluation import NEW_QUESTION_SETS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import Cursor, Limit, Name, Page, WorkspaceId, example
from app.api.service import CurrentService
from app.evaluation.questions import (
    NewQuestion,
    Question,
    QuestionSetRow,
    delete_question_set,
    list_question_sets,
    load_question_set,
    save_question_set,
)
from indexes.database.catalog import load_workspace

router = APIRouter(
    prefix="/v1/workspaces/{workspace_id}/question-sets", tags=["question sets"], route_class=PlaygroundRoute
)


class NewQuestionSet(BaseModel):
    """Questions to keep under a name."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    questions: list[NewQuestion] = Field(min_length=1, max_length=5_000)


class QuestionSetSummary(BaseModel):
    """A question set without its questions."""

    name: str
    content_hash: str = Field(description="hash of the questions with their marked spans; every result carries it")
    question_count: int
    created_at: datetime


class QuestionSetView(QuestionSetSummary):
    """A question set; evidence refers to the versions that answered when it was saved."""

    questions: list[Question]


def summary_of(row: QuestionSetRow) -> QuestionSetSummary:
    """Return the set as listings show it."""
    return QuestionSetSummary(
        name=row.name, content_hash=row.content_hash, question_count=row.question_count, created_at=row.created_at
    )


def view_of(row: QuestionSetRow) -> QuestionSetView:
    """Return the set as the API shows it."""
    return QuestionSetView(**dict(summary_of(row)), questions=row.parsed())


@router.post("", status_code=201, summary="Save a question set", responses={200: {"model": QuestionSetView}})
async def create_question_set(
    service: CurrentService,
    workspace_id: WorkspaceId,
    response: Response,
    body: Annotated[NewQuestionSet, Body(openapi_examples=NEW_QUESTION_SETS)],
) -> QuestionSetView:
    """Save questions; 200 where the set of that name says the same already. A set never changes.

    A quote must occur exactly once in the text of the version that answers at present; kept is the span it stands for,
    with that version. Questions without evidence are kept too: they can be compared, but not scored.
    """

    def work() -> tuple[QuestionSetView, bool]:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            row, is_new = save_question_set(session, workspace_id, body.name, body.questions)
            return view_of(row), is_new

    view, is_new = await service.run(work)
    response.status_code = 201 if is_new else 200
    return view


@router.get("", summary="List question sets")
async def get_question_sets(
    service: CurrentService, workspace_id: WorkspaceId, limit: Limit = 50, cursor: Cursor = None
) -> Page[QuestionSetSummary]:
    """Return question sets without their questions, oldest first."""

    def work() -> Page[QuestionSetSummary]:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            rows, following = list_question_sets(session, workspace_id, limit=limit, cursor=cursor)
            return Page(items=[summary_of(row) for row in rows], next_cursor=following)

    return await service.run(work)


@router.get("/{question_set}", summary="Show a question set")
async def get_question_set(
    service: CurrentService,
    workspace_id: WorkspaceId,
    question_set: Annotated[Name, Path(description="name of a question set", openapi_examples=example("demo"))],
) -> QuestionSetView:
    """Return the set with its questions and where their answers stand."""

    def work() -> QuestionSetView:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            return view_of(load_question_set(session, workspace_id, question_set))

    return await service.run(work)


@router.delete("/{question_set}", status_code=204, summary="Delete a question set")
async def remove_question_set(
    service: CurrentService,
    workspace_id: WorkspaceId,
    question_set: Annotated[Name, Path(description="name of a question set", openapi_examples=example("disposable"))],
) -> Response:
    """Delete the set. Deleting what is not there changes nothing."""

    def work() -> Response:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            delete_question_set(session, workspace_id, question_set)
        return Response(status_code=204)

    return await service.run(work)
