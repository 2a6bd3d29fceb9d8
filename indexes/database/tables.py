"""Tables of workspaces, documents, versions, chunks, vectors, indexes, segments and jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from indexes.database.engine import Base, Json, UtcDateTime, now

Identifier = String(64)
_live = text("deleted_at IS NULL")


class Workspace(Base):
    """The unit of isolation. `generation` rises with every change a search must see.

    Requests that name nothing are answered by `default_alias`, where it is null by the newest `default_strategy`.
    """

    __tablename__ = "workspaces"
    audited: ClassVar = ("name", "default_strategy", "default_alias", "deleted_at")

    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    default_strategy: Mapped[str | None] = mapped_column(Text)
    default_alias: Mapped[str | None] = mapped_column(Identifier)
    generation: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Document(Base):
    """A source with title, metadata and access list; its texts are versions."""

    __tablename__ = "documents"
    audited: ClassVar = ("tags", "access", "deleted_at")
    hashed: ClassVar = {"title": "title", "metadata": "attributes"}
    __table_args__ = (
        Index(
            "documents_external_id",
            "workspace_id",
            "external_id",
            unique=True,
            sqlite_where=_live,
            postgresql_where=_live,
        ),
        Index("documents_listing", "workspace_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    external_id: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    tags: Mapped[list[str]] = mapped_column(Json)
    attributes: Mapped[dict[str, Any]] = mapped_column("metadata", Json)
    access: Mapped[list[str] | None] = mapped_column(Json)
    latest_version_id: Mapped[str | None] = mapped_column(Identifier)
    ready_version_id: Mapped[str | None] = mapped_column(Identifier)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Version(Base):
    """One immutable text of a document. `state` is queued, processing, ready or failed; `text` is None until parsed."""

    __tablename__ = "versions"
    __table_args__ = (UniqueConstraint("document_id", "number"), Index("versions_job", "job_id"))

    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    job_id: Mapped[str | None] = mapped_column(Identifier)
    error: Mapped[dict[str, Any] | None] = mapped_column(Json)
    title: Mapped[str] = mapped_column(Text)
    file_name: Mapped[str] = mapped_column(Text)
    media_type: Mapped[str] = mapped_column(Text)
    source_sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    characters: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    structure: Mapped[list[dict[str, Any]] | None] = mapped_column(Json, deferred=True)
    text: Mapped[str | None] = mapped_column(Text, deferred=True)


class ChunkRow(Base):
    """One chunk of one version under one chunking (fingerprint of chunker and prefix setting).

    `lead` are the spans whose texts `prefix` ends with (`configs.span.Lead`) as [start, end]; None where there is none.
    `tokens` are those of its chunker's tokenizer, `text_tokens` those of the shipped one; `text_simhash` is None for a
    very long text. Both are None in rows written before they were kept.
    """

    __tablename__ = "chunks"
    __table_args__ = ({"sqlite_with_rowid": False},)

    version_id: Mapped[str] = mapped_column(ForeignKey("versions.id", ondelete="CASCADE"), primary_key=True)
    chunking: Mapped[str] = mapped_column(Identifier, primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    start: Mapped[int]
    end: Mapped[int]
    parent_start: Mapped[int | None]
    parent_end: Mapped[int | None]
    tokens: Mapped[int]
    heading_path: Mapped[list[str]] = mapped_column(Json)
    prefix: Mapped[str] = mapped_column(Text)
    indexed_sha256: Mapped[str] = mapped_column(String(64))
    text_tokens: Mapped[int | None]
    text_simhash: Mapped[int | None] = mapped_column(BigInteger)
    lead: Mapped[list[list[int]] | None] = mapped_column(Json)


class Vector(Base):
    """A cached vector: float32 little-endian bytes of one indexed text under one embedder fingerprint.

    `renewal` counts how often a changed model of the embedder had been accepted when the vector was made.
    """

    __tablename__ = "vectors"
    __table_args__ = ({"sqlite_with_rowid": False},)

    embedder: Mapped[str] = mapped_column(Identifier, primary_key=True)
    indexed_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    renewal: Mapped[int] = mapped_column(default=0)


class IndexRow(Base):
    """What one recipe makes of one workspace; `maintained` ones follow uploads."""

    __tablename__ = "indexes"
    audited: ClassVar = ("maintained",)
    __table_args__ = (UniqueConstraint("workspace_id", "fingerprint"),)

    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    fingerprint: Mapped[str] = mapped_column(Identifier)
    recipe: Mapped[dict[str, Any]] = mapped_column(Json)
    maintained: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    built_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Segment(Base):
    """The manifest row of one immutable segment directory; `state` is live, retired or quarantined.

    `renewal` is that of its oldest vector.
    """

    __tablename__ = "segments"
    __table_args__ = (Index("segments_index", "index_id", "state"),)

    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    index_id: Mapped[str] = mapped_column(ForeignKey("indexes.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(String(16))
    rows: Mapped[int]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    checksums: Mapped[dict[str, str]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    renewal: Mapped[int] = mapped_column(default=0)


class Served(Base):
    """Which version of a document an index answers with, and where its rows lie."""

    __tablename__ = "served"

    index_id: Mapped[str] = mapped_column(ForeignKey("indexes.id", ondelete="CASCADE"), primary_key=True)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True)
    version_id: Mapped[str] = mapped_column(ForeignKey("versions.id", ondelete="CASCADE"))
    segment_id: Mapped[str] = mapped_column(ForeignKey("segments.id"))
    first_row: Mapped[int]
    row_count: Mapped[int]


class Job(Base):
    """A durable job; this row is the truth about it. `lease` rises each time a worker takes it up."""

    __tablename__ = "jobs"
    __table_args__ = (Index("jobs_state", "state"), Index("jobs_listing", "workspace_id", "created_at", "id"))

    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    workspace_id: Mapped[str | None] = mapped_column(Identifier)
    kind: Mapped[str] = mapped_column(String(32))
    arguments: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(String(16))
    stage: Mapped[str] = mapped_column(String(32), default="queued")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    stage_started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    result: Mapped[dict[str, Any] | None] = mapped_column(Json)
    error: Mapped[dict[str, Any] | None] = mapped_column(Json)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    lease: Mapped[int] = mapped_column(default=0)
    worker_id: Mapped[str | None] = mapped_column(Identifier)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Worker(Base):
    """A process that runs jobs, with its last sign of life."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    host: Mapped[str] = mapped_column(Text)
    process_id: Mapped[int]
    heartbeat_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
