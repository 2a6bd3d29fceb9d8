"""Contexts: what the model gets to read for one question, with a receipt, and the same bytes again later."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel, Field, ValidationError

from app.api.chosen import Choice, choose
from app.api.examples import CONTEXTS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import PRINCIPALS_DESCRIPTION, ContextId, PrincipalName, QuestionText, WorkspaceId
from app.api.passages import Scope
from app.api.service import CurrentService
from app.context.policy import ContextPolicy
from app.context.receipt import Receipt
from app.context.renderers import Rendered
from app.context.retrieve import Request
from app.context.saved_contexts import ContextRow
from app.context.strategy import SearchSetup
from configs.errors import InvalidInputError
from indexes.access import Principal

router = APIRouter(prefix="/v1/workspaces/{workspace_id}/contexts", tags=["contexts"], route_class=PlaygroundRoute)
MAX_WHOLE_DOCUMENTS = 1_000


class NewContext(Choice, Scope):
    """A question and how to find and pack what the model reads for it."""

    question: QuestionText = Field(description="what the model is asked; it is part of the context")
    context: ContextPolicy | None = Field(None, description="context policy instead of the strategy's")
    budget_tokens: int | None = Field(None, ge=64, le=2_000_000, description="budget instead of the policy's")
    answer_reserve_tokens: int | None = Field(None, ge=0, le=1_999_999, description="reserve instead of the policy's")


class MessageView(BaseModel):
    """One chat message."""

    role: str
    content: str


class Citation(BaseModel):
    """What a label in the context stands for."""

    label: str
    document_id: str
    version_id: str
    start: int
    end: int
    tokens: int
    title: str
    heading_path: list[str]
    page: str


class ContextView(BaseModel):
    """An assembled context: `text` or `messages`, whichever its renderer writes."""

    id: str
    strategy: str = Field(description="name and version of the strategy, or `inline`")
    text: str | None
    messages: list[MessageView] | None
    citations: list[Citation]
    receipt: Receipt
    missing_documents: int = Field(description="documents the index did not hold in their newest version")
    seconds: dict[str, float] | None = Field(description="time per stage; null for a replay")
    created_at: datetime


def _policy(body: NewContext, strategy_policy: ContextPolicy) -> ContextPolicy:
    policy = body.context or strategy_policy
    changes = {
        name: value for name in ("budget_tokens", "answer_reserve_tokens") if (value := getattr(body, name)) is not None
    }
    if not changes:
        return policy
    try:
        return ContextPolicy.model_validate({**policy.model_dump(), **changes})
    except ValidationError as error:
        raise InvalidInputError(
            str(error.errors()[0]["msg"]), hint="raise the budget or lower the reserve", code="budget_too_small"
        ) from None


def _view(service: CurrentService, row: ContextRow, receipt: Receipt, rendered: Rendered, **known: Any) -> ContextView:
    citations = []
    for source in receipt.sources:
        origin = service.contexts.origin_of(source.version_id, source.described_at)
        citations.append(
            Citation(
                label=source.label, document_id=source.document_id, version_id=source.version_id, start=source.start,
                end=source.end, tokens=source.tokens, title=origin.title, heading_path=list(origin.heading_path),
                page=origin.page,
            )
        )  # fmt: skip
    messages = [MessageView(role=message.role, content=message.content) for message in rendered.messages]
    return ContextView(
        id=row.id, strategy=row.request["strategy"], text=rendered.text,
        messages=messages if rendered.text is None else None, citations=citations, receipt=receipt,
        missing_documents=row.request["missing_documents"], created_at=row.created_at, **known,
    )  # fmt: skip


@router.post("", status_code=201, summary="Assemble a context")
async def create_context(
    service: CurrentService,
    workspace_id: WorkspaceId,
    response: Response,
    body: Annotated[NewContext, Body(openapi_examples=CONTEXTS)],
) -> ContextView:
    """Retrieve for the question, pack what was found into the token budget, render it, and keep the receipt.

    The rendered context never has more tokens than `budget_tokens` minus `answer_reserve_tokens`. The receipt names
    every candidate with its scores, what became of it and why; it holds ids and spans, never document text. For the
    same reason no answer is kept for an Idempotency-Key: a request that is repeated assembles anew.
    """
    response.headers["Cache-Control"] = "no-store"

    def work() -> ContextView:
        begin = time.perf_counter()
        with service.database.read() as session:
            chosen = choose(session, workspace_id, body)
        setup, policy = chosen.strategy.retrieval, _policy(body, chosen.strategy.context)
        request = Request(
            workspace_id=workspace_id,
            question=body.question,
            principal=Principal.of(body.principals),
            restriction=body.filter,
            limit=setup.candidates if isinstance(setup, SearchSetup) else MAX_WHOLE_DOCUMENTS,
            require_fresh=body.require_fresh,
            whole_document_tokens=policy.available_tokens,
        )
        assembled, retrieved = service.contexts.make(setup, policy, request)
        row = service.contexts.save(assembled, retrieved, chosen.label, request)
        seconds = {**retrieved.seconds, "total": time.perf_counter() - begin}
        return _view(service, row, Receipt.model_validate(row.receipt), assembled.rendered, seconds=seconds)

    return await service.run(work)


@router.get("/{context_id}", summary="Replay a context")
async def get_context(
    service: CurrentService,
    workspace_id: WorkspaceId,
    context_id: ContextId,
    principals: Annotated[list[PrincipalName] | None, Query(max_length=200, description=PRINCIPALS_DESCRIPTION)] = None,
) -> ContextView:
    """Return the context byte for byte as it was sent, from its receipt and the stored versions.

    Access is checked again: who may no longer read one of its documents gets 404; a deleted document gives 410.
    """

    def work() -> ContextView:
        row, receipt, rendered = service.contexts.replay(workspace_id, context_id, Principal.of(principals or []))
        return _view(service, row, receipt, rendered, seconds=None)

    return await service.run(work)
