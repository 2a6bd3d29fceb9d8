"""Makes what segments are built from: the chunks of versions, and the vectors of their indexed texts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import Session, undefer

from configs.part import JsonObject
from configs.span import Chunk, Span
from indexes.database.counters import VECTORS, count
from indexes.database.tables import ChunkRow, Version
from indexes.jobs import RunningJob
from ingest.charges import charge, charged_on_failure
from ingest.chunking import chunk_document, indexed_text
from ingest.document import ParsedDocument
from ingest.late_vectors import late_hashes, late_vectors
from ingest.recipe import IndexRecipe
from ingest.text_measures import measures_of
from ingest.vector_cache import missing_vectors, save_vectors

VERSIONS_PER_BATCH = 64
TEXTS_PER_BATCH = 512
ROWS_PER_INSERT = 5_000
IDS_PER_QUERY = 500
MEASURED_CHARACTERS = 200_000
"""Texts of so many characters are measured together: one by one, short documents take three times as long."""

T = TypeVar("T")


def batches(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield `values` in runs of at most `size`."""
    for first in range(0, len(values), size):
        yield values[first : first + size]


def chunk_versions(job: RunningJob, recipe: IndexRecipe, version_ids: Sequence[str]) -> Iterator[None]:
    """Cut every version that has no chunks under the recipe yet; yields after each committed batch."""
    with job.database.read() as session:
        done = _chunked(session, recipe.chunking, version_ids)
    left = [version_id for version_id in version_ids if version_id not in done]
    finished = 0
    for batch in batches(left, 1 if recipe.chunker.encoder is not None else VERSIONS_PER_BATCH):
        job.progress("chunking", finished, len(left))
        with charged_on_failure(job) as meter:
            rows = _cut(recipe, _load_texts(job, batch))
        with job.write() as session:
            charge(job, session, meter)
            insert = insert_postgresql if session.get_bind().dialect.name == "postgresql" else insert_sqlite
            for some in batches(rows, ROWS_PER_INSERT):
                session.execute(insert(ChunkRow).on_conflict_do_nothing(), list(some))
        finished += len(batch)
        yield
    job.progress("chunking", len(left), len(left))


def embed_versions(job: RunningJob, recipe: IndexRecipe, version_ids: Sequence[str]) -> Iterator[None]:
    """Encode every indexed text of the versions that has no vector yet; yields after each committed batch."""
    if recipe.embedder is None:
        return
    embedder = recipe.embedder.fingerprint
    places: dict[str, ChunkRow] = {}
    with job.database.read() as session:
        for chunk in load_chunks(session, recipe.chunking, version_ids):
            places.setdefault(chunk.indexed_sha256, chunk)
        missing = missing_vectors(session, embedder, list(places))
    if recipe.chunker.pools_tokens:
        yield from _embed_whole_versions(job, recipe, missing, [places[value].version_id for value in missing])
        return
    finished = 0
    for hashes in batches(missing, TEXTS_PER_BATCH):
        job.progress("embedding", finished, len(missing))
        texts = load_indexed_texts(job, [places[value] for value in hashes])
        with charged_on_failure(job) as meter:
            vectors = recipe.embedder.encode(texts)
        with job.write() as session:
            save_vectors(session, embedder, hashes, vectors)
            count(session, job.workspace_id, VECTORS, "encoded", len(hashes))
            charge(job, session, meter)
        finished += len(hashes)
        yield
    with job.write() as session:
        count(session, job.workspace_id, VECTORS, "cached", len(places) - len(missing))
    job.progress("embedding", len(missing), len(missing))


def _embed_whole_versions(
    job: RunningJob, recipe: IndexRecipe, missing: Sequence[str], version_ids: Sequence[str]
) -> Iterator[None]:
    """Encode all chunks of the versions that miss the vector of one: how a text is read depends on all its chunks."""
    embedder = recipe.embedder.fingerprint if recipe.embedder is not None else ""
    absent, finished = set(missing), 0
    for version_id in dict.fromkeys(version_ids):
        job.progress("embedding", finished, len(missing))
        (version,) = _load_texts(job, [version_id])
        with job.database.read() as session:
            chunks = load_chunks(session, recipe.chunking, [version_id])
        spans = [Span(chunk.start, chunk.end) for chunk in chunks]
        vectors = late_vectors(recipe, version.title, version.text or "", spans)
        with job.write() as session:
            save_vectors(session, embedder, [chunk.indexed_sha256 for chunk in chunks], vectors)
        finished += len(absent.intersection(chunk.indexed_sha256 for chunk in chunks))
        yield
    job.progress("embedding", len(missing), len(missing))


