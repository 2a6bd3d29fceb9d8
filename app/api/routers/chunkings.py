"""Chunkings: what several chunkers would make of one text, before anything is stored."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.accounts.quotas import charge, check_left, subject_of_workspace
from app.api.authentication import CurrentCaller, needs
from app.api.examples import CHUNKING_PREVIEWS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import Name, Title
from app.api.sent_text import MediaType, parser_of
from app.api.service import CurrentService, Service
from configs.errors import ConflictError, InvalidInputError, NotFoundError
from configs.text import Text
from indexes.database.catalog import load_document, load_version, load_workspace
from ingest.chunkers import Chunker
from ingest.document import ParsedDocument
from ingest.embedders import Embedder
from ingest.leads import lead_text
from ingest.metering import metered
from ingest.preview import ChunkingPreview, preview
from ingest.uploads import check_text_length

router = APIRouter(prefix="/v1/chunkings", tags=["chunkings"], route_class=PlaygroundRoute)
MAX_CHUNKS_SHOWN = 1_000
MAX_ENCODED_CHARACTERS = 100_000
"""Of a text for chunkers that encode it: a preview keeps its caller waiting, and the operator pays for its calls."""


class DocumentReference(BaseModel):
    """A stored document."""

    model_config = ConfigDict(extra="forbid")

    workspace_id: Name
    document_id: Name


class NewPreview(BaseModel):
    """A text or a stored document, and the chunkers to try on it."""

    model_config = ConfigDict(extra="forbid")

    text: Text | None = Field(None, min_length=1, description="the text to cut")
    media_type: MediaType = Field("text/markdown", description="how to read `text`")
    file_name: Title | None = Field(
        None, description="read `text` as a file of this name, in place of `media_type`: `app.py` as Python"
    )
    title: Title | None = Field(None, description="title of `text`; default: what the text calls itself")
    document: DocumentReference | None = Field(None, description="a stored document instead of `text`")
    chunkers: list[Chunker] = Field(min_length=1, max_length=20, description="chunkers to try, compared in this order")
    context_prefix: bool = Field(True, description="put title and heading path in front, as indexes do by default")
    embedder: Embedder | None = Field(None, description="count overruns of this embedder's window, too")
    max_chunks: int = Field(100, ge=0, le=MAX_CHUNKS_SHOWN, description="most chunks shown for each chunker")

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.text is None) == (self.document is None):
            raise ValueError("give either `text` or `document`")
        if self.file_name is not None and (self.document is not None or "media_type" in self.model_fields_set):
            raise ValueError("`file_name` says how to read `text`; leave out `media_type` and `document`")
        return self


class ChunkPreview(BaseModel):
    """A chunk: `text` is the source's text from `start` to `end`, `prefix` what is indexed in front of it.

    `lead` is what of that stands in front of the text when it is sent, too: a table's header, the signature of a class.
    `parent_start` and `parent_end` are the larger span that an expansion sends in the chunk's place: the parent of
    `parent_child`, the window of `sentence_window`; null for chunkers without parents.
    """

    start: int
    end: int
    tokens: int
    heading_path: list[str]
    prefix: str
    lead: str
    text: str
    parent_start: int | None
    parent_end: int | None


class SizesView(BaseModel):
    """Tokens of the chunks, prefixes not counted."""

    count: int
    min: int
    median: float
    mean: float
    p95: int
    max: int


class BinView(BaseModel):
    """How many chunks have from_tokens <= tokens < below_tokens."""

    from_tokens: int
    below_tokens: int
    chunks: int


class ChunkingView(BaseModel):
    """What one chunker makes of the text."""

    chunker: Chunker
    sizes: SizesView
    histogram: list[BinView]
    window_overruns: int | None = Field(
        description="chunks longer than the embedder's window; null without an embedder"
    )
    cut_sentences: int = Field(description="borders that fall inside a sentence")
    cut_tables: int = Field(description="tables that no chunk holds whole")
    cut_code_blocks: int = Field(description="code blocks that no chunk holds whole")
    separated_headings: int = Field(description="headings without their text in the same chunk")
    coverage: float = Field(description="share of the non-space characters that lie in some chunk")
    duplicated: float = Field(description="share of the chunks' characters that an earlier chunk holds already")
    remarks: list[str] = Field(description="what the chunker says of this text: what it cannot do for it")
    chunks: list[ChunkPreview]


class EmbeddingCalls(BaseModel):
    """What was asked of embedders on other machines."""

    calls: int
    tokens: int
    cost_usd: float | None = Field(description="at list prices; null where one is unknown")
    price: Literal["list price", "price unknown"]


class PreviewView(BaseModel):
    """The text's size, and what each chunker makes of it."""

    characters: int
    title: str
    window_tokens: int | None
    embedding_calls: EmbeddingCalls | None = Field(
        description="calls to embedders on other machines that cutting made, counted as `tokens_per_day` of the key "
        "and of the document's workspace; null where there were none"
    )
    chunkings: list[ChunkingView]


