"""Sending documents: as JSON, as files, and once more after a failure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Body, File, Form, Response, UploadFile
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from app.accounts.quotas import What, charge
from app.accounts.roles import Caller
from app.api.authentication import CurrentCaller
from app.api.examples import NEW_DOCUMENTS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import DocumentId, Metadata, Principals, Tags, Title, WorkspaceId
from app.api.quotas import subjects_of
from app.api.routers.jobs import JobView, load_view
from app.api.sent_text import MediaType, parser_of
from app.api.service import CurrentService, Service
from configs.errors import InvalidInputError, PlaygroundError, TooLargeError
from configs.strict_json import InvalidJsonError, strict_json
from configs.text import Text, storable
from indexes.database.catalog import load_document, load_version, load_workspace
from indexes.database.engine import new_id
from indexes.jobs import create_job
from ingest.parsers import parser_for, readable_extensions
from ingest.pipeline import INGEST
from ingest.sources import save_sources
from ingest.uploads import Upload, accept_uploads, check_text_length, retry_version

MOST_DOCUMENTS = 10_000

router = APIRouter(
    prefix="/v1/workspaces/{workspace_id}/documents",
    tags=["documents"],
    route_class=PlaygroundRoute,
    form_limits={"max_files": MOST_DOCUMENTS + 1},
)
ExternalId = Annotated[Text, StringConstraints(min_length=1, max_length=500)]


class NewDocument(BaseModel):
    """A document sent as JSON."""

    model_config = ConfigDict(extra="forbid")

    text: Text = Field(min_length=1, description="the whole text; it is kept as it is")
    media_type: MediaType = Field("text/plain", description="how to read the text: headings, tables, records")
    file_name: Title | None = Field(
        None, description="read the text as a file of this name, in place of `media_type`: `src/app.py` as Python"
    )
    external_id: ExternalId | None = Field(
        None,
        description="your own id; the same id with other text makes a new version. Default: the file name, else a hash "
        "of the text",
    )
    title: Title | None = Field(None, description="default: what the text calls itself, else the external id")
    tags: Tags | None = Field(None, description="labels to filter by")
    metadata: Metadata | None = Field(None, description="fields to filter by")
    access: Principals | None = Field(
        None, description="who may read it: names as searches give them in `principals`; left out: everyone here"
    )

    @model_validator(mode="after")
    def _says_once_how_to_read(self) -> Self:
        if self.file_name is not None and "media_type" in self.model_fields_set:
            raise ValueError("`file_name` says how to read the text; leave out `media_type`")
        return self


class NewDocuments(BaseModel):
    """Documents to ingest."""

    model_config = ConfigDict(extra="forbid")

    documents: list[NewDocument] = Field(min_length=1, max_length=MOST_DOCUMENTS)


class AcceptedView(BaseModel):
    """What became of one document sent."""

    document_id: str
    version_id: str
    external_id: str
    status: Literal["created", "new_version", "unchanged", "retried"]


class AcceptedDocuments(BaseModel):
    """What became of the documents sent, and the job that ingests them; no job where nothing is left to do."""

    documents: list[AcceptedView]
    job: JobView | None


class FileDescription(BaseModel):
    """What is said of every file of one upload."""

    model_config = ConfigDict(extra="forbid")

    tags: Tags | None = None
    metadata: Metadata | None = None
    access: Principals | None = None


_description = TypeAdapter(FileDescription)


def ingest(
    service: Service, caller: Caller, workspace_id: str, uploads: Sequence[Upload], response: Response
) -> AcceptedDocuments:
    """Accept the uploads, within the quotas, and start their job; 200 where nothing was left to do, else 202."""
    with service.database.read() as session:
        load_workspace(session, workspace_id)
    save_sources(service.settings.data_folder, workspace_id, uploads)
    job_id = new_id("job")
    with service.database.write() as session:
        load_workspace(session, workspace_id)
        accepted = accept_uploads(session, workspace_id, job_id, uploads)
        made = [one for one, its in zip(uploads, accepted, strict=True) if its.status in ("created", "new_version")]
        amounts: dict[What, int] = {
            "documents_per_day": len(made),
            "bytes_per_day": sum(one.size_bytes for one in made),
        }
        charge(session, subjects_of(caller, workspace_id), amounts)
        has_work = any(one.status != "unchanged" for one in accepted)
        if has_work:
            create_job(session, workspace_id, INGEST, {"documents": len(accepted)}, job_id)
    if has_work:
        service.enqueue(job_id)
    response.status_code = 202 if has_work else 200
    views = [AcceptedView.model_validate(one, from_attributes=True) for one in accepted]
    return AcceptedDocuments(documents=views, job=load_view(service, job_id) if has_work else None)


def _upload(service: Service, position: int, document: NewDocument) -> Upload:
    source = document.text.encode()
    try:
        name = None if document.file_name is None else check_file_name(document.file_name)
        parser = parser_of(name, document.media_type)
        parsed = parser.parse(source)
        check_text_length(parsed, service.settings.max_text_characters)
    except PlaygroundError as error:
        error.detail = f"documents.{position}: {error.detail}"
        raise
    return Upload(
        external_id=document.external_id or name or f"sha256:{hashlib.sha256(source).hexdigest()}",
        source=source, file_name=name or "", media_type=parser.media_types[0] if name else document.media_type,
        title=document.title, tags=document.tags, metadata=document.metadata, access=document.access, parsed=parsed,
    )  # fmt: skip


def _check_count(service: Service, count: int) -> None:
    limit = service.settings.max_documents_per_request
    if count > limit:
        raise TooLargeError(
            f"{count} documents in one request; the limit is {limit}",
            hint="send them in several requests, or raise PLAYGROUND_MAX_DOCUMENTS_PER_REQUEST",
            code="too_many_documents",
        )


@router.post("", status_code=202, summary="Send documents as JSON", responses={200: {"model": AcceptedDocuments}})
async def send_documents(
    service: CurrentService,
    caller: CurrentCaller,
    workspace_id: WorkspaceId,
    response: Response,
    body: Annotated[NewDocuments, Body(openapi_examples=NEW_DOCUMENTS)],
) -> AcceptedDocuments:
    """Ingest documents in one job. Their texts are safe once this answers; searches find them when the job is done.

    The same bytes under the same external id change nothing; other bytes make a new version, and the old one answers
    until the new one is indexed. A text with a `file_name` is read as a file of that name: source code in the language
    of the extension, with citations that name the line.
    """

    def work() -> AcceptedDocuments:
        _check_count(service, len(body.documents))
        uploads = [_upload(service, position, document) for position, document in enumerate(body.documents)]
        return ingest(service, caller, workspace_id, uploads, response)

    return await service.run(work)


@router.post("/files", status_code=202, summary="Upload files", responses={200: {"model": AcceptedDocuments}})
async def upload_files(
    service: CurrentService,
    caller: CurrentCaller,
    workspace_id: WorkspaceId,
    response: Response,
    files: Annotated[
        list[UploadFile],
        File(min_length=1, description=f"one or many; the extension decides how each is read: {readable_extensions()}"),
    ],
    description: Annotated[
        str, Form(max_length=100_000, description="JSON with tags, metadata and access of all the files")
    ] = "{}",
) -> AcceptedDocuments:
    """Ingest files in one job. A file's name is its external id.

    Text, Markdown, HTML, PDF, JSON, JSONL, CSV and source code are read as they are. Word, PowerPoint and Excel files
    (DOCX, PPTX, XLSX), books (EPUB) and mail (EML) need the extra `office`; each is read in a process of its own with
    a limit of memory and time. Files are read in the job; one that cannot be read fails alone, with what is wrong in
    its document's `error`. Citations name the page, the row or the line.
    """
    said = _described(description)
    sources = [(file.filename or "", file.content_type or "", await file.read()) for file in files]

    def work() -> AcceptedDocuments:
        _check_count(service, len(sources))
        uploads = [_file_upload(name, media_type, source, said) for name, media_type, source in sources]
        return ingest(service, caller, workspace_id, uploads, response)

    return await service.run(work)


def _described(description: str) -> FileDescription:
    try:
        return _description.validate_python(strict_json(description, "description"))
    except (ValidationError, InvalidJsonError) as error:
        first = str(error.errors()[0]["msg"]) if isinstance(error, ValidationError) else error.detail
        raise InvalidInputError(
            f"the form field `description` cannot be used: {first}",
            hint='send JSON such as {"tags": ["handbook"], "metadata": {"year": 2026}}',
            code="invalid_description",
        ) from None


def _file_upload(file_name: str, media_type: str, source: bytes, said: FileDescription) -> Upload:
    name = check_file_name(file_name)
    parser = parser_for(name, media_type)
    if not source:
        raise InvalidInputError(f"the file {name!r} has no bytes", hint="upload a file with text", code="empty_file")
    return Upload(
        external_id=name, source=source, file_name=name, media_type=parser.media_types[0],
        tags=said.tags, metadata=said.metadata, access=said.access,
    )  # fmt: skip


def check_file_name(file_name: str) -> str:
    """Return the name as it is if it is a relative path that stays below its folder, else raise InvalidInputError."""
    try:
        path = PurePosixPath(storable(file_name).replace("\\", "/"))
    except ValueError as error:
        raise InvalidInputError(f"the file name {error}", hint="rename the file", code="invalid_file_name") from None
    if not path.name or len(file_name) > 500 or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise InvalidInputError(
            f"the file name {file_name[:100]!r} is not a relative path without `..`",
            hint="send the bare name, or a path below the folder you upload",
            code="invalid_file_name",
        )
    return path.as_posix()


@router.post("/{document_id}/retry", status_code=202, summary="Retry a failed document")
async def retry_document(service: CurrentService, workspace_id: WorkspaceId, document_id: DocumentId) -> JobView | None:
    """Ingest the newest version again in a new job; where it did not fail, nothing happens and the answer is null."""

    def work() -> JobView | None:
        job_id = new_id("job")
        with service.database.write() as session:
            load_workspace(session, workspace_id)
            document = load_document(session, workspace_id, document_id)
            version = load_version(session, workspace_id, document.latest_version_id)
            if version.state != "failed":
                return None
            create_job(session, workspace_id, INGEST, {"documents": 1}, job_id)
            retry_version(session, version, job_id)
        service.enqueue(job_id)
        return load_view(service, job_id)

    return await service.run(work)
