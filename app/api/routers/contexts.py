"""Contexts: what the model gets to read for one question, with a receipt, and the same bytes again later."""

from __future__ import annotations

import math
import time
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel, Field, ValidationError, model_validator

from app.accounts.quotas import Subject, What, charge, check_left
from app.api.authentication import CurrentCaller, needs
from app.api.chosen import Choice, ServedBy, choose
from app.api.examples import CONTEXTS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import PRINCIPALS_DESCRIPTION, ContextId, PrincipalName, QuestionText, WorkspaceId
from app.api.passages import Scope
from app.api.quotas import subjects_of
from app.api.service import CurrentService, Service
from app.context.personal.asker import Asker, joined
from app.context.personal.prompt_cache import PromptPrefix
from app.context.policy import ContextPolicy
from app.context.receipt import Receipt
from app.context.renderers import Rendered
from app.context.retrieve import MAX_WHOLE_DOCUMENTS, Request
from app.context.saved_contexts import ContextRow
from app.context.strategy import RetrievalSetup, SearchSetup
from app.context.users.known import Preferences, UserName
from app.context.users.moments import Moment
from app.evaluation.economics.caching import SHORT_LIFETIME_SECONDS, break_even_uses, terms_of
from app.evaluation.economics.prices import Usage, cost_usd, price_of
from configs.errors import InvalidInputError

router = APIRouter(prefix="/v1/workspaces/{workspace_id}/contexts", tags=["contexts"], route_class=PlaygroundRoute)


class NewContext(Choice, Scope):
    """A question and how to find and pack what the model reads for it."""

    question: QuestionText = Field(description="what the model is asked; it is part of the context")
    context: ContextPolicy | None = Field(None, description="context policy instead of the strategy's")
    budget_tokens: int | None = Field(None, ge=64, le=2_000_000, description="budget instead of the policy's")
    answer_reserve_tokens: int | None = Field(None, ge=0, le=1_999_999, description="reserve instead of the policy's")
    user_id: UserName | None = Field(
        None,
        description="a user of the workspace: their rights are added to `principals`, and their profile, conversation, "
        "memories, preferences and feedback enter as the policy has it",
    )
    as_of: Moment | None = Field(None, description="take the user as known at this moment; default: now")
    preferences: Preferences | None = Field(None, description="preferences of this request, before the user's own")

    @model_validator(mode="after")
    def _asks_of_somebody(self) -> Self:
        if self.user_id is None and self.as_of is not None:
            raise ValueError("`as_of` says when to look at a user: give `user_id` too")
        return self


class CacheControl(BaseModel):
    """The mark up to which a provider shall keep a prompt in its cache."""

    type: Literal["ephemeral"]


class TextBlockView(BaseModel):
    """A part of a message, as Anthropic's Messages API takes it."""

    type: Literal["text"]
    text: str
    cache_control: CacheControl | None = Field(None, exclude_if=lambda value: value is None)


class MessageView(BaseModel):
    """One chat message: text, or blocks where the renderer writes them."""

    role: str
    content: str | list[TextBlockView]


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
    page: str = Field(description="number of the page it begins on, empty where there are none")
    row: str = Field(description="number of the row it begins in, empty where the file is no table or list of records")
    line: str = Field(description="number of the line it begins in, empty where the file is no source code")


class PromptCacheView(PromptPrefix):
    """What prompt caching can save of this context at current prices of the policy's model."""

    model: str
    break_even_uses: float | None = Field(
        description="uses of a prefix within its lifetime from which caching pays, (w - r) / (1 - r); null where the "
        "price is unknown or reading saves nothing"
    )
    saved_usd_per_request: float | None = Field(
        description="by reading the common prefix from the cache (the stable one, where there is no earlier context); "
        "null where the price is unknown"
    )


class QueryPersonalisationView(BaseModel):
    """What became of moving the question towards what the user liked."""

    outcome: Literal["moved", "off", "no_interests", "gate_closed"]
    blend: float
    closest_cosine: float | None


class ContextView(BaseModel):
    """An assembled context: `text`, or `messages` with or without `system`, whichever its renderer writes."""

    id: str
    user_id: str | None
    strategy: str = Field(description="name and version of the strategy, or `inline`")
    text: str | None
    messages: list[MessageView] | None
    system: list[TextBlockView] | None = Field(None, description="null unless the renderer writes it apart")
    citations: list[Citation]
    receipt: Receipt
    prompt_cache: PromptCacheView | None = Field(description="null for contexts of earlier releases")
    query_personalisation: QueryPersonalisationView | None = Field(
        description="null where the policy does not ask for it"
    )
    missing_documents: int = Field(description="documents the index did not hold in their newest version")
    seconds: dict[str, float] | None = Field(description="time per stage; null for a replay")
    created_at: datetime
    served_by: ServedBy | None = Field(description="null where no alias was asked: none named, none the default")


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
        origin = source.origin(service.contexts.origin_of)
        citations.append(
            Citation(
                label=source.label, document_id=source.document_id, version_id=source.version_id, start=source.start,
                end=source.end, tokens=source.tokens, title=origin.title, heading_path=list(origin.heading_path),
                page=origin.page, row=origin.row, line=origin.line,
            )
        )  # fmt: skip
    written = rendered.as_json()
    return ContextView(
        id=row.id, user_id=row.user_id, strategy=row.request["strategy"], text=written.get("text"),
        messages=written.get("messages"), system=written.get("system"), citations=citations, receipt=receipt,
        prompt_cache=_prompt_cache(row, receipt), query_personalisation=row.request.get("query_personalisation"),
        missing_documents=row.request["missing_documents"], created_at=row.created_at,
        served_by=_served_by(row), **known,
    )  # fmt: skip


