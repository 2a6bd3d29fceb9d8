"""Documents: following their state, reading their text and chunks, changing what is said of them, deleting them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from sqlalchemy.orm import Session

from app.api.examples import DOCUMENT_CHANGES
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import (
    Cursor,
    DisposableDocumentId,
    DocumentId,
    Limit,
    Metadata,
    Name,
    Page,
    Principals,
    Tags,
    Title,
    WorkspaceId,
)
from app.api.service import CurrentService
from app.context.aliases.workspace_default import default_of
from app.context.saved_strategies import load_strategy
from app.context.strategy import SearchSetup
from configs.errors import ConflictError, NotFoundError
from indexes.database.catalog import (
    DocumentListing,
    find_listing,
    list_chunks,
    list_documents,
    load_document,
    load_version,
    load_workspace,
    raise_generation,
)
from indexes.database.engine import now
from indexes.database.tables import Document, Version
from ingest.uploads import delete_document

router = APIRouter(prefix="/v1/workspaces/{workspace_id}/documents", tags=["documents"], route_class=PlaygroundRoute)
State = Literal["queued", "processing", "ready", "failed"]


class DocumentView(BaseModel):
    """A document as the API shows it; `state`, `error` and sizes are those of its newest version."""

    id: str
    external_id: str
    title: str
    tags: list[str]
    metadata: dict[str, JsonValue]
    access: list[str] | None
    state: State
    error: dict[str, JsonValue] | None = Field(description="code, detail and hint, where ingesting failed")
    version: int = Field(description="number of the newest version")
    answering_version: int | None = Field(description="number of the version that answers at present")
    version_id: str
    media_type: str
    file_name: str
    size_bytes: int
    characters: int | None
    job_id: str | None = Field(description="the job that ingests or ingested it")
    created_at: datetime
    updated_at: datetime


class DocumentChange(BaseModel):
    """What to change about a document; a field left out stays as it is. Nothing is embedded again."""

    model_config = ConfigDict(extra="forbid")

    title: Title | None = Field(None, description="shown title; the indexed one stays that of the version")
    tags: Tags | None = None
    metadata: Metadata | None = None
    access: Principals | None = Field(None, description="who may read it; null opens it to the whole workspace")

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name at least one of title, tags, metadata, access")
        empty = [name for name in self.model_fields_set if getattr(self, name) is None and name != "access"]
        if empty:
            raise ValueError(f"only access may be null, not {', '.join(sorted(empty))}")
        return self


class DocumentText(BaseModel):
    """The text of a version; every span of the API refers to it."""

    document_id: str
    version_id: str
    version: int
    characters: int
    start: int
    text: str = Field(description="code points [start, start + length of this)")


class ChunkView(BaseModel):
    """A chunk: `text` is the version's text from `start` to `end`; `prefix` stands in front when it is indexed.

    `lead` is what of that stands in front of the text when it is sent, too: a table's header, the signature of a class.
    """

    ordinal: int
    start: int
    end: int
    tokens: int
    heading_path: list[str]
    prefix: str
    lead: str
    text: str


class DocumentChunks(BaseModel):
    """Chunks of one version under one strategy's chunker; empty while they are not made yet."""

    strategy: str
    version_id: str
    chunks: list[ChunkView]
    next_first: int | None = Field(description="give it as `first` to go on; null at the end")


def view_of(listing: DocumentListing) -> DocumentView:
    """Return the document as the API shows it."""
    document, latest = listing.document, listing.latest
    return DocumentView(
        id=document.id, external_id=document.external_id, title=document.title, tags=document.tags,
        metadata=document.attributes, access=document.access, state=latest.state,  # type: ignore[arg-type]  # checked
        error=latest.error, version=latest.number, answering_version=listing.ready_number, version_id=latest.id,
        media_type=latest.media_type, file_name=latest.file_name, size_bytes=latest.size_bytes,
        characters=latest.characters, job_id=latest.job_id, created_at=document.created_at,
        updated_at=document.updated_at,
    )  # fmt: skip


