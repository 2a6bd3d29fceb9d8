"""Feedback of users on documents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict

from app.api.examples_users import FEEDBACK
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import Cursor, Limit, Page, UserId, WorkspaceId
from app.api.service import CurrentService
from app.context.users.feedback import NewFeedback, list_feedback, record_feedback
from app.context.users.known import Signal
from app.context.users.registration import find_user
from indexes.database.catalog import load_workspace

router = APIRouter(
    prefix="/v1/workspaces/{workspace_id}/users/{user_id}/feedback", tags=["users"], route_class=PlaygroundRoute
)


class FeedbackView(BaseModel):
    """Feedback as the API shows it."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    document_id: str
    signal: Signal
    rank: int | None
    context_id: str | None
    created_at: datetime


@router.post("", status_code=201, summary="Give feedback")
async def create_feedback(
    service: CurrentService,
    workspace_id: WorkspaceId,
    user_id: UserId,
    body: Annotated[NewFeedback, Body(openapi_examples=FEEDBACK)],
) -> FeedbackView:
    """Keep a signal of the user on a document, named by id or by its label in a context.

    A document that the user may not read is answered like one that does not exist.
    """

    def work() -> FeedbackView:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            return FeedbackView.model_validate(record_feedback(session, workspace_id, user_id, body))

    return await service.run(work)


@router.get("", summary="List feedback")
async def get_feedback(
    service: CurrentService, workspace_id: WorkspaceId, user_id: UserId, limit: Limit = 50, cursor: Cursor = None
) -> Page[FeedbackView]:
    """Return the user's feedback, oldest first."""

    def work() -> Page[FeedbackView]:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            find_user(session, workspace_id, user_id)
            rows, following = list_feedback(session, workspace_id, user_id, limit=limit, cursor=cursor)
            return Page(items=[FeedbackView.model_validate(row) for row in rows], next_cursor=following)

    return await service.run(work)
