"""Shadowings: the candidate of an alias answers recent questions beside the active version, unseen by who asked."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.authentication import needs
from app.api.examples_aliases import SHADOWINGS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import AliasName, Principals, WorkspaceId
from app.api.service import CurrentService
from app.context.aliases.recent_questions import recent_questions
from app.context.aliases.records import active_of, load_alias, needed_candidate, nothing_active
from app.context.aliases.serving_index import check_answers
from app.context.personal.asker import joined
from app.context.users.known import UserName
from app.evaluation.promotion.shadowing import MOST_QUESTIONS, Shadowing, shadow
from indexes.database.catalog import load_workspace

router = APIRouter(
    prefix="/v1/workspaces/{workspace_id}/aliases/{alias}/shadowings", tags=["aliases"], route_class=PlaygroundRoute
)


class NewShadowing(BaseModel):
    """How many recent questions to answer again, and on whose behalf they are looked up."""

    model_config = ConfigDict(extra="forbid")

    questions: int = Field(20, ge=1, le=MOST_QUESTIONS, description="how many distinct questions, the newest ones")
    principals: Principals = Field(
        default_factory=list,
        description="on whose behalf: only questions that were asked with no other rights than these are used",
    )
    user_id: UserName | None = Field(None, description="a user whose rights count too, and whose questions are used")


@router.post("", summary="Shadow recent questions with the candidate")
@needs("viewer")
async def create_shadowing(
    service: CurrentService,
    workspace_id: WorkspaceId,
    alias: AliasName,
    response: Response,
    body: Annotated[NewShadowing, Body(openapi_examples=SHADOWINGS)],
) -> Shadowing:
    """Let both versions answer the last distinct questions that the alias was asked, side by side; nothing is saved.

    Questions come from saved contexts: those of a user are there for that user alone, others for who has every right
    they were asked with; what was erased is not there. Nothing is built: 409 with the call that builds the candidate's
    index beside the one in service. After 20 seconds it ends with what it has.
    """
    response.headers["Cache-Control"] = "no-store"

    def work() -> Shadowing:
        caller = joined(service.contexts.askers.of(workspace_id, body.user_id), body.principals)
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            row = load_alias(session, workspace_id, alias)
            active, candidate = active_of(session, row), needed_candidate(session, row)
            if active is None:
                raise nothing_active(alias)
            check_answers(session, workspace_id, candidate)
            recent = recent_questions(session, workspace_id, alias, caller, body.questions)
        return shadow(service.contexts, workspace_id, active, candidate, recent)

    return await service.run(work)
