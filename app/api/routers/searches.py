"""Searches: what a strategy finds for one query, with scores and timings per stage."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import BaseModel, Field

from app.api.authentication import needs
from app.api.chosen import Choice, ServedBy, choose
from app.api.examples import SEARCHES
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import QuestionText, WorkspaceId
from app.api.passages import PassageView, Scope, view_of
from app.api.service import CurrentService
from app.context.embedding_record import EmbeddingRecord
from app.context.receipt import StepRecord
from app.context.retrieve import Request
from app.context.search.answer import Answer
from app.context.search.record import SearchRecord
from app.context.strategy import MAX_CANDIDATES
from indexes.access import Principal

router = APIRouter(prefix="/v1/workspaces/{workspace_id}/searches", tags=["searches"], route_class=PlaygroundRoute)


class NewSearch(Choice, Scope):
    """A query and how to search for it."""

    query: QuestionText = Field(description="what to look for")
    k: int = Field(10, ge=1, le=MAX_CANDIDATES, description="most passages in the answer")


class AddedTerm(BaseModel):
    """A term that a query expansion took from the first passages."""

    term: str
    weight: float = Field(description="its part of what was added")


class CappedView(BaseModel):
    """A hit that was dropped since its source had enough."""

    rank: int = Field(description="place behind the passages that stayed")
    document_id: str
    version_id: str
    start: int
    end: int
    score: float
    steps: list[StepRecord]


class OptionsView(SearchRecord):
    """What the setup's search options did."""

    added_terms: list[AddedTerm] = Field(description="what query expansion added to the words of the question")
    capped: list[CappedView] = Field(description="hits that a cap dropped, best first")


class SearchView(BaseModel):
    """The passages found, best first."""

    strategy: str = Field(description="name and version of the strategy, or `inline`")
    served_by: ServedBy | None = Field(description="null where no alias was asked: none named, none the default")
    index_id: str | None = Field(description="the index that answered; null for a baseline")
    missing_documents: int = Field(description="documents the index does not hold in their newest version yet")
    passages: list[PassageView]
    options: OptionsView | None = Field(description="null where the setup has no search options")
    embedding: EmbeddingRecord
    seconds: dict[str, float] = Field(
        description="time per stage: database, embedding, each store, fusion, each search option, total"
    )


@router.post("", summary="Search")
@needs("viewer")
async def search(
    service: CurrentService, workspace_id: WorkspaceId, body: Annotated[NewSearch, Body(openapi_examples=SEARCHES)]
) -> SearchView:
    """Search with a saved strategy or an inline setup whose index exists.

    Filters and access apply before scoring: no result, count or score comes from a document the principals may not
    read.
    """

    def work() -> SearchView:
        begin = time.perf_counter()
        with service.database.read() as session:
            chosen = choose(session, workspace_id, body)
        retrieved = service.retriever.retrieve(
            chosen.strategy.retrieval,
            Request(
                workspace_id=workspace_id, question=body.query, principal=Principal.of(body.principals),
                restriction=body.filter, limit=body.k, require_fresh=body.require_fresh,
            ),
        )  # fmt: skip
        seconds = {**retrieved.seconds, "total": time.perf_counter() - begin}
        service.measures.count_stages("search", workspace_id, seconds)
        return SearchView(
            strategy=chosen.label,
            served_by=chosen.served_by,
            index_id=retrieved.index_id,
            missing_documents=retrieved.missing_documents,
            passages=[view_of(passage) for passage in retrieved.passages],
            options=_options(retrieved.answer),
            embedding=retrieved.embedding,
            seconds=seconds,
        )

    return await service.run(work)


def _options(answer: Answer | None) -> OptionsView | None:
    if answer is None or answer.record is None:
        return None
    capped = [
        CappedView(
            rank=hit.rank, document_id=hit.document_id, version_id=hit.version_id, start=hit.span.start,
            end=hit.span.end, score=hit.score, steps=list(map(StepRecord.of, hit.steps)),
        )
        for hit in answer.capped
    ]  # fmt: skip
    terms = [AddedTerm(term=term, weight=weight) for term, weight in answer.terms]
    return OptionsView(**answer.record.model_dump(), added_terms=terms, capped=capped)