def load_chunks(session: Session, chunking: str, version_ids: Sequence[str]) -> list[ChunkRow]:
    """Return all chunks of the versions, by version and ordinal."""
    chunks: list[ChunkRow] = []
    for batch in batches(version_ids, IDS_PER_QUERY):
        statement = select(ChunkRow).where(ChunkRow.version_id.in_(batch), ChunkRow.chunking == chunking)
        chunks.extend(session.scalars(statement.order_by(ChunkRow.version_id, ChunkRow.ordinal)))
    return chunks


def load_indexed_texts(job: RunningJob, chunks: Sequence[ChunkRow]) -> list[str]:
    """Return prefix and text of each chunk, as embedders and lexical stores read them."""
    version_ids = list(dict.fromkeys(chunk.version_id for chunk in chunks))
    texts = {version.id: version.text or "" for version in _load_texts(job, version_ids)}
    return [chunk.prefix + texts[chunk.version_id][chunk.start : chunk.end] for chunk in chunks]


def _load_texts(job: RunningJob, version_ids: Sequence[str]) -> list[Version]:
    versions: list[Version] = []
    with job.database.read() as session:
        for batch in batches(version_ids, IDS_PER_QUERY):
            statement = select(Version).options(undefer(Version.text), undefer(Version.structure))
            versions.extend(session.scalars(statement.where(Version.id.in_(batch))))
    return versions


def _chunked(session: Session, chunking: str, version_ids: Sequence[str]) -> set[str]:
    done: set[str] = set()
    for batch in batches(version_ids, IDS_PER_QUERY):
        statement = select(ChunkRow.version_id).where(ChunkRow.version_id.in_(batch), ChunkRow.chunking == chunking)
        done.update(session.scalars(statement.where(ChunkRow.ordinal == 0)))
    return done


def _cut(recipe: IndexRecipe, versions: Sequence[Version]) -> list[JsonObject]:
    """Return the rows of all chunks of the versions."""
    rows: list[JsonObject] = []
    texts: list[str] = []
    for version in versions:
        document = ParsedDocument.from_structure(version.text or "", version.title, version.structure or [])
        chunks = chunk_document(
            document, recipe.chunker, title=version.title, file_name=version.file_name,
            with_prefix=recipe.context_prefix,
        )  # fmt: skip
        rows.extend(_chunk_values(recipe, version, document.text, chunks))
        texts.extend(document.text[chunk.span.start : chunk.span.end] for chunk in chunks)
        if sum(map(len, texts)) >= MEASURED_CHARACTERS:
            _measure(rows, texts)
            texts.clear()
    _measure(rows, texts)
    return rows


def _chunk_values(recipe: IndexRecipe, version: Version, text: str, chunks: Sequence[Chunk]) -> list[JsonObject]:
    if recipe.chunker.pools_tokens:
        hashes = late_hashes(recipe, version.title, text, [chunk.span for chunk in chunks])
    else:
        hashes = [hashlib.sha256(indexed_text(text, chunk).encode()).hexdigest() for chunk in chunks]
    return [
        {
            "version_id": version.id,
            "chunking": recipe.chunking,
            "ordinal": ordinal,
            "start": chunk.span.start,
            "end": chunk.span.end,
            "parent_start": chunk.parent.start if chunk.parent is not None else None,
            "parent_end": chunk.parent.end if chunk.parent is not None else None,
            "tokens": chunk.tokens,
            "heading_path": list(chunk.heading_path),
            "prefix": chunk.prefix,
            "lead": [[span.start, span.end] for span in chunk.lead] or None,
            "indexed_sha256": named,
        }
        for ordinal, (chunk, named) in enumerate(zip(chunks, hashes, strict=True))
    ]


def _measure(rows: list[JsonObject], texts: Sequence[str]) -> None:
    """Give the last rows the measures of their texts."""
    for row, measure in zip(rows[len(rows) - len(texts) :], measures_of(texts), strict=True):
        row |= {"text_tokens": measure.tokens, "text_simhash": measure.simhash}
