"""Accepting documents: which are new, which are a new version, which change nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from configs.errors import InvalidInputError, TooLargeError
from configs.part import JsonObject
from indexes.database.catalog import raise_generation
from indexes.database.engine import new_id, now
from indexes.database.tables import Document, Version
from ingest.document import ParsedDocument

Status = Literal["created", "new_version", "unchanged", "retried"]


@dataclass(frozen=True, slots=True)
class SavedSource:
    """Bytes that are on disk already."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One document as it was sent: `source` are its bytes; `parsed` is set where parsing took place already.

    Where there are many, the bytes of each can be let go of once they are saved: see `without_bytes`.

    None in `title`, `tags`, `metadata` or `access` means "not said": new documents get a default, old ones keep theirs.
    """

    external_id: str
    source: bytes
    file_name: str = ""
    media_type: str = "text/plain"
    title: str | None = None
    tags: list[str] | None = None
    metadata: JsonObject | None = None
    access: list[str] | None = None
    parsed: ParsedDocument | None = None
    saved: SavedSource | None = None
    document_id: str = field(default_factory=lambda: new_id("doc"))
    version_id: str = field(default_factory=lambda: new_id("version"))

    @property
    def sha256(self) -> str:
        """Return the hash of the bytes."""
        return hashlib.sha256(self.source).hexdigest() if self.saved is None else self.saved.sha256

    @property
    def size_bytes(self) -> int:
        """Return how many bytes there are."""
        return len(self.source) if self.saved is None else self.saved.size_bytes

    def without_bytes(self) -> Upload:
        """Return the upload with hash and size in place of its bytes; call it after `save_sources`."""
        return replace(self, source=b"", saved=SavedSource(self.sha256, self.size_bytes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What became of an upload."""

    document_id: str
    version_id: str
    external_id: str
    status: Status


def check_text_length(document: ParsedDocument, limit_characters: int) -> None:
    """Raise TooLargeError where the text passes the limit of PLAYGROUND_MAX_TEXT_CHARACTERS."""
    if len(document.text) > limit_characters:
        raise TooLargeError(
            f"the text has {len(document.text)} characters; the limit is {limit_characters}",
            hint="split the document, or raise PLAYGROUND_MAX_TEXT_CHARACTERS",
            code="text_too_long",
        )


def accept_uploads(session: Session, workspace_id: str, job_id: str, uploads: Sequence[Upload]) -> list[Accepted]:
    """Record the uploads in the caller's unit of work; versions that need work belong to job `job_id`.

    The same bytes under the same external id change nothing but what is said about them (title, tags, metadata,
    access); where their version had failed, it is tried again.
    """
    _refuse_repeated(uploads)
    known = _known_documents(session, workspace_id, [upload.external_id for upload in uploads])
    documents: list[JsonObject] = []
    versions: list[JsonObject] = []
    accepted: list[Accepted] = []
    is_described_anew = False
    for upload in uploads:
        document, latest = known.get(upload.external_id, (None, None))
        if document is None or latest is None:
            documents.append(_document_values(workspace_id, upload))
            versions.append(_version_values(workspace_id, job_id, upload, upload.document_id, 1))
            accepted.append(_accepted(upload, upload.document_id, upload.version_id, "created"))
            continue
        is_described_anew |= _describe(document, upload)
        if latest.source_sha256 != upload.sha256:
            values = _version_values(workspace_id, job_id, upload, document.id, latest.number + 1)
            inherited = latest.title if upload.parsed is not None else ""  # a file says its title when it is parsed
            versions.append({**values, "title": values["title"] or inherited})
            document.latest_version_id, document.updated_at = upload.version_id, now()
            accepted.append(_accepted(upload, document.id, upload.version_id, "new_version"))
        elif latest.state == "failed":
            latest.state, latest.job_id, latest.error = "queued", job_id, None
            accepted.append(_accepted(upload, document.id, latest.id, "retried"))
        else:
            accepted.append(_accepted(upload, document.id, latest.id, "unchanged"))
    session.flush()
    if documents:
        session.execute(insert(Document), documents)
    if versions:
        session.execute(insert(Version), versions)
    if is_described_anew or any(one.status != "unchanged" for one in accepted):
        raise_generation(session, workspace_id)
    return accepted


