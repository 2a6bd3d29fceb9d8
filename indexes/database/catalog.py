"""Queries over workspaces, documents, versions and indexes; workspace_id comes first in each."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased, undefer

from configs.errors import InvalidInputError, NotFoundError
from indexes.database.tables import ChunkRow, Document, IndexRow, Segment, Served, Version, Workspace

VersionState = Literal["queued", "processing", "ready", "failed"]


def load_workspace(session: Session, workspace_id: str) -> Workspace:
    """Return the workspace, or raise NotFoundError; a deleted one does not exist."""
    workspace = session.get(Workspace, workspace_id)
    if workspace is None or workspace.deleted_at is not None:
        raise NotFoundError("workspace", workspace_id)
    return workspace


def raise_generation(session: Session, workspace_id: str) -> None:
    """Make every search from the commit on see what this unit of work changed."""
    statement = update(Workspace).where(Workspace.id == workspace_id)
    session.execute(statement.values(generation=Workspace.generation + 1))


def load_document(session: Session, workspace_id: str, document_id: str) -> Document:
    """Return a live document of the workspace, or raise NotFoundError."""
    document = session.get(Document, document_id)
    if document is None or document.workspace_id != workspace_id or document.deleted_at is not None:
        raise NotFoundError("document", document_id)
    return document


def load_version(session: Session, workspace_id: str, version_id: str | None, *, with_text: bool = False) -> Version:
    """Return a version of the workspace, or raise NotFoundError; `with_text` loads text and structure with it."""
    options = [undefer(Version.text), undefer(Version.structure)] if with_text else []
    version = session.get(Version, version_id, options=options) if version_id else None
    if version is None or version.workspace_id != workspace_id:
        raise NotFoundError("version", str(version_id))
    return version


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentListing:
    """A document with its newest version, and the number of the version that answers at present."""

    document: Document
    latest: Version
    ready_number: int | None


def list_documents(
    session: Session,
    workspace_id: str,
    *,
    limit: int,
    cursor: str | None = None,
    state: VersionState | None = None,
    external_id: str | None = None,
) -> tuple[list[DocumentListing], str | None]:
    """Return a page of documents, oldest first, and the cursor of the next page."""
    statement = _listing(workspace_id)
    if state is not None:
        statement = statement.where(Version.state == state)
    if external_id is not None:
        statement = statement.where(Document.external_id == external_id)
    rows, following = page(session, statement, Document.created_at, Document.id, limit=limit, cursor=cursor)
    return [DocumentListing(document=d, latest=v, ready_number=n) for d, v, n in rows], following


def find_listing(session: Session, workspace_id: str, document_id: str) -> DocumentListing:
    """Return one live document as `list_documents` does, or raise NotFoundError."""
    row = session.execute(_listing(workspace_id).where(Document.id == document_id)).one_or_none()
    if row is None:
        raise NotFoundError("document", document_id)
    return DocumentListing(document=row[0], latest=row[1], ready_number=row[2])


def _listing(workspace_id: str) -> Select[Any]:
    answering = aliased(Version)
    ready = select(answering.number).where(answering.id == Document.ready_version_id).scalar_subquery()
    return (
        select(Document, Version, ready.label("ready_number"))
        .join(Version, Version.id == Document.latest_version_id)
        .where(Document.workspace_id == workspace_id, Document.deleted_at.is_(None))
    )


def count_documents(session: Session, workspace_id: str) -> dict[str, int]:
    """Return how many live documents are in each state."""
    statement = (
        select(Version.state, func.count())
        .join(Document, Document.latest_version_id == Version.id)
        .where(Document.workspace_id == workspace_id, Document.deleted_at.is_(None))
        .group_by(Version.state)
    )
    return dict(session.execute(statement).all())


def load_index(session: Session, workspace_id: str, index_id: str) -> IndexRow:
    """Return an index of the workspace, or raise NotFoundError."""
    index = session.get(IndexRow, index_id)
    if index is None or index.workspace_id != workspace_id:
        raise NotFoundError("index", index_id)
    return index


def list_indexes(session: Session, workspace_id: str) -> list[IndexRow]:
    """Return the workspace's indexes, oldest first."""
    statement = select(IndexRow).where(IndexRow.workspace_id == workspace_id)
    return list(session.scalars(statement.order_by(IndexRow.created_at, IndexRow.id)))