@router.post("/preview", summary="Try chunkers on a text")
@needs("caller")
async def preview_chunkings(
    service: CurrentService,
    caller: CurrentCaller,
    body: Annotated[NewPreview, Body(openapi_examples=CHUNKING_PREVIEWS)],
) -> PreviewView:
    """Cut a text or a stored document with several chunkers side by side. Nothing is written."""
    if body.document is not None and not caller.check_role("viewer", body.document.workspace_id):
        raise NotFoundError("workspace", body.document.workspace_id)

    of_document = [] if body.document is None else [subject_of_workspace(body.document.workspace_id)]

    def work() -> PreviewView:
        document, title, file_name = _document(service, body)
        if any(chunker.encoder is not None for chunker in body.chunkers):
            _check_length(document)
        with service.database.read() as session:
            is_counted = check_left(session, of_document, "tokens_per_day")
        window = body.embedder.window_tokens if body.embedder is not None else None
        with metered() as meter:
            try:
                previews = preview(
                    document, body.chunkers, title=title, file_name=file_name, with_prefix=body.context_prefix,
                    window_tokens=window,
                    count_window_tokens=body.embedder.count_tokens if body.embedder is not None else None,
                )  # fmt: skip
            finally:
                if is_counted and meter.calls:
                    with service.database.write() as session:
                        charge(session, of_document, {"tokens_per_day": meter.tokens}, strictly=False)
        return PreviewView(
            characters=len(document.text), title=title, window_tokens=window,
            embedding_calls=EmbeddingCalls.model_validate(meter.as_dict()) if meter.calls else None,
            chunkings=[_view(document.text, one, body.max_chunks) for one in previews],
        )  # fmt: skip

    return await service.run(work)


def _check_length(document: ParsedDocument) -> None:
    if len(document.text) > MAX_ENCODED_CHARACTERS:
        raise InvalidInputError(
            f"the text has {len(document.text):,} characters; chunkers that encode it preview at most "
            f"{MAX_ENCODED_CHARACTERS:,}",
            hint="preview a part of the text, leave `semantic` and `cluster_semantic` out, or build an index in a job",
            code="text_too_long_to_encode",
        )


def _document(service: Service, body: NewPreview) -> tuple[ParsedDocument, str, str]:
    """Return the text with its structure, its title, and the name of its file, "" where there is none."""
    if body.text is not None:
        parsed = parser_of(body.file_name, body.media_type).parse(body.text.encode())
        check_text_length(parsed, service.settings.max_text_characters)
        file_name = body.file_name or ""
        return parsed, body.title or parsed.title or file_name, file_name
    assert body.document is not None
    workspace_id = body.document.workspace_id
    with service.database.read() as session:
        load_workspace(session, workspace_id)
        document = load_document(session, workspace_id, body.document.document_id)
        version = load_version(
            session, workspace_id, document.ready_version_id or document.latest_version_id, with_text=True
        )
        if version.text is None:
            raise ConflictError(
                f"document {document.id} has no text yet", hint="wait until it is ready", code="no_text"
            )
        parsed = ParsedDocument.from_structure(version.text, version.title, version.structure or [])
        return parsed, version.title, version.file_name


def _view(text: str, made: ChunkingPreview, max_chunks: int) -> ChunkingView:
    chunks = [
        ChunkPreview(
            start=chunk.span.start, end=chunk.span.end, tokens=chunk.tokens, heading_path=list(chunk.heading_path),
            prefix=chunk.prefix, lead=lead_text(text, chunk.lead), text=text[chunk.span.start : chunk.span.end],
            parent_start=chunk.parent.start if chunk.parent else None,
            parent_end=chunk.parent.end if chunk.parent else None,
        )
        for chunk in made.chunks[:max_chunks]
    ]  # fmt: skip
    return ChunkingView(
        chunker=made.chunker,
        sizes=SizesView.model_validate(made.sizes, from_attributes=True),
        histogram=[BinView.model_validate(one, from_attributes=True) for one in made.histogram],
        window_overruns=made.window_overruns,
        cut_sentences=made.damage.cut_sentences,
        cut_tables=made.damage.cut_tables,
        cut_code_blocks=made.damage.cut_code_blocks,
        separated_headings=made.damage.separated_headings,
        coverage=made.coverage,
        duplicated=made.duplicated,
        remarks=list(made.remarks),
        chunks=chunks,
    )