def retry_version(session: Session, version: Version, job_id: str) -> None:
    """Give a failed version to a new job."""
    version.state, version.job_id, version.error = "queued", job_id, None
    raise_generation(session, version.workspace_id)


def delete_document(session: Session, document: Document) -> None:
    """Take the document out of every result with the commit of this unit of work."""
    document.deleted_at = now()
    raise_generation(session, document.workspace_id)


def fail_versions(session: Session, job_id: str, error: JsonObject) -> None:
    """Mark what a job leaves behind as failed, so that it can be seen and retried."""
    unfinished = Version.state.in_(("queued", "processing"))
    statement = update(Version).where(Version.job_id == job_id, unfinished)
    session.execute(statement.values(state="failed", error=error))
    for workspace_id in session.scalars(select(Version.workspace_id).where(Version.job_id == job_id).distinct()):
        raise_generation(session, workspace_id)


def _refuse_repeated(uploads: Sequence[Upload]) -> None:
    seen: set[str] = set()
    for upload in uploads:
        if upload.external_id in seen:
            raise InvalidInputError(
                f"external_id {upload.external_id[:100]!r} stands twice in one request",
                hint="send each document once, or give each its own external_id",
                code="repeated_external_id",
            )
        seen.add(upload.external_id)


def _known_documents(
    session: Session, workspace_id: str, external_ids: Sequence[str]
) -> dict[str, tuple[Document, Version]]:
    known: dict[str, tuple[Document, Version]] = {}
    for first in range(0, len(external_ids), 500):
        statement = (
            select(Document, Version)
            .join(Version, Version.id == Document.latest_version_id)
            .where(Document.workspace_id == workspace_id, Document.deleted_at.is_(None))
            .where(Document.external_id.in_(external_ids[first : first + 500]))
        )
        known.update({document.external_id: (document, version) for document, version in session.execute(statement)})
    return known


def _describe(document: Document, upload: Upload) -> bool:
    """Take over what the upload says of the document; return whether that is anything new."""
    said: dict[str, Any] = {
        "title": upload.title,
        "tags": upload.tags,
        "attributes": upload.metadata,
        "access": upload.access,
    }
    news = {name: value for name, value in said.items() if value is not None and getattr(document, name) != value}
    for name, value in news.items():
        setattr(document, name, value)
    if news:
        document.updated_at = now()
    return bool(news)


def _title(upload: Upload) -> str:
    parsed_title = upload.parsed.title if upload.parsed is not None else ""
    return upload.title or parsed_title or upload.file_name or upload.external_id


def _document_values(workspace_id: str, upload: Upload) -> JsonObject:
    return {
        "id": upload.document_id,
        "workspace_id": workspace_id,
        "external_id": upload.external_id,
        "title": _title(upload),
        "tags": upload.tags or [],
        "attributes": upload.metadata or {},
        "access": upload.access,
        "latest_version_id": upload.version_id,
    }


def _version_values(workspace_id: str, job_id: str, upload: Upload, document_id: str, number: int) -> JsonObject:
    parsed = upload.parsed
    return {
        "id": upload.version_id,
        "workspace_id": workspace_id,
        "document_id": document_id,
        "number": number,
        "state": "queued",
        "job_id": job_id,
        "title": upload.title or (parsed.title if parsed is not None else ""),
        "file_name": upload.file_name,
        "media_type": upload.media_type,
        "source_sha256": upload.sha256,
        "size_bytes": upload.size_bytes,
        "characters": len(parsed.text) if parsed is not None else None,
        "structure": parsed.structure() if parsed is not None else None,
        "text": parsed.text if parsed is not None else None,
    }


def _accepted(upload: Upload, document_id: str, version_id: str, status: Status) -> Accepted:
    return Accepted(document_id=document_id, version_id=version_id, external_id=upload.external_id, status=status)