def list_segments(session: Session, index_id: str) -> list[Segment]:
    """Return the segments of an index that are in use, oldest first."""
    statement = select(Segment).where(Segment.index_id == index_id, Segment.state == "live")
    return list(session.scalars(statement.order_by(Segment.created_at, Segment.id)))


def count_served(session: Session, index_id: str) -> tuple[int, int]:
    """Return how many live documents and chunks the index answers with."""
    statement = (
        select(func.count(), func.coalesce(func.sum(Served.row_count), 0))
        .join(Document, Document.id == Served.document_id)
        .where(Served.index_id == index_id, Document.deleted_at.is_(None))
    )
    documents, chunks = session.execute(statement).one()
    return int(documents), int(chunks)


def missing_versions(session: Session, workspace_id: str, index_id: str) -> list[str]:
    """Return the ready versions of live documents that the index does not answer with yet, in order of document id."""
    statement = (
        select(Document.ready_version_id)
        .outerjoin(Served, and_(Served.document_id == Document.id, Served.index_id == index_id))
        .where(Document.workspace_id == workspace_id, Document.deleted_at.is_(None))
        .where(Document.ready_version_id.is_not(None))
        .where(or_(Served.version_id.is_(None), Served.version_id != Document.ready_version_id))
        .order_by(Document.id)
    )
    return [version_id for version_id in session.scalars(statement) if version_id is not None]


def external_ids_of(session: Session, workspace_id: str) -> dict[str, str]:
    """Return the external id of every live document, by id."""
    chosen = Document.workspace_id == workspace_id, Document.deleted_at.is_(None)
    return dict(session.execute(select(Document.id, Document.external_id).where(*chosen)).all())


def list_chunks(session: Session, version_id: str, chunking: str, *, first: int, limit: int) -> Sequence[ChunkRow]:
    """Return chunks of a version from ordinal `first` on."""
    statement = select(ChunkRow).where(ChunkRow.version_id == version_id, ChunkRow.chunking == chunking)
    return session.scalars(statement.where(ChunkRow.ordinal >= first).order_by(ChunkRow.ordinal).limit(limit)).all()


def page(
    session: Session,
    statement: Select[Any],
    moment: InstrumentedAttribute[datetime],
    identifier: InstrumentedAttribute[str],
    *,
    limit: int,
    cursor: str | None,
) -> tuple[list[tuple[Any, ...]], str | None]:
    """Return at most `limit` rows by (moment, identifier) after `cursor`, and the cursor of the next page."""
    if cursor is not None:
        statement = statement.where(_after(moment, identifier, cursor))
    statement = statement.add_columns(moment, identifier).order_by(moment, identifier).limit(limit + 1)
    rows = [tuple(row) for row in session.execute(statement)]
    following = None
    if len(rows) > limit:
        *_, last_moment, last_id = rows[limit - 1]
        following = base64.urlsafe_b64encode(f"{last_moment.isoformat()}|{last_id}".encode()).decode()
    return [row[:-2] for row in rows[:limit]], following


def _after(
    moment: InstrumentedAttribute[datetime], identifier: InstrumentedAttribute[str], cursor: str
) -> ColumnElement[bool]:
    try:
        text, last_id = base64.urlsafe_b64decode(cursor.encode("ascii")).decode("utf-8").split("|", 1)
        last_moment = datetime.fromisoformat(text)
        last_moment.astimezone()
    except (ValueError, OverflowError):
        raise InvalidInputError(
            "the cursor is not one that this listing gave out",
            hint="leave `cursor` out to begin at the first page",
            code="invalid_cursor",
        ) from None
    return or_(moment > last_moment, and_(moment == last_moment, identifier > last_id))