@router.get("", summary="List documents")
async def get_documents(
    service: CurrentService,
    workspace_id: WorkspaceId,
    state: Annotated[State | None, Query(description="only documents in this state")] = None,
    external_id: Annotated[str | None, Query(max_length=500, description="only the document with this id")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DocumentView]:
    """Return documents with the state of their newest version, oldest first."""

    def work() -> Page[DocumentView]:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            listings, following = list_documents(
                session, workspace_id, limit=limit, cursor=cursor, state=state, external_id=external_id
            )
            return Page(items=[view_of(listing) for listing in listings], next_cursor=following)

    return await service.run(work)


@router.get("/{document_id}", summary="Show a document")
async def get_document(service: CurrentService, workspace_id: WorkspaceId, document_id: DocumentId) -> DocumentView:
    """Return the document with the state of its newest version."""

    def work() -> DocumentView:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            return view_of(find_listing(session, workspace_id, document_id))

    return await service.run(work)


@router.get("/{document_id}/text", summary="Read a document's text")
async def get_text(
    service: CurrentService,
    workspace_id: WorkspaceId,
    document_id: DocumentId,
    version_id: Annotated[Name | None, Query(description="a version; default: the one that answers")] = None,
    start: Annotated[int, Query(ge=0, le=2**31 - 1, description="first code point")] = 0,
    length: Annotated[int, Query(ge=1, le=1_000_000, description="most code points in the answer")] = 100_000,
) -> DocumentText:
    """Return a stretch of the text that spans refer to."""

    def work() -> DocumentText:
        with service.database.read() as session:
            load_workspace(session, workspace_id)
            version = _chosen_version(session, workspace_id, document_id, version_id)
            return DocumentText(
                document_id=document_id, version_id=version.id, version=version.number,
                characters=version.characters or 0, start=start, text=(version.text or "")[start : start + length],
            )  # fmt: skip

    return await service.run(work)


def _chosen_version(session: Session, workspace_id: str, document_id: str, version_id: str | None) -> Version:
    document = load_document(session, workspace_id, document_id)
    chosen = version_id or document.ready_version_id or document.latest_version_id
    version = load_version(session, workspace_id, chosen, with_text=True)
    if version.document_id != document_id:
        raise NotFoundError("version", chosen or "")
    if version.text is None:
        raise ConflictError(
            f"version {version.id} of document {document_id} has no text here",
            hint="wait until its state is `ready`, or leave version_id out",
            code="no_text",
        )
    return version


@router.get("/{document_id}/chunks", summary="Read a document's chunks")
async def get_chunks(
    service: CurrentService,
    workspace_id: WorkspaceId,
    document_id: DocumentId,
    strategy: Annotated[
        Name | None, Query(description="whose chunks; default: those of what answers by default")
    ] = None,
    version_id: Annotated[Name | None, Query(description="a version; default: the one that answers")] = None,
    first: Annotated[int, Query(ge=0, le=2**31 - 1, description="first ordinal, from 0")] = 0,
    limit: Limit = 50,
) -> DocumentChunks:
    """Return the chunks a strategy's index holds of the document, with their spans, prefixes and texts."""

    def work() -> DocumentChunks:
        with service.database.read() as session:
            workspace = load_workspace(session, workspace_id)
            saved = load_strategy(session, workspace_id, strategy) if strategy else default_of(session, workspace)
            setup = saved.strategy.retrieval
            if not isinstance(setup, SearchSetup):
                raise ConflictError(
                    f"strategy {saved.name!r} is a baseline and makes no chunks",
                    hint="name a strategy with a chunker",
                    code="no_chunks",
                )
            version = _chosen_version(session, workspace_id, document_id, version_id)
            rows = list_chunks(session, version.id, setup.recipe.chunking, first=first, limit=limit)
            text = version.text or ""
        chunks = [
            ChunkView(
                ordinal=row.ordinal, start=row.start, end=row.end, tokens=row.tokens, heading_path=row.heading_path,
                prefix=row.prefix, lead="".join(text[start:end] for start, end in row.lead or ()),
                text=text[row.start : row.end],
            )
            for row in rows
        ]  # fmt: skip
        following = rows[-1].ordinal + 1 if len(rows) == limit else None
        return DocumentChunks(strategy=saved.name, version_id=version.id, chunks=chunks, next_first=following)

    return await service.run(work)


@router.patch("/{document_id}", summary="Change title, tags, metadata or access")
async def change_document(
    service: CurrentService,
    workspace_id: WorkspaceId,
    document_id: DocumentId,
    body: Annotated[DocumentChange, Body(openapi_examples=DOCUMENT_CHANGES)],
) -> DocumentView:
    """Change what is said about the document; searches see it with this commit, and nothing is embedded again."""

    def work() -> DocumentView:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            document = load_document(session, workspace_id, document_id)
            _change(document, body)
            raise_generation(session, workspace_id)
        with service.database.read() as session:
            return view_of(find_listing(session, workspace_id, document_id))

    return await service.run(work)


def _change(document: Document, body: DocumentChange) -> None:
    columns = {"title": "title", "tags": "tags", "metadata": "attributes", "access": "access"}
    for name in body.model_fields_set:
        if getattr(document, columns[name]) != getattr(body, name):
            setattr(document, columns[name], getattr(body, name))
            document.updated_at = now()


@router.delete("/{document_id}", status_code=204, summary="Delete a document")
async def remove_document(
    service: CurrentService, workspace_id: WorkspaceId, document_id: DisposableDocumentId
) -> Response:
    """Take the document out of every result at once; deleting what is not there changes nothing."""

    def work() -> Response:
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            document = session.get(Document, document_id)
            if document is not None and document.workspace_id == workspace_id and document.deleted_at is None:
                delete_document(session, document)
        return Response(status_code=204)

    return await service.run(work)
