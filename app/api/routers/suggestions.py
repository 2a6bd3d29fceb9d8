"""Suggestions: what rules read in a user's words; nothing of it enters a context before it is confirmed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.api.examples_users import SUGGESTION_TEXTS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import Cursor, Limit, Name, Page, UserId, WorkspaceId, example
from app.api.service import CurrentService
from app.context.users.registration import find_user
from app.context.users.suggestion_rules import SuggestionKind
from app.context.users.suggestions import SuggestionState, add_suggestions, confirm, dismiss, list_suggestions
from configs.text import Text
from indexes.database.catalog import load_workspace

router = APIRouter(
    prefix="/v1/workspaces/{workspace_id}/users/{user_id}/suggestions", tags=["users"], route_class=PlaygroundRoute
)
SuggestionId = Annotated[Name, Path(description="id of a suggestion", openapi_examples=example("demo-suggestion"))]


class SuggestionText(BaseModel):
    """Something that the user said."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[Text, StringConstraints(min_length=1, max_length=10_000)]


class SuggestionView(BaseModel):
    """A suggestion as the API shows it."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: SuggestionKind = Field(description="what it becomes where it is confirmed")
    key: str | None = Field(description="key of the fact or preference; null for a memory")
    value: str
    quote: str = Field(description="the words that the rule read")
    rule: str = Field(description="the rule that read them")
    turn_id: str | None = Field(description="the turn they are from")
    state: SuggestionState
    result_id: str | None = Field(description="the fact or memory that it became")
    created_at: datetime
    decided_at: datetime | None


class Suggestions(BaseModel):
    """What was read in a text."""

    suggestions: list[SuggestionView]


@router.post("", status_code=201, summary="Suggest from a text")
async def create_suggestions(
    service: CurrentService,
    workspace_id: WorkspaceId,
    user_id: UserId,
    body: Annotated[SuggestionText, Body(openapi_examples=SUGGESTION_TEXTS)],
) -> Suggestions:
    """Keep what rules read in the text: names, work, home, preferences, `remember that`, the language of answers.

    The rules are of English and use no model. The text itself is not kept, and what is open already is not kept twice.
    """

    def work() -> Suggestions:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            rows = add_suggestions(session, workspace_id, user_id, body.text)
            return Suggestions(suggestions=[SuggestionView.model_validate(row) for row in rows])

    return await service.run(work)


@router.get("", summary="List suggestions")
async def get_suggestions(
    service: CurrentService,
    workspace_id: WorkspaceId,
    user_id: UserId,
    state: Annotated[SuggestionState | None, Query(description="only those in this state")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[SuggestionView]:
    """Return suggestions, oldest first."""

    def work() -> Page[SuggestionView]:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            find_user(session, workspace_id, user_id)
            rows, following = list_suggestions(session, workspace_id, user_id, limit=limit, cursor=cursor, state=state)
            return Page(items=[SuggestionView.model_validate(row) for row in rows], next_cursor=following)

    return await service.run(work)


@router.post("/{suggestion_id}/confirm", summary="Confirm a suggestion")
async def confirm_suggestion(
    service: CurrentService, workspace_id: WorkspaceId, user_id: UserId, suggestion_id: SuggestionId
) -> SuggestionView:
    """Make it a fact, a memory or a preference from now on. Confirming again changes nothing."""
    return await service.run(lambda: _decided(service, "confirm", workspace_id, user_id, suggestion_id))


@router.post("/{suggestion_id}/dismiss", summary="Dismiss a suggestion")
async def dismiss_suggestion(
    service: CurrentService,
    workspace_id: WorkspaceId,
    user_id: UserId,
    suggestion_id: Annotated[
        Name, Path(description="id of a suggestion", openapi_examples=example("demo-suggestion-disposable"))
    ],
) -> SuggestionView:
    """Turn it down. Dismissing again changes nothing."""
    return await service.run(lambda: _decided(service, "dismiss", workspace_id, user_id, suggestion_id))


def _decided(
    service: CurrentService,
    decision: Literal["confirm", "dismiss"],
    workspace_id: str,
    user_id: str,
    suggestion_id: str,
) -> SuggestionView:
    with service.database.write() as session:
        load_workspace(session, workspace_id)
        find_user(session, workspace_id, user_id)
        decide = confirm if decision == "confirm" else dismiss
        return SuggestionView.model_validate(decide(session, workspace_id, user_id, suggestion_id))
