"""Explanations of contexts: why a text is not in one, what would admit it, and how askers differ."""

from __future__ import annotations

from typing import Annotated, Self

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.api.authentication import needs
from app.api.chosen import Choice, choose
from app.api.examples_explanations import DIFFS, TARGETS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import PRINCIPALS_DESCRIPTION, ContextId, Principals, QuestionText, Title, WorkspaceId
from app.api.service import CurrentService
from app.context.explanations.counterfactual import Counterfactuals, counterfactuals
from app.context.explanations.diff import ContextDiff, diff_contexts
from app.context.explanations.diff import NamedAsker as NamedUser
from app.context.explanations.stages import WhyNot
from app.context.explanations.target import Target
from app.context.explanations.why_not import Opened, explain, open_context
from app.context.personal.asker import joined
from app.context.policy import ContextPolicy
from app.context.retrieve import Request
from app.context.users.known import UserName
from indexes.access import Filter, Principal

router = APIRouter(prefix="/v1/workspaces/{workspace_id}/contexts", tags=["contexts"], route_class=PlaygroundRoute)
CALLER = (
    "on whose behalf the explanation is asked for: it takes every right that the context was made with, "
    "or the context does not exist for them; neither do documents that they may not read"
)


class AskedTarget(Target):
    """The text that is looked for, and on whose behalf."""

    principals: Principals = Field(default_factory=list, description=CALLER)
    user_id: UserName | None = Field(None, description="a user whose rights the caller has too")


class NamedAsker(BaseModel):
    """Somebody who asks."""

    model_config = ConfigDict(extra="forbid")

    name: Title = Field(description="what the answer calls them; unique in the request")
    principals: Principals = Field(
        default_factory=list, description=PRINCIPALS_DESCRIPTION + "; none is somebody without any right of their own"
    )
    user_id: UserName | None = Field(None, description="a user: their rights, profile, memories and preferences count")


class NewDiff(Choice):
    """A question, how to find and pack what the model reads for it, and who asks."""

    question: QuestionText = Field(description="what the model is asked")
    filter: Filter | None = Field(None, description="conditions on tags and metadata, applied before scoring")
    context: ContextPolicy | None = Field(None, description="context policy instead of the strategy's")
    askers: list[NamedAsker] = Field(min_length=2, max_length=5, description="for whom the context is assembled")

    @model_validator(mode="after")
    def _tells_askers_apart(self) -> Self:
        names = [asker.name for asker in self.askers]
        if len(set(names)) < len(names):
            raise ValueError(f"each asker needs a name of their own, got {names}")
        return self


def _opened(service: CurrentService, workspace_id: str, context_id: str, body: AskedTarget) -> Opened:
    caller = joined(service.contexts.askers.of(workspace_id, body.user_id), body.principals)
    return open_context(service.database, service.contexts, service.retriever, workspace_id, context_id, body, caller)


@router.post("/diff", summary="Compare what several askers get")
@needs("viewer")
async def compare_askers(
    service: CurrentService,
    workspace_id: WorkspaceId,
    response: Response,
    body: Annotated[NewDiff, Body(openapi_examples=DIFFS)],
) -> ContextDiff:
    """Assemble the context of one question for each asker, side by side, without saving anything.

    Text that one got and another did not comes with the reason: access, rank, a duplicate or the budget. Documents that
    nobody named here may read are neither shown nor counted.
    """
    response.headers["Cache-Control"] = "no-store"

    def work() -> ContextDiff:
        with service.database.read() as session:
            strategy = choose(session, workspace_id, body).strategy
        request = Request(
            workspace_id=workspace_id, question=body.question, principal=Principal.of([]), restriction=body.filter
        )
        askers = []
        for one in body.askers:
            asker = service.contexts.askers.of(workspace_id, one.user_id)
            named = NamedUser(name=one.name, principal=joined(asker, one.principals), asker=asker)
            askers.append(named)
        return diff_contexts(
            service.database, service.contexts, service.retriever, strategy.retrieval,
            body.context or strategy.context, request, askers,
        )  # fmt: skip

    return await service.run(work)


@router.post("/{context_id}/why-not", summary="Ask why a text is not in a context")
@needs("viewer")
async def why_not(
    service: CurrentService,
    workspace_id: WorkspaceId,
    context_id: ContextId,
    response: Response,
    body: Annotated[AskedTarget, Body(openapi_examples=TARGETS)],
) -> WhyNot:
    """Follow a span, a quote or a document through every stage and name the first that stopped it.

    Ranks are true ones, however far behind the candidates. Stages speak of the index as it is now; `recorded` is what
    the receipt says, and `documents_changed` whether the two differ. Nothing is saved.
    """
    response.headers["Cache-Control"] = "no-store"

    def work() -> WhyNot:
        return explain(service.database, service.retriever, _opened(service, workspace_id, context_id, body))

    return await service.run(work)


@router.post("/{context_id}/counterfactuals", summary="Find the smallest change that admits a text")
@needs("viewer")
async def find_counterfactuals(
    service: CurrentService,
    workspace_id: WorkspaceId,
    context_id: ContextId,
    response: Response,
    body: Annotated[AskedTarget, Body(openapi_examples=TARGETS)],
) -> Counterfactuals:
    """Try single changes to candidates, budget, fusion, packer, duplicates, merging and index until the text is in.

    Each change in the answer was verified by assembling the context with it, and comes with what it pushes out, what it
    costs, and the body of the request that applies it. At most 60 contexts are assembled and 10 seconds spent; nothing
    is saved.
    """
    response.headers["Cache-Control"] = "no-store"

    def work() -> Counterfactuals:
        opened = _opened(service, workspace_id, context_id, body)
        return counterfactuals(service.database, service.contexts, service.retriever, opened)

    return await service.run(work)
