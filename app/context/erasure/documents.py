"""A document's own rows and files: chunks with their cached vectors, versions with their uploaded bytes, itself."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.orm import Session

from app.context.erasure.owners import Documents, Owner
from app.context.erasure.records import Counts
from indexes.database.tables import ChunkRow, Document, Job, Vector, Version
from indexes.erasure import hide_documents
from indexes.jobs import FINAL_STATES
from ingest.sources import kept_source

CHUNKS_PER_BATCH = 10_000
"""Each batch reads the whole table of chunks once, for texts that others have as well: about 1 second for a million."""
VERSIONS_PER_BATCH = 200
CLOCK_SKEW = timedelta(minutes=5)
"""By so much the clocks of two machines that serve one installation may differ."""
PARTIAL_AFTER = timedelta(minutes=1)


def find_documents(session: Session, workspace_id: str, document_ids: Collection[str]) -> Documents:
    """Return the documents of the workspace, deleted ones too, with their versions and all they are called."""
    chosen = Document.workspace_id == workspace_id, Document.id.in_(document_ids)
    documents = session.scalars(select(Document).where(*chosen).order_by(Document.id)).all()
    ids = [document.id for document in documents]
    columns = select(Version.id, Version.title, Version.file_name).where(Version.document_id.in_(ids))
    versions = session.execute(columns.order_by(Version.id)).all()
    said = [(document.external_id, document.title) for document in documents]
    said += [(version.title, version.file_name) for version in versions]
    return Documents(
        workspace_id=workspace_id,
        ids=tuple(ids),
        version_ids=tuple(version.id for version in versions),
        names=tuple(sorted({name for names in said for name in names if name})),
    )


def written_since(session: Session, documents: Documents) -> datetime | None:
    """Return before when nothing of the documents can have been written, None where nothing is left of them."""
    first: datetime | None = session.scalar(
        select(Version.created_at).where(Version.document_id.in_(documents.ids)).order_by(Version.created_at).limit(1)
    )
    return None if first is None else first - CLOCK_SKEW


def erase_rows(session: Session, documents: Documents) -> Counts:
    """Delete a batch of chunks with their vectors, then of versions, then the documents; return what was deleted."""
    chunks = select(ChunkRow).where(ChunkRow.version_id.in_(documents.version_ids)).limit(CHUNKS_PER_BATCH)
    rows = session.scalars(chunks).all()
    if rows:
        vectors = delete_vectors(session, {row.indexed_sha256 for row in rows}, documents.version_ids)
        keys = [
            and_(ChunkRow.version_id == version_id, ChunkRow.chunking == chunking, ChunkRow.ordinal.in_(ordinals))
            for (version_id, chunking), ordinals in _by_version(rows).items()
        ]
        for key in keys:
            session.execute(delete(ChunkRow).where(key).execution_options(synchronize_session=False))
        return {"chunks": len(rows), "vectors": vectors}
    ids = list(documents.version_ids[:VERSIONS_PER_BATCH])
    if ids:
        session.execute(delete(Version).where(Version.id.in_(ids)))
        return {"versions": len(ids)}
    session.execute(delete(Document).where(Document.id.in_(documents.ids)))
    return {"documents": len(documents.ids)} if documents.ids else {}


def _by_version(rows: Sequence[ChunkRow]) -> dict[tuple[str, str], list[int]]:
    keys: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        keys.setdefault((row.version_id, row.chunking), []).append(row.ordinal)
    return keys


def delete_vectors(session: Session, hashes: Collection[str], version_ids: Collection[str]) -> int:
    """Delete the cached vectors of indexed texts that no chunk of a version besides `version_ids` has; return how many.

    The cache serves the whole installation, so a text that another workspace has as well keeps its vector.
    """
    others = select(ChunkRow.indexed_sha256).where(
        ChunkRow.indexed_sha256.in_(hashes), ChunkRow.version_id.not_in(version_ids)
    )
    only_here = sorted(set(hashes) - set(session.scalars(others.distinct())))
    count = session.scalar(select(func.count()).select_from(Vector).where(Vector.indexed_sha256.in_(only_here)))
    session.execute(delete(Vector).where(Vector.indexed_sha256.in_(only_here)))
    return int(count or 0)


def erase_uploads(session: Session, data_folder: Path, documents: Documents, until: datetime) -> int:
    """Remove the original bytes that no other version of the workspace has; return how many files.

    What was written after `until` was sent anew, by somebody whose request is not recorded yet, and stays.
    """
    own = Version.id.in_(documents.version_ids)
    hashes = set(session.scalars(select(Version.source_sha256).where(own)))
    workspace = Version.workspace_id == documents.workspace_id
    others = select(Version.source_sha256).where(workspace, Version.source_sha256.in_(hashes), ~own)
    removed = 0
    for source_sha256 in sorted(hashes - set(session.scalars(others))):
        source = kept_source(data_folder, documents.workspace_id, source_sha256)
        if source is not None and source.written_at < until.timestamp():
            source.remove()
            removed += 1
    for partial in (data_folder / "uploads" / documents.workspace_id).glob(".*.partial"):
        with contextlib.suppress(FileNotFoundError):  # it was written to its end
            if partial.stat().st_mtime < (until - PARTIAL_AFTER).timestamp():  # left by a process that died
                partial.unlink()
    return removed


def _detach(session: Session, documents: Documents) -> None:
    hide_documents(session, documents.workspace_id, documents.ids)


def _erase_errors(session: Session, documents: Documents) -> Counts:
    """Blank what ended jobs say went wrong where they name the documents, as words of their own."""
    said = [json.dumps(name)[1:-1] for name in (*documents.names, *documents.ids, *documents.version_ids)]
    if not said:
        return {}
    names = re.compile("|".join(rf"(?<!\w){re.escape(one)}(?!\w)" for one in said))
    ended = Job.workspace_id == documents.workspace_id, Job.state.in_(FINAL_STATES), Job.error.is_not(None)
    blanked = 0
    for job in session.scalars(select(Job).where(*ended)):
        if job.error is not None and "erased" not in job.error and names.search(json.dumps(job.error)):
            code = str(job.error.get("code", "internal_error"))
            hint = "look at what is left of the workspace"
            job.error = {"code": code, "detail": "a document that it named was erased", "hint": hint, "erased": True}
            blanked += 1
    session.flush()
    return {"job_errors": blanked} if blanked else {}


JOB_ERRORS = Owner(detach_documents=_detach, erase_documents=_erase_errors)
"""Comes first: with `detach` the documents leave every result."""


def resolve(session: Session, workspace_id: str, document_id: str | None, external_id: str | None) -> list[str]:
    """Return the ids of the documents that a target means, deleted ones too; of a source, all that ever had its id."""
    named = or_(Document.id == document_id, Document.external_id == external_id)
    return list(session.scalars(select(Document.id).where(Document.workspace_id == workspace_id, named)))
