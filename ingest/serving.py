"""From chunks and vectors to segments, and the one commit that lets indexes answer with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from indexes.database.catalog import list_indexes, list_segments, missing_versions, raise_generation
from indexes.database.engine import new_id, now
from indexes.database.tables import ChunkRow, Document, IndexRow, Segment, Served, Version
from indexes.jobs import RunningJob
from indexes.segments import RowTable, WrittenSegment, add_segment, segment_folder, write_segment
from indexes.shared_files import shared_files
from indexes.stores import SegmentRows
from ingest.baking import IDS_PER_QUERY, batches, load_chunks, load_indexed_texts
from ingest.builds import queue_build
from ingest.recipe import IndexRecipe
from ingest.vector_cache import load_vectors, oldest_renewal, renewals_of

ROWS_PER_SEGMENT = 200_000
SEGMENTS_BEFORE_MERGE = 8


@dataclass(frozen=True, slots=True)
class Target:
    """An index to be brought up to date."""

    index_id: str
    recipe: IndexRecipe


@dataclass(frozen=True, slots=True)
class Place:
    """Where the rows of one version lie in a segment."""

    version_id: str
    document_id: str
    first_row: int
    row_count: int


@dataclass(frozen=True, slots=True)
class BakedSegment:
    """A written segment with what lies in it; nothing serves it before its commit.

    `renewal` is that of its oldest vector under `embedder`, which is None where it has no vectors.
    """

    index_id: str
    written: WrittenSegment
    places: list[Place]
    embedder: str | None
    renewal: int


def maintained_targets(session: Session, workspace_id: str) -> list[Target]:
    """Return the indexes of the workspace that follow uploads."""
    return [target_of(index) for index in list_indexes(session, workspace_id) if index.maintained]


def target_of(index: IndexRow) -> Target:
    """Return the index as a target."""
    return Target(index.id, IndexRecipe.model_validate(index.recipe))


def bake_segments(
    job: RunningJob, data_folder: Path, target: Target, version_ids: Sequence[str]
) -> Iterator[BakedSegment]:
    """Write the versions' rows into segments of at most ROWS_PER_SEGMENT rows; a larger version gets its own."""
    documents: dict[str, str] = {}
    with job.database.read() as session:
        for batch in batches(version_ids, IDS_PER_QUERY):
            statement = select(Version.id, Version.document_id).where(Version.id.in_(batch))
            documents.update(session.execute(statement).all())
    ordered = sorted(documents, key=documents.__getitem__)
    pending: list[ChunkRow] = []
    for batch in batches(ordered, IDS_PER_QUERY):
        with job.database.read() as session:
            chunks = load_chunks(session, target.recipe.chunking, batch)
        by_version: dict[str, list[ChunkRow]] = {version_id: [] for version_id in batch}
        for chunk in chunks:
            by_version[chunk.version_id].append(chunk)
        for rows in by_version.values():
            if pending and len(pending) + len(rows) > ROWS_PER_SEGMENT:
                yield _bake(job, data_folder, target, pending, documents)
                pending = []
            pending.extend(rows)
    if pending:
        yield _bake(job, data_folder, target, pending, documents)


def _bake(
    job: RunningJob, data_folder: Path, target: Target, chunks: list[ChunkRow], documents: dict[str, str]
) -> BakedSegment:
    vectors, renewal = None, 0
    embedder = None if target.recipe.embedder is None else target.recipe.embedder.fingerprint
    if embedder is not None:
        with job.database.read() as session:
            hashes = [chunk.indexed_sha256 for chunk in chunks]
            renewal = oldest_renewal(session, embedder, hashes)
            vectors = load_vectors(session, embedder, hashes)
    table = RowTable(
        ordinals=np.array([chunk.ordinal for chunk in chunks], dtype=np.int32),
        starts=np.array([chunk.start for chunk in chunks], dtype=np.int32),
        ends=np.array([chunk.end for chunk in chunks], dtype=np.int32),
        tokens=np.array([chunk.tokens for chunk in chunks], dtype=np.int32),
    )
    rows = SegmentRows(texts=load_indexed_texts(job, chunks), vectors=vectors)
    folder = segment_folder(data_folder, target.index_id, new_id("segment"))
    written = write_segment(folder, target.recipe.stores, table, rows)
    return BakedSegment(target.index_id, written, _places(chunks, documents), embedder, renewal)


def share_segment(data_folder: Path, baked: BakedSegment) -> None:
    """Let every machine have the segment, before any index answers with it; nothing to do where they share a disk."""
    folder = segment_folder(data_folder, baked.index_id, baked.written.id)
    shared = shared_files(folder)
    if shared is not None:
        shared.share(folder)


def _places(chunks: Sequence[ChunkRow], documents: dict[str, str]) -> list[Place]:
    places: list[Place] = []
    first = 0
    for row in range(1, len(chunks) + 1):
        if row == len(chunks) or chunks[row].version_id != chunks[first].version_id:
            version_id = chunks[first].version_id
            places.append(Place(version_id, documents[version_id], first, row - first))
            first = row
    return places