def _served_by(row: ContextRow) -> ServedBy | None:
    kept = row.request.get("served_by")
    return None if kept is None else ServedBy.model_validate(kept)


def _prompt_cache(row: ContextRow, receipt: Receipt) -> PromptCacheView | None:
    kept = row.request.get("prompt_prefix")
    if kept is None:
        return None
    prefix, model = PromptPrefix.model_validate(kept), receipt.policy.model
    price = price_of(model)
    if price is None:
        return PromptCacheView(**kept, model=model, break_even_uses=None, saved_usd_per_request=None)
    terms = terms_of(price, SHORT_LIFETIME_SECONDS)
    uses = break_even_uses(terms)
    shared = prefix.stable_prefix_tokens if prefix.common_prefix_tokens is None else prefix.common_prefix_tokens
    whole, read = (
        cost_usd(price, Usage(input_tokens=receipt.tokens.total, cache_read_tokens=cached)) for cached in (0, shared)
    )
    saved = None if whole is None or read is None else whole - read
    return PromptCacheView(
        **kept, model=model, break_even_uses=uses if math.isfinite(uses) else None, saved_usd_per_request=saved
    )


@router.post("", status_code=201, summary="Assemble a context")
@needs("viewer")
async def create_context(
    service: CurrentService,
    caller: CurrentCaller,
    workspace_id: WorkspaceId,
    response: Response,
    body: Annotated[NewContext, Body(openapi_examples=CONTEXTS)],
) -> ContextView:
    """Retrieve for the question, pack what was found into the token budget, render it, and keep the receipt.

    The rendered context never has more tokens than `budget_tokens` minus `answer_reserve_tokens`. The receipt names
    every candidate with its scores, what became of it and why; it holds ids and spans, never document text. For the
    same reason no answer is kept for an Idempotency-Key: a request that is repeated assembles anew.

    With `user_id` the user's facts, conversation, memories, preferences and feedback enter too. Without one, and for a
    user who opted out, the context is that of nobody in particular.
    """
    response.headers["Cache-Control"] = "no-store"
    subjects = subjects_of(caller, workspace_id)

    def work() -> ContextView:
        begin = time.perf_counter()
        with service.database.read() as session:
            chosen = choose(session, workspace_id, body, body.user_id)
            is_counted = check_left(session, subjects, "tokens_per_day")
        setup, policy = chosen.strategy.retrieval, _policy(body, chosen.strategy.context)
        asker = service.contexts.askers.registered(
            workspace_id, body.user_id, as_of=body.as_of, preferences=body.preferences
        )
        request = _request(workspace_id, body, setup, policy, asker)
        assembled, retrieved = service.contexts.make(setup, policy, request, asker)
        answered_as = chosen.answered_as(is_findable=body.user_id is None or not asker.known.is_anonymous)
        row = service.contexts.save(assembled, retrieved, chosen.label, request, asker=asker, answered_as=answered_as)
        if is_counted:
            _count_tokens(service, subjects, row)
        seconds = {**retrieved.seconds, "total": time.perf_counter() - begin}
        service.measures.count_stages("context", workspace_id, seconds)
        return _view(service, row, Receipt.model_validate(row.receipt), assembled.rendered, seconds=seconds)

    return await service.run(work)


def _request(
    workspace_id: str, body: NewContext, setup: RetrievalSetup, policy: ContextPolicy, asker: Asker
) -> Request:
    return Request(
        workspace_id=workspace_id, question=body.question, principal=joined(asker, body.principals),
        restriction=body.filter, require_fresh=body.require_fresh, whole_document_tokens=policy.available_tokens,
        limit=setup.candidates if isinstance(setup, SearchSetup) else MAX_WHOLE_DOCUMENTS,
    )  # fmt: skip


def _count_tokens(service: Service, subjects: list[Subject], row: ContextRow) -> None:
    amounts: dict[What, int] = {"tokens_per_day": row.receipt["tokens"]["total"]}
    with service.database.write() as session:
        charge(session, subjects, amounts, strictly=False)


@router.get("/{context_id}", summary="Replay a context")
async def get_context(
    service: CurrentService,
    workspace_id: WorkspaceId,
    context_id: ContextId,
    principals: Annotated[list[PrincipalName] | None, Query(max_length=200, description=PRINCIPALS_DESCRIPTION)] = None,
    user_id: Annotated[UserName | None, Query(description="a user whose rights count too")] = None,
) -> ContextView:
    """Return the context byte for byte as it was sent, from its receipt and the stored versions.

    Access is checked again: who may no longer read one of its documents gets 404, and so does anybody but the user it
    was made for; a deleted document, fact, turn or memory gives 410, as does one that was erased.
    """

    def work() -> ContextView:
        caller = joined(service.contexts.askers.of(workspace_id, user_id), principals or [])
        row, receipt, rendered = service.contexts.replay(workspace_id, context_id, caller)
        return _view(service, row, receipt, rendered, seconds=None)

    return await service.run(work)
