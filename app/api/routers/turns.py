"""Turns: the history of the conversation with a user."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.api.examples_users import TURNS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import Cursor, DisposableUserId, Limit, Page, UserId, WorkspaceId
from app.api.routers.suggestions import SuggestionView
from app.api.service import CurrentService
from app.context.users.conversation import add_turn, hide_turns, list_turns
from app.context.users.known import Role
from app.context.users.registration import find_user
from app.context.users.suggestions import add_suggestions
from configs.text import Text
from indexes.database.catalog import load_workspace

router = APIRouter(
    prefix="/v1/workspaces/{workspace_id}/users/{user_id}/turns", tags=["users"], route_class=PlaygroundRoute
)


class NewTurn(BaseModel):
    """What was said."""

    model_config = ConfigDict(extra="forbid")

    role: Role
    text: Annotated[Text, StringConstraints(min_length=1, max_length=20_000)]
    suggest: bool = Field(False, description="let rules suggest facts and memories from a turn of the user")

    @model_validator(mode="after")
    def _suggests_from_the_user(self) -> Self:
        if self.suggest and self.role != "user":
            raise ValueError("`suggest` goes with turns of the role `user`")
        return self


class TurnView(BaseModel):
    """A turn as the API shows it."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    role: Role
    text: str
    created_at: datetime


class SavedTurn(TurnView):
    """A turn with what it suggests."""

    suggestions: list[SuggestionView] = Field(description="to confirm or dismiss; none where it was not asked for")


@router.post("", status_code=201, summary="Add a turn")
async def create_turn(
    service: CurrentService,
    workspace_id: WorkspaceId,
    user_id: UserId,
    body: Annotated[NewTurn, Body(openapi_examples=TURNS)],
) -> SavedTurn:
    """Keep a turn at the end of the user's history."""

    def work() -> SavedTurn:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            row = add_turn(session, workspace_id, user_id, body.role, body.text)
            found = add_suggestions(session, workspace_id, user_id, body.text, turn_id=row.id) if body.suggest else []
            suggestions = [SuggestionView.model_validate(one) for one in found]
            return SavedTurn(**TurnView.model_validate(row).model_dump(), suggestions=suggestions)

    return await service.run(work)


@router.get("", summary="List turns")
async def get_turns(
    service: CurrentService, workspace_id: WorkspaceId, user_id: UserId, limit: Limit = 50, cursor: Cursor = None
) -> Page[TurnView]:
    """Return the turns, oldest first."""

    def work() -> Page[TurnView]:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            find_user(session, workspace_id, user_id)
            rows, following = list_turns(session, workspace_id, user_id, limit=limit, cursor=cursor)
            return Page(items=[TurnView.model_validate(row) for row in rows], next_cursor=following)

    return await service.run(work)


@router.delete("", status_code=204, summary="Delete all turns")
async def remove_turns(service: CurrentService, workspace_id: WorkspaceId, user_id: DisposableUserId) -> Response:
    """Hide the history from every context, also from those as of an earlier moment. The next turn begins a new one."""

    def work() -> Response:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            hide_turns(session, workspace_id, user_id)
        return Response(status_code=204)

    return await service.run(work)