def switch_over(session: Session, workspace_id: str, baked: Sequence[BakedSegment]) -> None:
    """Insert the manifest rows and let the indexes answer with what lies in them, all in the caller's unit of work.

    A document that was deleted or overtaken by a newer version meanwhile keeps what it has. An index that still misses
    documents and never answered does not begin to: its build lets it.
    """
    for segment in baked:
        wanted = _wanted(session, segment)
        _serve(session, workspace_id, segment, [place for place in segment.places if place.version_id in wanted])
    for index_id in {segment.index_id for segment in baked}:
        if not missing_versions(session, workspace_id, index_id):
            mark_built(session, index_id)
        _retire_unserved(session, index_id)
    raise_generation(session, workspace_id)


def mark_built(session: Session, index_id: str) -> None:
    """Let searches use the index from now on."""
    statement = update(IndexRow).where(IndexRow.id == index_id, IndexRow.built_at.is_(None))
    session.execute(statement.values(built_at=now()))


def _serve(session: Session, workspace_id: str, segment: BakedSegment, places: Sequence[Place]) -> None:
    if not places:
        return
    add_segment(session, segment.index_id, segment.written, segment.renewal)
    session.flush()
    if segment.embedder is not None and segment.renewal < renewals_of(session, segment.embedder, until_commit=True):
        queue_build(session, workspace_id, segment.index_id)  # its vectors were read before a model was accepted
    for batch in batches(places, IDS_PER_QUERY):
        document_ids = [place.document_id for place in batch]
        old = delete(Served).where(Served.index_id == segment.index_id, Served.document_id.in_(document_ids))
        session.execute(old.execution_options(synchronize_session=False))
    values = [
        {
            "index_id": segment.index_id,
            "document_id": place.document_id,
            "version_id": place.version_id,
            "segment_id": segment.written.id,
            "first_row": place.first_row,
            "row_count": place.row_count,
        }
        for place in places
    ]
    session.execute(insert(Served), values)


def _wanted(session: Session, segment: BakedSegment) -> set[str]:
    """Return the versions of live documents that are not older than what the index answers with already."""
    wanted: set[str] = set()
    own, served = Version.__table__.alias("own"), Version.__table__.alias("served_version")
    for batch in batches(segment.places, IDS_PER_QUERY):
        statement = (
            select(own.c.id)
            .join(Document, Document.id == own.c.document_id)
            .outerjoin(Served, (Served.document_id == Document.id) & (Served.index_id == segment.index_id))
            .outerjoin(served, served.c.id == Served.version_id)
            .where(own.c.id.in_([place.version_id for place in batch]), Document.deleted_at.is_(None))
            .where(func.coalesce(served.c.number, 0) <= own.c.number)
        )
        wanted.update(session.scalars(statement))
    return wanted


def _retire_unserved(session: Session, index_id: str) -> None:
    """Retire segments that no document of the index is answered from any more."""
    served = select(Served.segment_id).where(Served.index_id == index_id)
    statement = update(Segment).where(Segment.index_id == index_id, Segment.state == "live", Segment.id.not_in(served))
    session.execute(statement.values(state="retired", retired_at=now()))


def outdated_segments(session: Session, target: Target) -> list[Segment]:
    """Return the segments in use that hold vectors of before a changed model was accepted."""
    if target.recipe.embedder is None:
        return []
    renewals = renewals_of(session, target.recipe.embedder.fingerprint)
    return [segment for segment in list_segments(session, target.index_id) if segment.renewal < renewals]


def merge_segments(job: RunningJob, data_folder: Path, workspace_id: str, target: Target) -> None:
    """Where an index has many segments, write all but a dominant one anew as one; half-full ones stay as they are."""
    with job.database.read() as session:
        small = [one for one in list_segments(session, target.index_id) if one.rows < ROWS_PER_SEGMENT // 2]
    segments = sorted(small, key=lambda segment: segment.rows)
    if len(segments) <= SEGMENTS_BEFORE_MERGE:
        return
    if segments[-1].rows > sum(segment.rows for segment in segments[:-1]):
        segments.pop()
    rewrite_segments(job, data_folder, workspace_id, target, [segment.id for segment in segments])


def rewrite_segments(
    job: RunningJob, data_folder: Path, workspace_id: str, target: Target, segment_ids: Sequence[str]
) -> None:
    """Write what the index answers with from these segments anew, without the rows that it does not answer with.

    Documents that changed while this wrote keep what they have; segments that nothing is answered from any more are
    retired in the same commit.
    """
    served = select(Served.document_id, Served.version_id).where(
        Served.index_id == target.index_id, Served.segment_id.in_(segment_ids)
    )
    with job.database.read() as session:
        before = dict(session.execute(served).all())
    for baked in list(bake_segments(job, data_folder, target, sorted(before.values()))):
        share_segment(data_folder, baked)
        with job.write() as session:
            unchanged = dict(session.execute(served).all())
            places = [place for place in baked.places if unchanged.get(place.document_id) == place.version_id]
            _serve(session, workspace_id, baked, places)
            _retire_unserved(session, target.index_id)
            raise_generation(session, workspace_id)
    if not before:
        with job.write() as session:
            _retire_unserved(session, target.index_id)
